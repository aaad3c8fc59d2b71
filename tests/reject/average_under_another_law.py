"""Total probability with the averages of one law and the conditionals of another."""

import sympy as sp

from derivations.notation import obs, z
from derivations.rules import Density, Expect, log_p, total_probability

CLAIM = dict(says=(Expect(Density("p", z), sp.exp(log_p("q", obs, z))), "=", sp.exp(log_p("q", obs))))
RIGHT = dict(says=(Expect(Density("q", z), sp.exp(log_p("q", obs, z))), "=", sp.exp(log_p("q", obs))))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(Density("p", z), sp.exp(log_p("q", obs, z))))
    line(sp.exp(log_p("q", obs)), by=total_probability)


def right(line):
    line(Expect(Density("q", z), sp.exp(log_p("q", obs, z))))
    line(sp.exp(log_p("q", obs)), by=total_probability)
