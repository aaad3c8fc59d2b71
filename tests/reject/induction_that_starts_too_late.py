"""The claim is about T >= 1, the induction starts at 2.

T = 1 is claimed and never looked at; the statement is false there.
"""

import sympy as sp

from derivations.notation import T, t
from derivations.rules import Domain, SumTo, induction, scalar_function

f = scalar_function("f")
split = f(1) + SumTo(f(t), t, 2, T - 1) + f(T)

CLAIM = dict(says=(SumTo(f(t), t, 1, T), "=", split), domain=Domain(indices={T: (1, sp.oo)}))
INDUCTION = (T, 2)
FAILS_AT = 0
BECAUSE = "induction starts at"


def wrong(base, step):
    base(f(1) + f(2))
    base(f(1) + f(2))
    step(SumTo(f(t), t, 1, T + 1))
    step(split.xreplace({T: T + 1}), by=induction(T, 2))
