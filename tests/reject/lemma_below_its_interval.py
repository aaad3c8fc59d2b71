"""A lemma about numbers from 2 on is used for numbers from -2 on.

At c = 0 the root is 2, and c - 2 is -2.
"""

import sympy as sp

from derivations.rules import Domain, Interval, by_claim, scalar, vector

a, c = scalar("a"), scalar("c")
u = vector("u")


CLAIM = dict(says=(sp.sqrt((c - 2) ** 2) * u, "=", (c - 2) * u), domain=Domain({"c": Interval(-2)}))
RIGHT = dict(says=(sp.sqrt((c - 2) ** 2) * u, "=", (c - 2) * u), domain=Domain({"c": Interval(3)}))
FAILS_AT = 2
BECAUSE = "not known to be there"


def derive_root(line):
    line(sp.sqrt((a - 2) ** 2))
    line(a - 2)


def wrong(line):
    line(sp.sqrt((c - 2) ** 2) * u)
    line((c - 2) * u, by=by_claim("root from two on", at={a: c}))


right = wrong


LEMMAS = {
    "root from two on": (
        dict(says=(sp.sqrt((a - 2) ** 2), "=", a - 2), domain=Domain({"a": Interval(2, open_lo=False)})),
        derive_root,
    )
}
