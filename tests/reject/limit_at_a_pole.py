"""A limit taken by putting the point in, where the expression has a pole."""

import sympy as sp

from derivations.rules import NONZERO, At, Domain, continuity, scalar

u = scalar("u")
DOMAIN = Domain({"u": NONZERO})

CLAIM = dict(says=(At(1 / u, u, 0), "=", sp.S.Zero), domain=DOMAIN)
RIGHT = dict(says=(At(1 + u, u, 0), "=", sp.S.One), domain=DOMAIN)
FAILS_AT = 0
BECAUSE = "must mean something everywhere"


def wrong(line):
    line(At(1 / u, u, 0))
    line(sp.S.Zero, by=continuity)


def right(line):
    line(At(1 + u, u, 0))
    line(sp.S.One, by=continuity)
