"""E z^T M z = m^T M m: the spread of z forgotten."""

from derivations.notation import k, z
from derivations.rules import Domain, Expect, FullNormal, Quadratic, Trace, covariance, moments, trace_algebra, vector

m, M, S = vector("m"), covariance("M"), covariance("S")
law = FullNormal(z, m, S, k)

CLAIM = dict(says=(Expect(law, Quadratic(z, M, z)), "=", Quadratic(m, M, m)), domain=Domain(), hypotheses=())
RIGHT = dict(
    says=(Expect(law, Quadratic(z, M, z)), "=", Quadratic(m, M, m) + Trace(M * S, k)), domain=Domain(), hypotheses=()
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(law, Quadratic(z, M, z)))
    line(Quadratic(m, M, m), by=[moments, trace_algebra])


def right(line):
    line(Expect(law, Quadratic(z, M, z)))
    line(Quadratic(m, M, m) + Trace(M * S, k), by=[moments, trace_algebra])
