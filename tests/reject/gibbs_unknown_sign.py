"""A divergence with a coefficient of unknown sign."""

import sympy as sp

from derivations.notation import integrable, z
from derivations.rules import KL, POSITIVE, REAL, Density, Domain, gibbs, scalar

first, second = Density("p", z), Density("q", z)
u = scalar("u")

CLAIM = dict(says=(u * KL(first, second), ">=", sp.S.Zero), domain=Domain({"u": REAL}), hypotheses=(integrable,))
RIGHT = dict(says=(u * KL(first, second), ">=", sp.S.Zero), domain=Domain({"u": POSITIVE}), hypotheses=(integrable,))
FAILS_AT = 2
BECAUSE = ""


def wrong(line):
    line(u * KL(first, second))
    line.ge(sp.S.Zero, by=gibbs)


def right(line):
    line(u * KL(first, second))
    line.ge(sp.S.Zero, by=gibbs)
