"""A divergence of 0 is drawn from a divergence of something else.

KL(p, q) = 0 exactly when p = q; about p and r it says nothing.
"""

from derivations.notation import p, q, z
from derivations.rules import KL, Density, Equal, SameLaw, zero_divergence

r = Density("r", z)

CLAIM = dict(says=(Equal(KL(p(z), q(z)), 0), "iff", SameLaw(p(z), r)))
RIGHT = dict(says=(Equal(KL(p(z), q(z)), 0), "iff", SameLaw(p(z), q(z))))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Equal(KL(p(z), q(z)), 0))
    line.iff(SameLaw(p(z), r), by=zero_divergence)


def right(line):
    line(Equal(KL(p(z), q(z)), 0))
    line.iff(SameLaw(p(z), q(z)), by=zero_divergence)
