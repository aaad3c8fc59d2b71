"""The evidence of x = z + b + noise lies about b, a constant vector."""

import sympy as sp

from derivations.notation import obs, z
from derivations.rules import (
    Expect,
    Hypothesis,
    LogDensity,
    Normal,
    composition,
    constant_vector,
    given,
    log_p,
)

b = constant_vector("offset_b")
SEEN = Hypothesis("seen", "x = z + b + noise", log_p("p", obs, z), LogDensity(Normal(obs, z + b, 1)))
LEFT = Expect(Normal(z, 0, 1), sp.exp(log_p("p", obs, z)))

CLAIM = dict(says=(LEFT, "=", sp.exp(LogDensity(Normal(obs, 0, 2)))), hypotheses=(SEEN,))
RIGHT = dict(says=(LEFT, "=", sp.exp(LogDensity(Normal(obs, b, 2)))), hypotheses=(SEEN,))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(LEFT)
    line(sp.exp(LogDensity(Normal(obs, 0, 2))), by=[given(SEEN), composition])


def right(line):
    line(LEFT)
    line(sp.exp(LogDensity(Normal(obs, b, 2))), by=[given(SEEN), composition])
