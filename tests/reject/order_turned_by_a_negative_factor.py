"""An inequality is multiplied by a negative number and keeps its direction.

Multiplying by -1 turns the order round.
"""

import sympy as sp

from derivations.rules import AtMost, scalar, scaled

a, b = scalar("a"), scalar("b")


CLAIM = dict(says=(AtMost(a, b), "iff", AtMost(-a, -b)))
RIGHT = dict(says=(AtMost(a, b), "iff", AtMost(-b, -a)))
FAILS_AT = 2
BECAUSE = "not known to be positive"


def wrong(line):
    line(AtMost(a, b))
    line.iff(AtMost(-a, -b), by=scaled(-sp.S.One))


def right(line):
    line(AtMost(a, b))
    line.iff(AtMost(-b, -a), by=scaled(sp.S.One))
