"""The sum of 1, a, ..., a^n has n + 1 terms, so it ends in a^(n+1)."""

import sympy as sp

from derivations.rules import UNIT, Domain, SumTo, algebra, induction_hypothesis, last_term, scalar

a = scalar("a")
n, i = (sp.Symbol(name, integer=True) for name in ("n_geometric", "i_geometric"))
SUM = SumTo(a**i, i, 0, n)
DOMAIN = Domain({"a": UNIT}, {n: (0, sp.oo)})
INDUCTION = (n, 0)

CLAIM = dict(says=(SUM, "=", (1 - a**n) / (1 - a)), domain=DOMAIN)
RIGHT = dict(says=(SUM, "=", (1 - a ** (n + 1)) / (1 - a)), domain=DOMAIN)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(base, step):
    base(SumTo(a**i, i, 0, 0))
    base(sp.S.Zero)
    step(SumTo(a**i, i, 0, n + 1))
    step((1 - a ** (n + 1)) / (1 - a), by=algebra)


def right(base, step):
    base(SumTo(a**i, i, 0, 0))
    base(sp.S.One)
    step(SumTo(a**i, i, 0, n + 1))
    step(SUM + a ** (n + 1), by=last_term(n + 1))
    step((1 - a ** (n + 1)) / (1 - a) + a ** (n + 1), by=induction_hypothesis)
    step((1 - a ** (n + 2)) / (1 - a))
