"""Stein's identity without its sign."""

from derivations.notation import d, z
from derivations.rules import POSITIVE, Domain, Expect, Grad, Inner, LogDensity, Normal, scalar, stein, vector

m, v = vector("m"), scalar("v", positive=True)
law = Normal(z, m, v)
mean = Expect(law, Inner(Grad(LogDensity(law), z), z))

CLAIM = dict(says=(mean, "=", d), domain=Domain({"v": POSITIVE}))
RIGHT = dict(says=(mean, "=", -d), domain=Domain({"v": POSITIVE}))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(mean)
    line(d, by=stein)


def right(line):
    line(mean)
    line(-d, by=stein)
