"""Linear SDEs: the density at an end point from moments that a solver of differential equations follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from reference.gaussians import Gaussian
from reference.sde import Moments, linear_moments
from threefold.witnesses.cases.diffusions import Diffusion, Diffusions
from threefold.witnesses.shapes import Shape, Value, measured

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
