"""A last digit that the interval does not allow."""

import sympy as sp

from derivations.rules import Domain, Rounded, interval_arithmetic

CLAIM = dict(says=(sp.sqrt(2), "=", Rounded("1.4143")), domain=Domain(), hypotheses=())
RIGHT = dict(says=(sp.sqrt(2), "=", Rounded("1.4142")), domain=Domain(), hypotheses=())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(sp.sqrt(2))
    line(Rounded("1.4143"), by=interval_arithmetic)


def right(line):
    line(sp.sqrt(2))
    line(Rounded("1.4142"), by=interval_arithmetic)
