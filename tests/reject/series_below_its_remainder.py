"""h = 0 + O(h) is called at most 0, as if the remainder were none."""

import sympy as sp

from derivations.rules import POSITIVE, Domain, Series, positivity, scalar, series

h = scalar("h", positive=True)

CLAIM = dict(says=(Series(h, h, 1), "<=", sp.S.Zero), domain=Domain({"h": POSITIVE}))
RIGHT = dict(says=(Series(h, h, 1), "=", sp.S.Zero), domain=Domain({"h": POSITIVE}))
FAILS_AT = 2
BECAUSE = "up to its remainder"


def wrong(line):
    line(Series(h, h, 1))
    line.le(sp.S.Zero, by=[series, positivity])


def right(line):
    line(Series(h, h, 1))
    line(sp.S.Zero, by=series)
