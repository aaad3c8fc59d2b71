"""The derivative of mu_phi(x) in phi is called 0, since no phi stands in the brackets."""

from derivations.notation import interchange_hypothesis, z
from derivations.rules import D, differentiation, scalar, vector_function

phi = scalar("phi", r"\phi")
mu = vector_function("mu_phi", r"\mu_\phi")

CLAIM = dict(says=(D(mu(z), phi), "=", 0))
RIGHT = dict(
    says=(D(mu(z, phi), phi) / 2 + D(mu(z, phi), phi) / 2, "=", D(mu(z, phi), phi)),
    hypotheses=(interchange_hypothesis,),
)
FAILS_AT = 0
BECAUSE = "make it an argument"


def wrong(line):
    line(D(mu(z), phi))
    line(0, by=differentiation)


def right(line):
    line(D(mu(z, phi), phi) / 2 + D(mu(z, phi), phi) / 2)
    line(D(mu(z, phi), phi))
