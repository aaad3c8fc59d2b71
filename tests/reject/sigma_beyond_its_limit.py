"""Fresh noise beyond what x_{t-1} may have takes the root of a negative number. The corrected twin says how much."""

import sympy as sp

from derivations.notation import T, abar, marginal, sigma, t, x
from derivations.rules import POSITIVE, UNIT, Domain, Expect, LogDensity, Normal, at_most, composition

KEPT = sp.sqrt(1 - abar(t - 1) - sigma(t) ** 2) / sp.sqrt(1 - abar(t))
STEP = Normal(x(t - 1), sp.sqrt(abar(t - 1)) * x(0) + KEPT * (x(t) - sp.sqrt(abar(t)) * x(0)), sigma(t) ** 2)
SAYS = (Expect(marginal(t), sp.exp(LogDensity(STEP))), "=", sp.exp(LogDensity(marginal(t - 1))))
INTERVALS = {"alpha": UNIT, "abar": UNIT, "sigma": POSITIVE}
INDICES, PRODUCTS = {T: (2, sp.oo), t: (2, T)}, {"abar": "alpha"}

CLAIM = dict(says=SAYS, domain=Domain(INTERVALS, INDICES, PRODUCTS, conditions=(at_most(sigma(t) ** 2, 1 - abar(t)),)))
RIGHT = dict(
    says=SAYS, domain=Domain(INTERVALS, INDICES, PRODUCTS, conditions=(at_most(sigma(t) ** 2, 1 - abar(t - 1)),))
)
FAILS_AT = 0
BECAUSE = "does not follow from the domain"


def wrong(line):
    line(SAYS[0])
    line(SAYS[2], by=composition)


right = wrong
