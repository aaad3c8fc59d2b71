"""The log-density of a Gaussian without its normaliser."""

import sympy as sp

from derivations.notation import d, z
from derivations.rules import POSITIVE, Domain, LogDensity, Norm2, Normal, density, scalar, vector

m = vector("m")
v = scalar("v", positive=True)
law = Normal(z, m, v)
POSITIVE_V = Domain({"v": POSITIVE})

CLAIM = dict(says=(LogDensity(law), "=", -Norm2(z - m) / (2 * v)), domain=POSITIVE_V, hypotheses=())
RIGHT = dict(
    says=(LogDensity(law), "=", -d * sp.log(2 * sp.pi * v) / 2 - Norm2(z - m) / (2 * v)),
    domain=POSITIVE_V,
    hypotheses=(),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(LogDensity(law))
    line(-Norm2(z - m) / (2 * v), by=density)


def right(line):
    line(LogDensity(law))
    line(-d * sp.log(2 * sp.pi * v) / 2 - Norm2(z - m) / (2 * v), by=density)
