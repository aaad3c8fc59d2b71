"""u/u = 1 where u may be 0."""

import sympy as sp

from derivations.rules import NONZERO, REAL, Domain, Ratio, scalar

u = scalar("u")

CLAIM = dict(says=(Ratio(u, u), "=", sp.S.One), domain=Domain({"u": REAL}), hypotheses=())
RIGHT = dict(says=(Ratio(u, u), "=", sp.S.One), domain=Domain({"u": NONZERO}), hypotheses=())
FAILS_AT = 0
BECAUSE = "side condition"


def wrong(line):
    line(Ratio(u, u))
    line(sp.S.One)


def right(line):
    line(Ratio(u, u))
    line(sp.S.One)
