"""|u + v|^2 <= |u|^2 + |v|^2 forgets 2 u.v; twice as much is enough."""

from derivations.rules import Norm2, positivity, vector

u, v = vector("u"), vector("v")

CLAIM = dict(says=(Norm2(u + v), "<=", Norm2(u) + Norm2(v)))
RIGHT = dict(says=(Norm2(u + v), "<=", 2 * Norm2(u) + 2 * Norm2(v)))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Norm2(u + v))
    line.le(Norm2(u) + Norm2(v), by=positivity)


def right(line):
    line(Norm2(u + v))
    line.le(2 * Norm2(u) + 2 * Norm2(v), by=positivity)
