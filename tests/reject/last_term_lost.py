"""A sum up to T - 1 where T belongs."""

import sympy as sp

from derivations.notation import T, t, x
from derivations.rules import Domain, SumTo, induction, log_p

ANY_T = Domain(indices={T: (sp.Integer(1), sp.oo)})


def f(n):
    return log_p("q", x(n), x(0))


CLAIM = dict(says=(SumTo(f(t), t, 1, T), "=", f(1) + SumTo(f(t), t, 2, T - 1)), domain=ANY_T, hypotheses=())
RIGHT = dict(says=(SumTo(f(t), t, 1, T), "=", f(1) + SumTo(f(t), t, 2, T)), domain=ANY_T, hypotheses=())
FAILS_AT = 2
BECAUSE = ""


def wrong(line):
    line(SumTo(f(t), t, 1, T))
    line(f(1) + SumTo(f(t), t, 2, T - 1), by=induction(T, 1))


def right(line):
    line(SumTo(f(t), t, 1, T))
    line(f(1) + SumTo(f(t), t, 2, T), by=induction(T, 1))
