"""A second difference divided once more by two: the factor of Taylor's formula is in it already."""

import sympy as sp

from derivations.rules import POSITIVE, Domain, Series, rate, scalar, scalar_function, series, smoothness

h, s = scalar("step_h", positive=True), scalar("place_s")
f = scalar_function("rejected_f")
second = (f(s + h) - 2 * f(s) + f(s - h)) / (2 * h**2)  # divided difference
curved = rate(rate(f(s)))
COMMON = dict(domain=Domain({"step_h": POSITIVE}), hypotheses=(smoothness(f, 3),))

CLAIM = dict(says=(Series(second, h, 1), "=", curved), **COMMON)
RIGHT = dict(says=(Series(second, h, 1), "=", curved / 2), **COMMON)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Series(second, h, 1))
    line(curved, by=series)


def right(line):
    line(Series(second, h, 1))
    line(sp.Rational(1, 2) * curved, by=series)
