"""Linear SDEs: the density at an end point from moments that a solver of differential equations follows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from reference.gaussians import Gaussian
from reference.sde import Moments, linear_moments
from threefold.witnesses.cases.diffusions import Diffusion, Diffusions
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import Order, Shape, Value, measured

Rate = Callable[[float], float]
SOLVED = "moments followed by a solver to 1e-12, and their quotient in the exponent"


def log_density(s: Diffusion, slope: Rate, noise: Rate, upto: float) -> float:
    """log q(x_t | x_0) from the moments at that time."""
    found = linear_moments(
        slope, lambda u: 0.0, lambda u: float(np.sqrt(noise(u))), Moments(s.start, 0.0), 0.0, upto, 1e-13
    )
    law = Gaussian(np.array([found.mean]), np.array([[np.sqrt(found.variance)]]))
    return float(law.log_prob(np.array([[s.end]]))[0])


def added_up(rate: Rate, upto: float) -> float:
    """The integral of a rate, by its own equation."""
    if upto == 0.0:
        return 0.0
    return linear_moments(lambda u: 0.0, lambda u: float(rate(u)), lambda u: 0.0, Moments(0.0, 0.0), 0.0, upto).mean


@measured("sde.linear.moments", method="the moment equations, solved numerically", cases=Diffusions())
def _(s: Diffusion) -> Iterator[Shape]:
    point = s.point()
    rows: list[tuple[Rate, Rate]] = [
        (s.drift, s.noise),
        (lambda u: -s.beta(u) / 2, s.beta),
        (lambda u: -s.beta(u) / 2, lambda u: s.beta(u) * -np.expm1(-2 * added_up(s.beta, u))),
        (lambda u: 0.0, s.noise),
    ]
    for part, (slope, noise) in enumerate(rows):
        value = log_density(s, slope, noise, s.time)
        yield Value(part, point, value, because=SOLVED, size=1e4 * max(1.0, abs(value)))


STEPS = np.array([1 / 64, 1 / 128, 1 / 256])
COUNTS = tuple(16 * 2**k for k in range(8))


def beyond(s: Diffusion, count: int) -> float:
    """What a chain of so many steps takes off log abar beyond the SDE, in units of the step."""
    h = s.time / count
    kept = float(np.sum(np.log1p(-h * np.array([float(s.beta(h * i)) for i in range(1, count + 1)]))))
    return -(kept + s.beta_until(s.time)) / h


@measured(
    "sde.discrete_limit.remainder",
    method="steps of a chain at falling sizes; whole chains, extrapolated in the number of steps",
    cases=Diffusions(),
)
def _(s: Diffusion) -> Iterator[Shape]:
    rate, begun = s.beta, s.beta_until(s.time)
    ends = [float(h) for h in STEPS]
    claim, exact = "sde.discrete_limit.remainder", {"vp_rate": rate}
    points = [Point(1, {"time": s.time, "time_step": h}, exact=exact) for h in ends]
    steps = [np.sqrt(1 - h * rate(s.time + h)) for h in ends]
    for side in (Point.lhs, Point.rhs):  # the series of the left side, and what it is stated to be
        rest = [step - float(side(at, claim, 0)) for step, at in zip(steps, points, strict=True)]
        yield Order(0, STEPS, np.array(rest), 2, slack=0.3)
    gone = [float(np.log1p(-h * rate(s.time + h))) + s.beta_until(s.time + h) - begun for h in ends]
    at = points[-1]
    leading = at.rhs(claim, 1) / ends[-1] ** 2
    yield Order(1, STEPS, np.array(gone), 2, leading, slack=0.3)
    table = [beyond(s, count) for count in COUNTS]
    for power in range(1, len(COUNTS)):  # the terms in h, h^2, ... are taken out one by one
        table = [(2**power * fine - rough) / (2**power - 1) for rough, fine in itertools.pairwise(table)]
    size = 64.0 * COUNTS[-1] * (1 + begun) / s.time
    yield Value(2, at, table[0], because="a difference of sums over a chain, in units of its step", size=size)
