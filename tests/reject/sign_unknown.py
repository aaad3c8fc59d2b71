"""A real number called positive."""

import sympy as sp

from derivations.rules import POSITIVE, REAL, Domain, positivity, scalar

u = scalar("u")

CLAIM = dict(says=(sp.S.Zero, "<", u), domain=Domain({"u": REAL}))
RIGHT = dict(says=(sp.S.Zero, "<", u), domain=Domain({"u": POSITIVE}))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(sp.S.Zero)
    line.lt(u, by=positivity)


def right(line):
    line(sp.S.Zero)
    line.lt(u, by=positivity)
