"""Jensen for the logarithm the wrong way round: the log of a mean is not below the mean of the log."""

import sympy as sp

from derivations.notation import integrable, z
from derivations.rules import Density, Expect, LogDensity, jensen

law = Density("q", z)
ratio = LogDensity(Density("p", z)) - LogDensity(law)

CLAIM = dict(says=(sp.log(Expect(law, sp.exp(ratio))), "<=", Expect(law, ratio)), hypotheses=(integrable,))
RIGHT = dict(says=(sp.log(Expect(law, sp.exp(ratio))), ">=", Expect(law, ratio)), hypotheses=(integrable,))
FAILS_AT = 2
BECAUSE = "compares log E[u]"


def wrong(line):
    line(sp.log(Expect(law, sp.exp(ratio))))
    line.le(Expect(law, ratio), by=jensen)


def right(line):
    line(sp.log(Expect(law, sp.exp(ratio))))
    line.ge(Expect(law, ratio), by=jensen)
