"""An inequality that holds for small numbers only.

A^2 <= a fails for a > 1, and the domain does not stop there.
"""

from derivations.rules import POSITIVE, UNIT, Domain, positivity, scalar

a = scalar("a")


CLAIM = dict(says=(a**2, "<=", a), domain=Domain({"a": POSITIVE}))
RIGHT = dict(says=(a**2, "<=", a), domain=Domain({"a": UNIT}))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(a**2)
    line.le(a, by=positivity)


def right(line):
    line(a**2)
    line.le(a, by=positivity)
