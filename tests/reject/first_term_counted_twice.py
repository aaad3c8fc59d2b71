"""The first term is split off a sum, and stays in it.

What is left of the sum starts at t = 2.
"""

import sympy as sp

from derivations.notation import T, t
from derivations.rules import Domain, SumTo, induction, scalar_function

f = scalar_function("f")


CLAIM = dict(says=(SumTo(f(t), t, 1, T), "=", f(1) + SumTo(f(t), t, 1, T)), domain=Domain(indices={T: (1, sp.oo)}))
RIGHT = dict(says=(SumTo(f(t), t, 1, T), "=", f(1) + SumTo(f(t), t, 2, T)), domain=Domain(indices={T: (1, sp.oo)}))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(SumTo(f(t), t, 1, T))
    line(f(1) + SumTo(f(t), t, 1, T), by=induction(T, 1))


def right(line):
    line(SumTo(f(t), t, 1, T))
    line(f(1) + SumTo(f(t), t, 2, T), by=induction(T, 1))
