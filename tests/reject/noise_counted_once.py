"""The variance of a mean-reverting process shrinks twice as fast as its mean, which is forgotten here."""

import sympy as sp

from derivations.rules import (
    NONNEGATIVE,
    POSITIVE,
    Domain,
    LinearSDE,
    LogDensity,
    Normal,
    linear_sde,
    scalar,
    vector,
)

t, u, c = scalar("end_time", positive=True), scalar("run_u"), scalar("pull_c", positive=True)
x, start = vector("x_end"), vector("x_begin")
DOMAIN = Domain({"end_time": POSITIVE, "run_u": NONNEGATIVE, "pull_c": POSITIVE})
law = LogDensity(LinearSDE(x, u, start, -c, 2 * c, t))


def normal(variance):
    return LogDensity(Normal(x, sp.exp(-c * t) * start, variance))


CLAIM = dict(says=(law, "=", normal(2 - 2 * sp.exp(-c * t))), domain=DOMAIN)
RIGHT = dict(says=(law, "=", normal(1 - sp.exp(-2 * c * t))), domain=DOMAIN)
FAILS_AT = 2
BECAUSE = "does not change at the rate"


def wrong(line):
    line(law)
    line(normal(2 - 2 * sp.exp(-c * t)), by=linear_sde(sp.exp(-c * u), 2 - 2 * sp.exp(-c * u)))


def right(line):
    line(law)
    line(normal(1 - sp.exp(-2 * c * t)), by=linear_sde(sp.exp(-c * u), 1 - sp.exp(-2 * c * u)))
