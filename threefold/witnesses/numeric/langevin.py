"""Langevin steps: the density of the next state by a sum over this one, the kept variance as a fixed point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reference.gaussians import Gaussian
from reference.quadrature import integrate_line
from threefold.witnesses.cases.variances import Langevin, LangevinSteps
from threefold.witnesses.point import Array
from threefold.witnesses.shapes import Inequality, Shape, Value, measured


def density_after(s: Langevin, variance: float, then: Array) -> float:
    """The density at `then` after one step from N(centre, variance I): the coordinates do not see one another."""
    return float(np.prod([_one_after(s, variance, float(offset)) for offset in then - s.centre]))


def _one_after(s: Langevin, variance: float, offset: float) -> float:
    """Of one coordinate at this offset from its centre, by a sum over where the step began."""
    eta = 2 * s.target * s.fraction
    slope = 1 - eta / s.target
    start = Gaussian(np.zeros(1), np.array([[np.sqrt(variance)]]))
    step = Gaussian(np.zeros(1), np.array([[np.sqrt(2 * eta)]]))

    def integrand(x: Array) -> Array:
        return np.exp(step.log_prob((offset - slope * x)[:, None]) + start.log_prob(x[:, None]))

    wide = float(np.sqrt(variance))
    narrow = min(wide, float(np.sqrt(2 * eta)) / abs(slope)) if slope else wide
    return integrate_line(integrand, offset / slope if narrow < wide else 0.0, narrow)


def kept_variance(s: Langevin) -> float:
    """The variance that a step leaves alone: the geometric sum of what every earlier step left, by doubling."""
    eta = 2 * s.target * s.fraction
    shrink, total = (1 - eta / s.target) ** 2, 2 * eta
    for _ in range(64):  # total of the first 2^n terms; the shrink of 2^n steps
        total, shrink = total * (1 + shrink), shrink * shrink
    return total


@measured(
    "langevin.gaussian_bias",
    method="next state's density by a sum over this one, each coordinate's; the kept variance summed over all steps",
    cases=LangevinSteps(),
)
def _(s: Langevin) -> Iterator[Shape]:
    kept = kept_variance(s)
    because = "the exponent is the square of a difference of x' and m, in deviations"
    for part, variance, wide in ((0, kept, kept), (1, s.target, s.target * (1 + 4 * s.fraction**2))):
        then = s.centre + s.out * float(np.sqrt(wide))
        density = density_after(s, variance, then)
        moved = np.abs(s.out) * (np.abs(then) + np.abs(s.centre)) / float(np.sqrt(wide)) + s.out**2
        rounding = 8.0 if part == 0 else 4.0
        yield Value(part, s.point(then), density, rounding, because=because, plus=density * float(np.sum(moved)) * 8)
    yield Value(2, s.point(s.centre), kept - s.target, because="a difference of two variances", plus=16 * kept)
    yield Inequality(3, s.point(s.centre), s.target, kept, rounding=16.0, because="a sum of 64 doublings")
