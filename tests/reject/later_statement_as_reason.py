"""A statement is derived from one that comes after it.

Only statements above it, proved by then, may be used.
"""

from derivations.rules import above, scalar, scalar_function

a, b = scalar("a"), scalar("b")
f = scalar_function("f")


CLAIM = dict(says=(f(a) + 1, "=", f(b) + 1), also=((f(a), "=", f(b)),))
FAILS_AT = 2
BECAUSE = "not proved"


def wrong(line):
    line(f(a) + 1)
    line(f(b) + 1, by=above(1))
