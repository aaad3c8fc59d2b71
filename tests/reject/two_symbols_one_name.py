"""Two different symbols that print alike."""

import sympy as sp

one, other = sp.Symbol("u", real=True), sp.Symbol("u", positive=True)

CLAIM = dict(says=(one, "=", other))
FAILS_AT = 0
BECAUSE = "both shown as u"


def wrong(line):
    line(one)
    line(other)
