"""A floating-point number decides nothing."""

import sympy as sp

from derivations.rules import REAL, Domain, scalar

u = scalar("u")

CLAIM = dict(says=(u / 2, "=", sp.Float(0.5) * u), domain=Domain({"u": REAL}), hypotheses=())
RIGHT = dict(says=(u / 2, "=", sp.Rational(1, 2) * u), domain=Domain({"u": REAL}), hypotheses=())
FAILS_AT = 0
BECAUSE = "no floats"


def wrong(line):
    line(u / 2)
    line(sp.Float(0.5) * u)


def right(line):
    line(u / 2)
    line(sp.Rational(1, 2) * u)
