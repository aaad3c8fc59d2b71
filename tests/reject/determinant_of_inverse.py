"""log|S^-1| = log|S|."""

from derivations.rules import Domain, LogDet, covariance, trace_algebra

S = covariance("S")

CLAIM = dict(says=(LogDet(S**-1), "=", LogDet(S)), domain=Domain(), hypotheses=())
RIGHT = dict(says=(LogDet(S**-1), "=", -LogDet(S)), domain=Domain(), hypotheses=())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(LogDet(S**-1))
    line(LogDet(S), by=trace_algebra)


def right(line):
    line(LogDet(S**-1))
    line(-LogDet(S), by=trace_algebra)
