"""The index of a sum is shifted, and its ends stay where they were.

T -> t + 1 in the body moves the ends to 0..T-1.
"""

import sympy as sp

from derivations.notation import T, t
from derivations.rules import Domain, SumTo, scalar_function

f = scalar_function("f")


CLAIM = dict(says=(SumTo(f(t), t, 1, T), "=", SumTo(f(t + 1), t, 1, T)), domain=Domain(indices={T: (1, sp.oo)}))
RIGHT = dict(says=(SumTo(f(t), t, 2, T + 1), "=", SumTo(f(t + 1), t, 1, T)), domain=Domain(indices={T: (1, sp.oo)}))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(SumTo(f(t), t, 1, T))
    line(SumTo(f(t + 1), t, 1, T))


def right(line):
    line(SumTo(f(t), t, 2, T + 1))
    line(SumTo(f(t + 1), t, 1, T))
