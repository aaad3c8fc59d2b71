"""The fourth moment of a Gaussian is taken for the square of its second.

E z^4 = 3 v^2 for a centred Gaussian, and only moments of degree <= 2 are known here.
"""

from derivations.notation import integrable, z
from derivations.rules import Coord, Expect, Normal, moments

CLAIM = dict(says=(Expect(Normal(z, 0, 1), Coord(z, 1) ** 4), "=", 1), hypotheses=(integrable,))
RIGHT = dict(says=(Expect(Normal(z, 0, 1), Coord(z, 1) ** 2), "=", 1), hypotheses=(integrable,))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(Normal(z, 0, 1), Coord(z, 1) ** 4))
    line(1, by=moments)


def right(line):
    line(Expect(Normal(z, 0, 1), Coord(z, 1) ** 2))
    line(1, by=moments)
