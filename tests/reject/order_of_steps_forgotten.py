"""abar_t < abar_s holds for s < t, and not for any two steps."""

import sympy as sp

from derivations.notation import T, abar, s, t
from derivations.rules import UNIT, Domain, below, positivity

FALLS = below(abar(t), abar(s), {t: (2, T), s: (1, t - 1)})

CLAIM = dict(
    says=(abar(t) / abar(s), "<", 1),
    domain=Domain({"abar": UNIT}, {T: (2, sp.oo), t: (2, T), s: (1, T)}, conditions=(FALLS,)),
)
RIGHT = dict(
    says=(abar(t) / abar(s), "<", 1),
    domain=Domain({"abar": UNIT}, {T: (2, sp.oo), t: (2, T), s: (1, t - 1)}, conditions=(FALLS,)),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(abar(t) / abar(s))
    line.lt(sp.S.One, by=positivity)


right = wrong
