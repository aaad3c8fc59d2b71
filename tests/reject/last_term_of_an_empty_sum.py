"""From 1 to n there may be no term, and then there is no last one."""

import sympy as sp

from derivations.rules import REAL, Domain, SumTo, last_term, scalar_function

f = scalar_function("last_f")
n, i = (sp.Symbol(name, integer=True) for name in ("n_last", "i_last"))
SAYS = (SumTo(f(i), i, 1, n), "=", SumTo(f(i), i, 1, n - 1) + f(n))

CLAIM = dict(says=(SumTo(f(i), i, 1, n), "=", SumTo(f(i), i, 1, n)), domain=Domain({"last_f": REAL}, {n: (0, sp.oo)}))
RIGHT = dict(says=SAYS, domain=Domain({"last_f": REAL}, {n: (1, sp.oo)}))
FAILS_AT = 2
BECAUSE = "there may be no last term"


def wrong(line):
    line(SAYS[0])
    line(SAYS[0], by=last_term(n))


def right(line):
    line(SAYS[0])
    line(SAYS[2], by=last_term(n))
