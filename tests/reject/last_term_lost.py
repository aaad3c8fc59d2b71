"""A sum up to T - 1 where T belongs."""

import sympy as sp

from derivations.notation import T, t, x
from derivations.rules import Domain, SumTo, induction, log_p

FROM_TWO = Domain(indices={T: (sp.Integer(2), sp.oo)})


def f(n):
    return log_p("q", x(n), x(0))


CLAIM = dict(says=(SumTo(f(t), t, 1, T), "=", f(1) + SumTo(f(t), t, 2, T - 1)), domain=FROM_TWO, hypotheses=())
RIGHT = dict(says=(SumTo(f(t), t, 1, T), "=", f(1) + SumTo(f(t), t, 2, T)), domain=FROM_TWO, hypotheses=())
FAILS_AT = 2
BECAUSE = ""


def wrong(line):
    line(SumTo(f(t), t, 1, T))
    line(f(1) + SumTo(f(t), t, 2, T - 1), by=induction(T, 2))


def right(line):
    line(SumTo(f(t), t, 1, T))
    line(f(1) + SumTo(f(t), t, 2, T), by=induction(T, 2))
