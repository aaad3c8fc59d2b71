"""A standard deviation is put where the variance belongs.

N(m, s^2 I) has E|z|^2 = |m|^2 + d s^2, not d s.
"""

from derivations.notation import d, z
from derivations.rules import POSITIVE, Domain, Expect, Norm2, Normal, moments, scalar, vector

a = scalar("a")
u = vector("u")
spread = Domain({"a": POSITIVE})

CLAIM = dict(says=(Expect(Normal(z, u, a**2), Norm2(z)), "=", Norm2(u) + d * a), domain=spread)
RIGHT = dict(says=(Expect(Normal(z, u, a**2), Norm2(z)), "=", Norm2(u) + d * a**2), domain=spread)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(Normal(z, u, a**2), Norm2(z)))
    line(Norm2(u) + d * a, by=moments)


def right(line):
    line(Expect(Normal(z, u, a**2), Norm2(z)))
    line(Norm2(u) + d * a**2, by=moments)
