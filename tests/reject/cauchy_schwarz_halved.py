"""(u.v)^2 <= |u|^2 |v|^2 / 2 fails at u = v."""

from derivations.rules import Inner, Norm2, positivity, vector

u, v = vector("u"), vector("v")

CLAIM = dict(says=(Inner(u, v) ** 2, "<=", Norm2(u) * Norm2(v) / 2))
RIGHT = dict(says=(Inner(u, v) ** 2, "<=", Norm2(u) * Norm2(v)))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Inner(u, v) ** 2)
    line.le(Norm2(u) * Norm2(v) / 2, by=positivity)


def right(line):
    line(Inner(u, v) ** 2)
    line.le(Norm2(u) * Norm2(v), by=positivity)
