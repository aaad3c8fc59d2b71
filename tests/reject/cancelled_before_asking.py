"""A factor that may be 0 is cancelled on the way.

A b / b = a needs b not 0.
"""

from derivations.rules import NONZERO, Domain, Ratio, scalar

a, b = scalar("a"), scalar("b")


CLAIM = dict(says=(a, "=", a))
RIGHT = dict(says=(a, "=", a), domain=Domain({"b": NONZERO}))
FAILS_AT = 2
BECAUSE = "side condition"


def wrong(line):
    line(a)
    line(Ratio(a * b, b))
    line(a)


def right(line):
    line(a)
    line(Ratio(a * b, b))
    line(a)
