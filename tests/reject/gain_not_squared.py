"""Noise passed through a gain a: its variance grows by a^2, not by a."""

import sympy as sp

from derivations.notation import x
from derivations.rules import POSITIVE, Domain, Expect, LogDensity, Normal, composition, scalar, vector

m, a = vector("m"), scalar("a", positive=True)
v, w = scalar("v", positive=True), scalar("w")

CLAIM = dict(
    says=(
        Expect(Normal(x(1), m, w), sp.exp(LogDensity(Normal(x(2), a * x(1), v)))),
        "=",
        sp.exp(LogDensity(Normal(x(2), a * m, v + a * w))),
    ),
    domain=Domain({"a": POSITIVE, "v": POSITIVE, "w": POSITIVE}),
    hypotheses=(),
)
RIGHT = dict(
    says=(
        Expect(Normal(x(1), m, w), sp.exp(LogDensity(Normal(x(2), a * x(1), v)))),
        "=",
        sp.exp(LogDensity(Normal(x(2), a * m, v + a**2 * w))),
    ),
    domain=Domain({"a": POSITIVE, "v": POSITIVE, "w": POSITIVE}),
    hypotheses=(),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(Normal(x(1), m, w), sp.exp(LogDensity(Normal(x(2), a * x(1), v)))))
    line(sp.exp(LogDensity(Normal(x(2), a * m, v + a * w))), by=composition)


def right(line):
    line(Expect(Normal(x(1), m, w), sp.exp(LogDensity(Normal(x(2), a * x(1), v)))))
    line(sp.exp(LogDensity(Normal(x(2), a * m, v + a**2 * w))), by=composition)
