"""|x - m|^2 without the inner product."""

from derivations.notation import x
from derivations.rules import Domain, Inner, Norm2, vector

m = vector("m")

CLAIM = dict(says=(Norm2(x(1) - m), "=", Norm2(x(1)) + Norm2(m)), domain=Domain(), hypotheses=())
RIGHT = dict(says=(Norm2(x(1) - m), "=", Norm2(x(1)) - 2 * Inner(x(1), m) + Norm2(m)), domain=Domain(), hypotheses=())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Norm2(x(1) - m))
    line(Norm2(x(1)) + Norm2(m))


def right(line):
    line(Norm2(x(1) - m))
    line(Norm2(x(1)) - 2 * Inner(x(1), m) + Norm2(m))
