"""A vector is squared as if it were a number.

The square of a vector is its inner product with itself, or taken coordinate by coordinate: say which.
"""

from derivations.rules import Inner, Norm2, vector

u, v = vector("u"), vector("v")


CLAIM = dict(says=((u - v) ** 2, "=", u**2 - 2 * u * v + v**2))
RIGHT = dict(says=(Norm2(u - v), "=", Norm2(u) - 2 * Inner(u, v) + Norm2(v)))
FAILS_AT = 0
BECAUSE = "only numbers have such powers"


def wrong(line):
    line((u - v) ** 2)
    line(u**2 - 2 * u * v + v**2)


def right(line):
    line(Norm2(u - v))
    line(Norm2(u) - 2 * Inner(u, v) + Norm2(v))
