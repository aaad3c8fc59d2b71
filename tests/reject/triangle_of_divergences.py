"""Divergences are taken for distances.

No triangle inequality holds for KL.
"""

from derivations.notation import p, q, z
from derivations.rules import KL, Density, gibbs

r = Density("r", z)

CLAIM = dict(says=(KL(p(z), r), "<=", KL(p(z), q(z)) + KL(q(z), r)))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(KL(p(z), r))
    line.le(KL(p(z), q(z)) + KL(q(z), r), by=gibbs)
