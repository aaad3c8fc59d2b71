"""Induction from T = 2 on for a claim about every T >= 1."""

import sympy as sp

from derivations.notation import T, t, x
from derivations.rules import Domain, SumTo, induction, log_p

ANY_T = Domain(indices={T: (sp.Integer(1), sp.oo)})


def f(n):
    return log_p("q", x(n), x(0))


CLAIM = dict(says=(SumTo(f(t) - f(t - 1), t, 2, T), "=", f(T) - f(1)), domain=ANY_T)
RIGHT = dict(says=(SumTo(f(t) - f(t - 1), t, 2, T), "=", f(T) - f(1)), domain=ANY_T)
FAILS_AT = 2
BECAUSE = "must range over"


def wrong(line):
    line(SumTo(f(t) - f(t - 1), t, 2, T))
    line(f(T) - f(1), by=induction(T, 2))


def right(line):
    line(SumTo(f(t) - f(t - 1), t, 2, T))
    line(f(T) - f(1), by=induction(T, 1))
