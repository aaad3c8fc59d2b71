"""sqrt(u^2) = u for a real u that may be negative."""

import sympy as sp

from derivations.rules import REAL, Domain, scalar

u = scalar("u")

CLAIM = dict(says=(sp.sqrt(u**2), "=", u), domain=Domain({"u": REAL}), hypotheses=())
FAILS_AT = 2
BECAUSE = ""


def wrong(line):
    line(sp.sqrt(u**2))
    line(u)
