"""A telescoping sum that leaves the second term instead of the first."""

import sympy as sp

from derivations.notation import T, t, x
from derivations.rules import Domain, SumTo, induction, log_p

ANY_T = Domain(indices={T: (sp.Integer(1), sp.oo)})


def f(n):
    return log_p("q", x(n), x(0))


CLAIM = dict(says=(SumTo(f(t) - f(t - 1), t, 2, T), "=", f(T) - f(2)), domain=ANY_T, hypotheses=())
RIGHT = dict(says=(SumTo(f(t) - f(t - 1), t, 2, T), "=", f(T) - f(1)), domain=ANY_T, hypotheses=())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(SumTo(f(t) - f(t - 1), t, 2, T))
    line(f(T) - f(2), by=induction(T, 1))


def right(line):
    line(SumTo(f(t) - f(t - 1), t, 2, T))
    line(f(T) - f(1), by=induction(T, 1))
