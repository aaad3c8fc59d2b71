"""s^2 I - A A^T may have no inverse, whatever s is."""

import sympy as sp

from derivations.notation import d, k
from derivations.rules import POSITIVE, Domain, Norm2, Quadratic, matrix, scalar, trace_algebra, vector

A, s, u = matrix("Re_A"), scalar("re_s"), vector("re_u")
DOMAIN = Domain({"re_s": POSITIVE}, {k: (1, sp.oo)}, sizes={"Re_A": (d, k)})
LESS, MORE = s**2 - A * A.T, s**2 + A * A.T
FALSE = Norm2(u) * s**2 + Quadratic(u, A * A.T * LESS**-1 * s**2, u)
TRUE = Quadratic(u, A * A.T * MORE**-1 * s**2, u)

CLAIM = dict(says=(s**4 * Quadratic(u, LESS**-1, u), "=", FALSE), domain=DOMAIN)
RIGHT = dict(says=(s**4 * Quadratic(u, MORE**-1, u), "=", Norm2(u) * s**2 - TRUE), domain=DOMAIN)
FAILS_AT = 0
BECAUSE = "positive definite does not follow from the domain"


def wrong(line):
    line(s**4 * Quadratic(u, LESS**-1, u))
    line(FALSE, by=trace_algebra)


def right(line):
    line(s**4 * Quadratic(u, MORE**-1, u))
    line(Norm2(u) * s**2 - TRUE, by=trace_algebra)
