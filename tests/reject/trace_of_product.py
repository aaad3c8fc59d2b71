"""tr(AB) = tr(A) tr(B)."""

from derivations.notation import k
from derivations.rules import Domain, Trace, covariance, trace_algebra

A, B = covariance("A"), covariance("B")

CLAIM = dict(says=(Trace(A * B, k), "=", Trace(A, k) * Trace(B, k)), domain=Domain(), hypotheses=())
RIGHT = dict(says=(Trace(A * B, k), "=", Trace(B * A, k)), domain=Domain(), hypotheses=())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Trace(A * B, k))
    line(Trace(A, k) * Trace(B, k), by=trace_algebra)


def right(line):
    line(Trace(A * B, k))
    line(Trace(B * A, k), by=trace_algebra)
