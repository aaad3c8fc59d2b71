"""Reading x_0 from noise at a level where the signal may be 0."""

import sympy as sp

from derivations.notation import eps, x
from derivations.rules import CLOSED_UNIT, UNIT_WITH_ONE, Domain, scalar

level = scalar("level")

CLAIM = dict(
    says=(
        (x(1) - sp.sqrt(1 - level) * eps) / sp.sqrt(level),
        "=",
        x(1) / sp.sqrt(level) - sp.sqrt((1 - level) / level) * eps,
    ),
    domain=Domain({"level": CLOSED_UNIT}),
    hypotheses=(),
)
RIGHT = dict(
    says=(
        (x(1) - sp.sqrt(1 - level) * eps) / sp.sqrt(level),
        "=",
        x(1) / sp.sqrt(level) - sp.sqrt((1 - level) / level) * eps,
    ),
    domain=Domain({"level": UNIT_WITH_ONE}),
    hypotheses=(),
)
FAILS_AT = 0
BECAUSE = "side condition"


def wrong(line):
    line((x(1) - sp.sqrt(1 - level) * eps) / sp.sqrt(level))
    line(x(1) / sp.sqrt(level) - sp.sqrt((1 - level) / level) * eps)


def right(line):
    line((x(1) - sp.sqrt(1 - level) * eps) / sp.sqrt(level))
    line(x(1) / sp.sqrt(level) - sp.sqrt((1 - level) / level) * eps)
