"""E[XY] = E[X] E[Y] for two linear forms in one and the same Gaussian."""

from derivations.notation import z
from derivations.rules import POSITIVE, Domain, Expect, Inner, Normal, moments, scalar, vector

a, b, m = vector("a"), vector("b"), vector("m")
v = scalar("v", positive=True)
law = Normal(z, m, v)
POSITIVE_V = Domain({"v": POSITIVE})

CLAIM = dict(
    says=(Expect(law, Inner(a, z) * Inner(b, z)), "=", Inner(a, m) * Inner(b, m)), domain=POSITIVE_V, hypotheses=()
)
RIGHT = dict(
    says=(Expect(law, Inner(a, z) * Inner(b, z)), "=", Inner(a, m) * Inner(b, m) + v * Inner(a, b)),
    domain=POSITIVE_V,
    hypotheses=(),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(law, Inner(a, z) * Inner(b, z)))
    line(Inner(a, m) * Inner(b, m), by=moments)


def right(line):
    line(Expect(law, Inner(a, z) * Inner(b, z)))
    line(Inner(a, m) * Inner(b, m) + v * Inner(a, b), by=moments)
