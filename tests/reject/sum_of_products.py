"""The sum of products is taken for the product of the sums.

The cross terms f(s) g(t) with s not t are missing on the left.
"""

import sympy as sp

from derivations.notation import T, s, t
from derivations.rules import Domain, SumTo, scalar_function

f, g = scalar_function("f"), scalar_function("g")


CLAIM = dict(
    says=(SumTo(f(t) * g(t), t, 1, T), "=", SumTo(f(t), t, 1, T) * SumTo(g(t), t, 1, T)),
    domain=Domain(indices={T: (1, sp.oo)}),
)
RIGHT = dict(
    says=(SumTo(SumTo(f(t) * g(s), s, 1, T), t, 1, T), "=", SumTo(f(t), t, 1, T) * SumTo(g(s), s, 1, T)),
    domain=Domain(indices={T: (1, sp.oo)}),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(SumTo(f(t) * g(t), t, 1, T))
    line(SumTo(f(t), t, 1, T) * SumTo(g(t), t, 1, T))


def right(line):
    line(SumTo(SumTo(f(t) * g(s), s, 1, T), t, 1, T))
    line(SumTo(f(t), t, 1, T) * SumTo(g(s), s, 1, T))
