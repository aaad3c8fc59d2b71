"""A factor that depends on the variable leaves the average over it."""

from derivations.notation import integrable, z
from derivations.rules import Density, Domain, Expect, linearity, scalar_function

f, g = scalar_function("f"), scalar_function("g")
law = Density("q", z)

CLAIM = dict(says=(Expect(law, f(z) * g(z)), "=", f(z) * Expect(law, g(z))), domain=Domain(), hypotheses=(integrable,))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(law, f(z) * g(z)))
    line(f(z) * Expect(law, g(z)), by=linearity)
