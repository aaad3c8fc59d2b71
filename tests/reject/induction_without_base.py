"""A sum that grows alike but starts off by a constant: only the base can tell."""

import sympy as sp

from derivations.notation import T, t, x
from derivations.rules import Domain, SumTo, induction, log_p

ANY_T = Domain(indices={T: (sp.Integer(1), sp.oo)})


def f(n):
    return log_p("q", x(n), x(0))


CLAIM = dict(says=(SumTo(f(t) - f(t - 1), t, 2, T), "=", f(T) - f(1) + 1), domain=ANY_T)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(SumTo(f(t) - f(t - 1), t, 2, T))
    line(f(T) - f(1) + 1, by=induction(T, 1))
