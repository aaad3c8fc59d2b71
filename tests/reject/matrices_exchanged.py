"""Two matrices change places inside a quadratic form.

U^T A B v = v^T B A u; with u and v in place the order matters.
"""

from derivations.rules import Quadratic, covariance, trace_algebra, vector

u, v = vector("u"), vector("v")
S, P = (covariance("Re_S"), covariance("Re_P"))

CLAIM = dict(says=(Quadratic(u, S * P, v), "=", Quadratic(u, P * S, v)))
RIGHT = dict(says=(Quadratic(u, S * P, v), "=", Quadratic(v, P * S, u)))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Quadratic(u, S * P, v))
    line(Quadratic(u, P * S, v), by=trace_algebra)


def right(line):
    line(Quadratic(u, S * P, v))
    line(Quadratic(v, P * S, u), by=trace_algebra)
