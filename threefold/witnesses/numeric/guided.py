"""Guided sampling of Gaussians: variances by integrals of the guided score, scores by complex steps, log-densities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.integrate import quad

from reference.gaussians import Gaussian
from threefold.witnesses.cases.guided import GuidedGaussians, Tilted, TiltedSteps, TwoGaussians
from threefold.witnesses.point import Array
from threefold.witnesses.shapes import Shape, Value, measured

INTEGRAL = "an integral to 1e-13 in the exponent, and powers of its value"
STEPS = "complex steps of log-densities; a difference of scores"
TINY = 1e-150


def score(x: Array, variance: float) -> Array:
    """Of N(0, variance), by a complex step of its logarithm in each coordinate."""
    return np.array([np.imag(-((v + 1j * TINY) ** 2) / (2 * variance)) / TINY for v in x])


def stretch(s: TwoGaussians, low: float, high: float) -> float:
    """The integral of the guided score over -x between two noise variances."""
    return float(quad(s.pull, low, high, epsabs=0, epsrel=1e-13, limit=200)[0])


def to_the_end(s: TwoGaussians, low: float) -> float:
    """The same up to an infinite noise variance, less that of 1/(1 + u): substituted by u = share/(1 - share)."""

    def integrand(share: float) -> float:
        u = share / (1 - share)
        return (s.pull(u) - 1 / (1 + u)) / (1 - share) ** 2

    return float(quad(integrand, low / (1 + low), 1.0, epsabs=1e-14, epsrel=1e-13, limit=200)[0])


def arrived(s: TwoGaussians) -> float:
    """The reverse SDE's variance: the noise that came in at each u, shrunk since."""

    def integrand(share: float) -> float:
        u = s.noise + share / (1 - share)
        z = (s.variance + u) / (s.variance + s.gap + u)
        here = (s.variance + s.noise) / (s.variance + s.gap + s.noise)
        kept = (here / z) ** (2 * (1 + s.beyond)) * ((s.variance + s.gap + s.noise) / (s.variance + s.gap + u)) ** 2
        return float(kept / (1 - share) ** 2)

    return float(quad(integrand, 0.0, 1.0, epsabs=0, epsrel=1e-13, limit=200)[0])


@measured("guidance.cfg.gaussian_law", method="integrals of the guided score; complex steps", cases=GuidedGaussians())
def _(s: TwoGaussians) -> Iterator[Shape]:
    point, w, wide = s.point(), 1 + s.beyond, s.variance + s.gap
    tilted = 1 / (w / s.variance - s.beyond / wide)
    guided = w * score(s.x, s.variance + s.noise) - s.beyond * score(s.x, wide + s.noise)
    far = 16 * w * float(np.abs(s.x).max()) / s.variance
    yield Value(0, point, guided, because=STEPS, size=far)
    kept = np.imag((s.variance + s.noise + 1j * TINY) ** w * (wide + s.noise + 1j * TINY) ** -s.beyond) / TINY
    yield Value(1, point, float(kept), because=STEPS, size=16 * w * (1 + abs(float(kept))))
    drawn = float(np.exp(-to_the_end(s, 0.0)))
    yield Value(2, point, drawn, because=INTEGRAL, size=100 * w * (1 + drawn))
    if s.gap > 0.01:
        rate = 2 * s.pull(s.noise) * arrived(s) - 1
        yield Value(3, point, rate, because=INTEGRAL, size=400 * w * (1 + abs(rate)) * (1 + 1 / s.gap))
    between = (s.variance + s.late) * float(np.exp(-stretch(s, s.early, s.late))) * s.variance / (s.variance + s.early)
    yield Value(4, point, between, because=INTEGRAL, size=100 * w * (1 + between))
    clean = w * score(s.x, s.variance) - s.beyond * score(s.x, wide)
    yield Value(5, point, clean, because=STEPS, size=far)
    yield Value(6, point, guided - score(s.x, tilted + s.noise), because=STEPS, size=far)


@measured("guidance.classifier.exponential_tilt", method="log-densities of a Gaussian, tilted", cases=TiltedSteps())
def _(s: Tilted) -> Iterator[Shape]:
    law = Gaussian(s.centre, np.sqrt(s.variance) * np.eye(len(s.x)))
    plain, along = float(law.log_prob(s.x[None])[0]), float(s.slope @ s.x)
    far = float(np.abs(s.x).max() + np.abs(s.centre).max() + np.abs(s.slope).max()) + 1
    size = 32 * len(s.x) * (far**2 / s.variance + far**2 * (1 + s.scale) ** 2 * (1 + s.bend))
    because = "a squared distance in units of the variance, of which most cancels"
    yield Value(0, s.point(), plain + s.scale * along, because=because, size=size)
    bent = along - s.bend * float(s.x @ s.x) / 2
    yield Value(1, s.point(), plain + s.scale * bent, because=because, size=size)
