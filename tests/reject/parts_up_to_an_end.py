"""Integration by parts on a half-line, where the density ends abruptly and leaves a flux."""

import sympy as sp

from derivations.notation import decay, integrable, smooth, z
from derivations.rules import POSITIVE, Density, Domain, Expect, Grad, by_parts, log_p

law = Density("q", z)

CLAIM = dict(
    says=(Expect(law, Grad(log_p("q", z), z)), "=", sp.S.Zero),
    domain=Domain({"z": POSITIVE}),
    hypotheses=(smooth, decay, integrable),
)
RIGHT = dict(says=CLAIM["says"], hypotheses=(smooth, decay, integrable))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(law, Grad(log_p("q", z), z)))
    line(0, by=by_parts)


right = wrong
