"""The covariance of A z is A A^T; A^T A is one of codes, of another size."""

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
FALSE = sp.exp(LogDensity(FullNormal(x, b, A.T * A + s**2, d)))
TRUE = sp.exp(LogDensity(FullNormal(x, b, A * A.T + s**2, d)))

CLAIM = dict(says=(LEFT, "=", FALSE), domain=DOMAIN)
RIGHT = dict(says=(LEFT, "=", TRUE), domain=DOMAIN)
FAILS_AT = 0
BECAUSE = "lives in two spaces"


def wrong(line):
    line(LEFT)
    line(FALSE, by=through)


def right(line):
    line(LEFT)
    line(TRUE, by=through)
