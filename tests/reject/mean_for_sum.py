"""A squared error averaged over coordinates where the theory sums."""

import sympy as sp

from derivations.notation import d, eps
from derivations.rules import Domain, Expect, Norm2, Normal, moments

CLAIM = dict(says=(Expect(Normal(eps, 0, 1), Norm2(eps)), "=", sp.S.One), domain=Domain(), hypotheses=())
RIGHT = dict(says=(Expect(Normal(eps, 0, 1), Norm2(eps)), "=", d), domain=Domain(), hypotheses=())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(Normal(eps, 0, 1), Norm2(eps)))
    line(sp.S.One, by=moments)


def right(line):
    line(Expect(Normal(eps, 0, 1), Norm2(eps)))
    line(d, by=moments)
