"""A lemma about positive numbers is used for any number.

The lemma needs its symbol in (0, oo), and b may be negative.
"""

import sympy as sp

from derivations.rules import UNIT, Domain, by_claim, scalar, vector

a, b = scalar("a"), scalar("b")
u = vector("u")


CLAIM = dict(says=(sp.sqrt((b - 1) ** 2) * u, "=", (1 - b) * u))
RIGHT = dict(says=(sp.sqrt((b - 1) ** 2) * u, "=", (1 - b) * u), domain=Domain({"b": UNIT}))
FAILS_AT = 2
BECAUSE = "not known to be there"


def derive_root(line):
    line(sp.sqrt((a - 1) ** 2))
    line(1 - a)


def wrong(line):
    line(sp.sqrt((b - 1) ** 2) * u)
    line((1 - b) * u, by=by_claim("root of a square", at={a: b}))


def right(line):
    line(sp.sqrt((b - 1) ** 2) * u)
    line((1 - b) * u, by=by_claim("root of a square", at={a: b}))


LEMMAS = {"root of a square": (dict(says=(sp.sqrt((a - 1) ** 2), "=", 1 - a), domain=Domain({"a": UNIT})), derive_root)}
