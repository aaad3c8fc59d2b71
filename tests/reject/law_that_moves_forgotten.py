"""A mean differentiated in a parameter of its law, as if only the integrand moved."""

import sympy as sp

from derivations.notation import integrable, interchange_hypothesis, z
from derivations.rules import (
    Expect,
    Grad,
    LogDensity,
    Normal,
    mean_derivative,
    scalar_function,
    vector,
    vector_calculus,
)

f, y = scalar_function("f"), vector("y")
law = Normal(z, y, 1)
mean = Expect(law, f(z))

CLAIM = dict(says=(Grad(mean, y), "=", sp.S.Zero), hypotheses=(interchange_hypothesis, integrable))
RIGHT = dict(
    says=(Grad(mean, y), "=", Expect(law, f(z) * Grad(LogDensity(law), y))),
    hypotheses=(interchange_hypothesis, integrable),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Grad(mean, y))
    line(0, by=(mean_derivative, vector_calculus))


def right(line):
    line(Grad(mean, y))
    line(Expect(law, f(z) * Grad(LogDensity(law), y)), by=(mean_derivative, vector_calculus))
