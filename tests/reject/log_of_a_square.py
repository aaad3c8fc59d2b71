"""The exponent comes out of a logarithm without asking for the sign of the base.

Log(x^2) = 2 log|x|: for negative x the right side has no value.
"""

import sympy as sp

from derivations.rules import NONZERO, POSITIVE, Domain, scalar

a = scalar("a")


CLAIM = dict(says=(sp.log(a**2), "=", sp.log(a**2)), domain=Domain({"a": NONZERO}))
RIGHT = dict(says=(sp.log(a**2), "=", 2 * sp.log(a)), domain=Domain({"a": POSITIVE}))
FAILS_AT = 2
BECAUSE = "side condition"


def wrong(line):
    line(sp.log(a**2))
    line(2 * sp.log(a))
    line(sp.log(a**2))


def right(line):
    line(sp.log(a**2))
    line(2 * sp.log(a))
