"""Only a line in the middle holds a floating-point number.

Every line must be exact, not only the ends.
"""

import sympy as sp

from derivations.rules import scalar

a = scalar("a")


CLAIM = dict(says=(a / 2, "=", a / 2))
FAILS_AT = 0
BECAUSE = "no floats"


def wrong(line):
    line(a / 2)
    line(sp.Float("0.5") * a)
    line(a / 2)
