"""Two terms split off a sum that may have only one: false at T = 1."""

import sympy as sp

from derivations.notation import T, t, x
from derivations.rules import Domain, SumTo, induction, log_p

ANY_T = Domain(indices={T: (sp.Integer(1), sp.oo)})


def f(n):
    return log_p("q", x(n), x(0))


CLAIM = dict(says=(SumTo(f(t), t, 1, T), "=", f(1) + f(2) + SumTo(f(t), t, 3, T)), domain=ANY_T, hypotheses=())
RIGHT = dict(says=(SumTo(f(t), t, 1, T), "=", f(1) + SumTo(f(t), t, 2, T)), domain=ANY_T, hypotheses=())
FAILS_AT = 0
BECAUSE = "negative number of terms"


def wrong(line):
    line(SumTo(f(t), t, 1, T))
    line(f(1) + f(2) + SumTo(f(t), t, 3, T), by=induction(T, 1))


def right(line):
    line(SumTo(f(t), t, 1, T))
    line(f(1) + SumTo(f(t), t, 2, T), by=induction(T, 1))
