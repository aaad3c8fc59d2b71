"""A derivative moved under an expectation whose law depends on the parameter."""

from derivations.notation import interchange_hypothesis, z
from derivations.rules import REAL, D, Domain, Expect, Normal, interchange, scalar, scalar_function, vector

f = scalar_function("f")
phi = scalar("phi", r"\phi")
law = Normal(z, phi * vector("m"), 1)

CLAIM = dict(
    says=(D(Expect(law, f(z)), phi), "=", Expect(law, D(f(z), phi))),
    domain=Domain({"phi": REAL}),
    hypotheses=(interchange_hypothesis,),
)
FAILS_AT = 2
BECAUSE = "depends on"


def wrong(line):
    line(D(Expect(law, f(z)), phi))
    line(Expect(law, D(f(z), phi)), by=interchange)
