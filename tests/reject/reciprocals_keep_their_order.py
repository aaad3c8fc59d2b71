"""1/u falls where u grows."""

from derivations.rules import POSITIVE, Domain, monotone, positivity, scalar

u, k = scalar("u"), scalar("k")
DOMAIN = Domain({"u": POSITIVE, "k": POSITIVE})

CLAIM = dict(says=(1 / u, "<=", 1 / (u + k)), domain=DOMAIN)
RIGHT = dict(says=(1 / u, ">=", 1 / (u + k)), domain=DOMAIN)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(1 / u)
    line.le(1 / (u + k), by=monotone(positivity))


def right(line):
    line(1 / u)
    line.ge(1 / (u + k), by=monotone(positivity))
