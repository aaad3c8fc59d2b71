"""(s^2 I + A A^T)^-1 is not (1 - A A^T / s^2) / s^2: that is the beginning of a series."""

import sympy as sp

from derivations.notation import d, k
from derivations.rules import POSITIVE, Domain, Quadratic, inverse_is, matrix, scalar, trace_algebra, vector

A, s, u = matrix("Re_A"), scalar("re_s"), vector("re_u")
DOMAIN = Domain({"re_s": POSITIVE}, {k: (1, sp.oo)}, sizes={"Re_A": (d, k)})
WHOLE = s**2 + A * A.T
BEGUN, EXACT = (1 - A * A.T / s**2) / s**2, (1 - A * (s**2 + A.T * A) ** -1 * A.T) / s**2
LEFT = Quadratic(u, WHOLE**-1, u)

CLAIM = dict(says=(LEFT, "=", Quadratic(u, BEGUN, u)), domain=DOMAIN)
RIGHT = dict(says=(LEFT, "=", Quadratic(u, EXACT, u)), domain=DOMAIN)
FAILS_AT = 2
BECAUSE = "is not known to be the identity"


def wrong(line):
    line(LEFT)
    line(Quadratic(u, BEGUN, u), by=[inverse_is(WHOLE, BEGUN), trace_algebra])


def right(line):
    line(LEFT)
    line(Quadratic(u, EXACT, u), by=[inverse_is(WHOLE, EXACT), trace_algebra])
