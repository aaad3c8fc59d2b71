"""Both sides start alike, and grow differently.

From T to T + 1 the left side grows by (T + 1)^2.
"""

import sympy as sp

from derivations.notation import T, t
from derivations.rules import Domain, SumTo, induction

CLAIM = dict(says=(SumTo(t**2, t, 1, T), "=", T**2), domain=Domain(indices={T: (1, sp.oo)}))
RIGHT = dict(says=(SumTo(t**2, t, 1, T), "=", T * (T + 1) * (2 * T + 1) / 6), domain=Domain(indices={T: (1, sp.oo)}))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(SumTo(t**2, t, 1, T))
    line(T**2, by=induction(T, 1))


def right(line):
    line(SumTo(t**2, t, 1, T))
    line(T * (T + 1) * (2 * T + 1) / 6, by=induction(T, 1))
