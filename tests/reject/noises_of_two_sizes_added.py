"""The squared length of a sum of two noises, of which one has k coordinates and the other d."""

from derivations.notation import d, eps, k, z
from derivations.rules import Expect, Norm2, Normal, linearity, moments

long, short = Normal(z, 0, 1, k), Normal(eps, 0, 1, d)
both = Normal(z, 0, 1, d)

CLAIM = dict(says=(Expect(long, Expect(short, Norm2(z + eps))), "=", k + d))
RIGHT = dict(says=(Expect(both, Expect(short, Norm2(z + eps))), "=", 2 * d))
FAILS_AT = 0
BECAUSE = "lives in two spaces"


def wrong(line):
    line(Expect(long, Expect(short, Norm2(z + eps))))
    line(k + d, by=[moments, linearity])


def right(line):
    line(Expect(both, Expect(short, Norm2(z + eps))))
    line(2 * d, by=[moments, linearity])
