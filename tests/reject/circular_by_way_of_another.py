"""Two claims are proved by each other.

The second rests on the first, which rests on the second.
"""

from derivations.rules import by_claim, scalar, scalar_function

a, b = scalar("a"), scalar("b")
f = scalar_function("f")


CLAIM = dict(says=(f(a), "=", f(b)))
FAILS_AT = 2
BECAUSE = "not proved"


def derive_other(line):
    line(f(a))
    line(f(b), by=by_claim("reject.circular_by_way_of_another"))


def wrong(line):
    line(f(a))
    line(f(b), by=by_claim("second of two"))


LEMMAS = {"second of two": (dict(says=(f(a), "=", f(b))), derive_other)}
