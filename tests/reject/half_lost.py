"""A factor 1/2 gets lost between the density and the divergence.

The exponent of a normal density is -|x - m|^2 / (2 v).
"""

from derivations.notation import z
from derivations.rules import KL, Norm2, Normal, definition, density, moments, vector

u, v = vector("u"), vector("v")
divergence = KL(Normal(z, u, 1), Normal(z, v, 1))

CLAIM = dict(says=(divergence, "=", Norm2(u - v)))
RIGHT = dict(says=(divergence, "=", Norm2(u - v) / 2))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(divergence)
    line(Norm2(u - v), by=[definition, density, moments])


def right(line):
    line(divergence)
    line(Norm2(u - v) / 2, by=[definition, density, moments])
