"""E|z|^2 = |m|^2 + v: the variance counted once instead of d times."""

from derivations.notation import d, z
from derivations.rules import POSITIVE, Domain, Expect, Norm2, Normal, moments, scalar, vector

m, v = vector("m"), scalar("v", positive=True)
law = Normal(z, m, v)

CLAIM = dict(says=(Expect(law, Norm2(z)), "=", Norm2(m) + v), domain=Domain({"v": POSITIVE}), hypotheses=())
RIGHT = dict(says=(Expect(law, Norm2(z)), "=", Norm2(m) + d * v), domain=Domain({"v": POSITIVE}), hypotheses=())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(law, Norm2(z)))
    line(Norm2(m) + v, by=moments)


def right(line):
    line(Expect(law, Norm2(z)))
    line(Norm2(m) + d * v, by=moments)
