"""A product of larger factors is larger only where no factor is negative: (-1)(-1) = 1 > 0."""

import sympy as sp

from derivations.notation import T, i
from derivations.rules import POSITIVE, REAL, Domain, ProductTo, monotone, positivity, scalar_function

f = scalar_function("factor_f")
INDEX = {T: (1, sp.oo)}
SAYS = (ProductTo(f(i), i, 1, T), "<=", ProductTo(f(i) + 1, i, 1, T))

CLAIM = dict(says=SAYS, domain=Domain({"factor_f": REAL}, INDEX))
RIGHT = dict(says=SAYS, domain=Domain({"factor_f": POSITIVE}, INDEX))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(SAYS[0])
    line.le(SAYS[2], by=monotone(positivity))


right = wrong
