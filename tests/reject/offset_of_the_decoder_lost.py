"""The evidence of x = A z + b + noise lies about b."""

import sympy as sp

from derivations.notation import d, k, z
from derivations.rules import (
    POSITIVE,
    Apply,
    Domain,
    Expect,
    FullNormal,
    LogDensity,
    Normal,
    constant_vector,
    matrix,
    scalar,
    through,
    vector,
)

A, x, s = matrix("Re_A"), vector("re_x"), scalar("re_s")
b = constant_vector("re_b")
DOMAIN = Domain({"re_s": POSITIVE}, {k: (1, sp.oo)}, sizes={"Re_A": (d, k)})
LEFT = Expect(Normal(z, 0, 1, k), sp.exp(LogDensity(Normal(x, Apply(A, z) + b, s**2, d))))
FALSE = sp.exp(LogDensity(FullNormal(x, 0, A * A.T + s**2, d)))
TRUE = sp.exp(LogDensity(FullNormal(x, b, A * A.T + s**2, d)))

CLAIM = dict(says=(LEFT, "=", FALSE), domain=DOMAIN)
RIGHT = dict(says=(LEFT, "=", TRUE), domain=DOMAIN)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(LEFT)
    line(FALSE, by=through)


def right(line):
    line(LEFT)
    line(TRUE, by=through)
