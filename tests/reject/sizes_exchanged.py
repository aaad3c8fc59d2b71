"""|s^2 I + A A^T| has d - k eigenvalues s^2 more than |s^2 I + A^T A|, and not k - d."""

import sympy as sp

from derivations.notation import d, k
from derivations.rules import POSITIVE, Domain, LogDet, determinant_turned, matrix, scalar

A, s = matrix("Re_A"), scalar("re_s")
DOMAIN = Domain({"re_s": POSITIVE}, {k: (1, sp.oo)}, sizes={"Re_A": (d, k)})
LEFT, INSIDE = LogDet(s**2 + A * A.T), LogDet(s**2 + A.T * A)

CLAIM = dict(says=(LEFT, "=", INSIDE + (k - d) * sp.log(s**2)), domain=DOMAIN)
RIGHT = dict(says=(LEFT, "=", INSIDE + (d - k) * sp.log(s**2)), domain=DOMAIN)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(LEFT)
    line(INSIDE + (k - d) * sp.log(s**2), by=determinant_turned(A, A.T))


def right(line):
    line(LEFT)
    line(INSIDE + (d - k) * sp.log(s**2), by=determinant_turned(A, A.T))
