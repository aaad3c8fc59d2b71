"""A derivation of a single line.

A statement is not its own proof.
"""

from derivations.rules import scalar

a, b = scalar("a"), scalar("b")


CLAIM = dict(says=(a, "=", b))
FAILS_AT = 0
BECAUSE = "at least two lines"


def wrong(line):
    line(a)
