"""A derivative moved under an expectation that nobody declared to allow it."""

from derivations.notation import eps, interchange_hypothesis
from derivations.rules import REAL, D, Domain, Expect, Normal, interchange, scalar, scalar_function, vector

m = vector("m")
f = scalar_function("f")
phi = scalar("phi", r"\phi")
law = Normal(eps, 0, 1)
shifted = f(m + phi * eps)

CLAIM = dict(says=(D(Expect(law, shifted), phi), "=", Expect(law, D(shifted, phi))), domain=Domain({"phi": REAL}))
RIGHT = dict(
    says=(D(Expect(law, shifted), phi), "=", Expect(law, D(shifted, phi))),
    domain=Domain({"phi": REAL}),
    hypotheses=(interchange_hypothesis,),
)
FAILS_AT = 0
BECAUSE = "declare the hypothesis 'interchange'"


def wrong(line):
    line(D(Expect(law, shifted), phi))
    line(Expect(law, D(shifted, phi)), by=interchange)


def right(line):
    line(D(Expect(law, shifted), phi))
    line(Expect(law, D(shifted, phi)), by=interchange)
