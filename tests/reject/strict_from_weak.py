"""u^2 > 0 for every real u, 0 included."""

import sympy as sp

from derivations.rules import REAL, Domain, positivity, scalar

u = scalar("u")
DOMAIN = Domain({"u": REAL})

CLAIM = dict(says=(sp.S.Zero, "<", u**2), domain=DOMAIN)
RIGHT = dict(says=(sp.S.Zero, "<", u**2 + 1), domain=DOMAIN)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(sp.S.Zero)
    line.lt(u**2, by=positivity)


def right(line):
    line(sp.S.Zero)
    line.lt(u**2 + 1, by=positivity)
