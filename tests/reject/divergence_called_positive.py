"""A strict inequality is drawn from weak ones.

A divergence may be 0: KL >= 0 is all that Gibbs gives.
"""

from derivations.notation import p, q, z
from derivations.rules import KL, gibbs

CLAIM = dict(says=(KL(q(z), p(z)), ">", 0))
RIGHT = dict(says=(KL(q(z), p(z)), ">=", 0))
FAILS_AT = 0
BECAUSE = "do not add up"


def wrong(line):
    line(KL(q(z), p(z)))
    line.ge(0, by=gibbs)


def right(line):
    line(KL(q(z), p(z)))
    line.ge(0, by=gibbs)
