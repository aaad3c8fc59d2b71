"""-2 has a larger square than 1, and is no larger."""

from derivations.rules import Domain, Interval, positivity, scalar, squares

u, k = scalar("u"), scalar("k")
AT_MOST = Interval(0, 1, open_lo=False, open_hi=False)

CLAIM = dict(says=(u, "<=", k), domain=Domain({"u": AT_MOST, "k": Interval(-3, -2)}))
RIGHT = dict(says=(u, "<=", k), domain=Domain({"u": AT_MOST, "k": Interval(2, 3)}))
FAILS_AT = 2
BECAUSE = "not known to be non-negative"


def wrong(line):
    line(u)
    line.le(k, by=squares(positivity))


right = wrong
