"""a^2 < a, proved for a in (0, 1), read at a number that may be larger than 1."""

from derivations.rules import POSITIVE, UNIT, Domain, ordered_by, positivity, scalar

a, u = scalar("a"), scalar("u")

CLAIM = dict(says=(u**2, "<", u), domain=Domain({"u": POSITIVE}))
RIGHT = dict(says=(u**2, "<", u), domain=Domain({"u": UNIT}))
FAILS_AT = 2
BECAUSE = "is not known to be there"


def wrong(line):
    line(u**2)
    line.lt(u, by=ordered_by("square", at={a: u}))


right = wrong


def derive_square(line):
    line(a**2)
    line.lt(a, by=positivity)


LEMMAS = {"square": (dict(says=(a**2, "<", a), domain=Domain({"a": UNIT})), derive_square)}
