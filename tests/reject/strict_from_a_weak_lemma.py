"""log u < u - 1 at every u > 0, u = 1 included."""

import sympy as sp

from derivations.rules import POSITIVE, Domain, log_tangent, ordered_by, scalar

a, u = scalar("a"), scalar("u")
DOMAIN = Domain({"u": POSITIVE})

CLAIM = dict(says=(sp.log(u), "<", u - 1), domain=DOMAIN)
RIGHT = dict(says=(sp.log(u), "<=", u - 1), domain=DOMAIN)
FAILS_AT = 2
BECAUSE = "does not say that its sides differ"


def wrong(line):
    line(sp.log(u))
    line.lt(u - 1, by=ordered_by("tangent", at={a: u}))


def right(line):
    line(sp.log(u))
    line.le(u - 1, by=ordered_by("tangent", at={a: u}))


def derive_tangent(line):
    line(sp.log(a))
    line.le(a - 1, by=log_tangent)


LEMMAS = {"tangent": (dict(says=(sp.log(a), "<=", a - 1), domain=Domain({"a": POSITIVE})), derive_tangent)}
