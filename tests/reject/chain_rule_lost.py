"""The derivative of exp(2u) without the inner factor."""

import sympy as sp

from derivations.rules import REAL, D, Domain, differentiation, scalar

u = scalar("u")

CLAIM = dict(says=(D(sp.exp(2 * u), u), "=", sp.exp(2 * u)), domain=Domain({"u": REAL}), hypotheses=())
RIGHT = dict(says=(D(sp.exp(2 * u), u), "=", 2 * sp.exp(2 * u)), domain=Domain({"u": REAL}), hypotheses=())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(D(sp.exp(2 * u), u))
    line(sp.exp(2 * u), by=differentiation)


def right(line):
    line(D(sp.exp(2 * u), u))
    line(2 * sp.exp(2 * u), by=differentiation)
