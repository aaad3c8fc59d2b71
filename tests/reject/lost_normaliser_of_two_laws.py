"""Two normal laws of different variance are compared by their exponents alone.

The normalisers differ when the variances do, and cancel only when they are equal.
"""

from derivations.notation import z
from derivations.rules import LogDensity, Norm2, Normal, density, vector

u, v = vector("u"), vector("v")
wide, narrow = (Normal(z, u, 2), Normal(z, v, 1))

CLAIM = dict(says=(LogDensity(wide) - LogDensity(narrow), "=", Norm2(z - v) / 2 - Norm2(z - u) / 4))
RIGHT = dict(says=(LogDensity(Normal(z, u, 2)) - LogDensity(Normal(z, v, 2)), "=", (Norm2(z - v) - Norm2(z - u)) / 4))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(LogDensity(wide) - LogDensity(narrow))
    line(Norm2(z - v) / 2 - Norm2(z - u) / 4, by=density)


def right(line):
    line(LogDensity(Normal(z, u, 2)) - LogDensity(Normal(z, v, 2)))
    line((Norm2(z - v) - Norm2(z - u)) / 4, by=density)
