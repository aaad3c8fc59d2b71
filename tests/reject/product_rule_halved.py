"""Only one factor of a product is differentiated.

(phi^2 exp(phi))' has two terms.
"""

import sympy as sp

from derivations.rules import D, differentiation, scalar

phi = scalar("phi")


CLAIM = dict(says=(D(phi**2 * sp.exp(phi), phi), "=", 2 * phi * sp.exp(phi)))
RIGHT = dict(says=(D(phi**2 * sp.exp(phi), phi), "=", 2 * phi * sp.exp(phi) + phi**2 * sp.exp(phi)))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(D(phi**2 * sp.exp(phi), phi))
    line(2 * phi * sp.exp(phi), by=differentiation)


def right(line):
    line(D(phi**2 * sp.exp(phi), phi))
    line(2 * phi * sp.exp(phi) + phi**2 * sp.exp(phi), by=differentiation)
