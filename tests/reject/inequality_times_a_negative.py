"""A proved inequality, multiplied by a number that may be negative."""

import sympy as sp

from derivations.rules import POSITIVE, REAL, Domain, log_tangent, ordered_by, scalar

a, u, k = scalar("a"), scalar("u"), scalar("k")

CLAIM = dict(says=(k * sp.log(u), "<=", k * (u - 1)), domain=Domain({"u": POSITIVE, "k": REAL}))
RIGHT = dict(says=(k * sp.log(u), "<=", k * (u - 1)), domain=Domain({"u": POSITIVE, "k": POSITIVE}))
FAILS_AT = 2
BECAUSE = "not known to be non-negative"


def wrong(line):
    line(k * sp.log(u))
    line.le(k * (u - 1), by=ordered_by("tangent", at={a: u}, times=k))


right = wrong


def derive_tangent(line):
    line(sp.log(a))
    line.le(a - 1, by=log_tangent)


LEMMAS = {"tangent": (dict(says=(sp.log(a), "<=", a - 1), domain=Domain({"a": POSITIVE})), derive_tangent)}
