"""The mean of a product is taken for the product of the means, without independence.

Only sums may be averaged one by one; a product needs independence.
"""

from derivations.notation import integrable, q, x
from derivations.rules import Coord, Expect, linearity, tower

one, two = (Coord(x(1), 1), Coord(x(2), 1))
joint = q([x(1), x(2)])

CLAIM = dict(
    says=(Expect(joint, one * two), "=", Expect(q(x(1)), one) * Expect(q(x(2)), two)), hypotheses=(integrable,)
)
RIGHT = dict(
    says=(Expect(joint, one + two), "=", Expect(q(x(1)), one) + Expect(q(x(2)), two)), hypotheses=(integrable,)
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(joint, one * two))
    line(Expect(q(x(1)), one) * Expect(q(x(2)), two), by=[linearity, tower])


def right(line):
    line(Expect(joint, one + two))
    line(Expect(q(x(1)), one) + Expect(q(x(2)), two), by=[linearity, tower])
