"""A chain that goes up and comes down again proves no inequality."""

from derivations.rules import POSITIVE, REAL, Domain, positivity, scalar

u, w = scalar("u"), scalar("w")
DOMAIN = Domain({"u": REAL, "w": POSITIVE})

CLAIM = dict(says=(u, "<", u), domain=DOMAIN)
RIGHT = dict(says=(u, "<", u + w), domain=DOMAIN)
FAILS_AT = 3
BECAUSE = "do not add up"


def wrong(line):
    line(u)
    line.lt(u + w, by=positivity)
    line.gt(u, by=positivity)


def right(line):
    line(u)
    line.lt(u + w, by=positivity)
