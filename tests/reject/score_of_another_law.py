"""A density integrated by parts against the score of another."""

import sympy as sp

from derivations.notation import decay, integrable, smooth, z
from derivations.rules import Density, Expect, Grad, by_parts, log_p, vector

law, u = Density("q", z), vector("u")

CLAIM = dict(
    says=(Expect(law, Grad(log_p("p", z), z)), "=", sp.S.Zero),
    hypotheses=(smooth, decay, integrable),
)
RIGHT = dict(
    says=(Expect(law, Grad(log_p("q", z), z)), "=", sp.S.Zero),
    hypotheses=(smooth, decay, integrable),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(law, Grad(log_p("p", z), z)))
    line(0, by=by_parts)


def right(line):
    line(Expect(law, Grad(log_p("q", z), z)))
    line(0, by=by_parts)
