"""E_q[p/q] = 1 where q may vanish and p not."""

import sympy as sp

from derivations.notation import common_support, obs, z
from derivations.rules import Density, Expect, LogDensity, importance, log_p

law = Density("q", z, obs)

CLAIM = dict(
    says=(Expect(law, sp.exp(LogDensity(Density("p", [z, obs])) - LogDensity(law))), "=", sp.exp(log_p("p", obs)))
)
RIGHT = dict(
    says=(Expect(law, sp.exp(LogDensity(Density("p", [z, obs])) - LogDensity(law))), "=", sp.exp(log_p("p", obs))),
    hypotheses=(common_support,),
)
FAILS_AT = 2
BECAUSE = "does not declare"


def wrong(line):
    line(Expect(law, sp.exp(LogDensity(Density("p", [z, obs])) - LogDensity(law))))
    line(sp.exp(log_p("p", obs)), by=importance)


def right(line):
    line(Expect(law, sp.exp(LogDensity(Density("p", [z, obs])) - LogDensity(law))))
    line(sp.exp(log_p("p", obs)), by=importance)
