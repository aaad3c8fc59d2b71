"""A start with the right moments by pushed-forward laws, and the weights of the standard schedule by chains of odds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from reference import schedules
from threefold.witnesses.cases.onestep import OneStep, OneSteps
from threefold.witnesses.cases.schedules import Once
from threefold.witnesses.numeric.ends import data_of
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import Shape, Value, measured

PUSHED = "covariances of a law that was pushed forward"


@measured("onestep.prior.moment_matched_hack", method="the joint normal law of data and noise", cases=OneSteps(share=4))
def _(s: OneStep) -> Iterator[Shape]:
    law, point = data_of(s)
    across = s.noise[::-1] + 1.0
    point = replace(
        point,
        numbers={**point.numbers, "start_centre": s.data_mean},
        vectors={**point.vectors, "other_direction": across},
    )
    mixed = law.affine(np.sqrt(s.alpha) * np.eye(s.d), 0.0, np.sqrt(1 - s.alpha) * np.eye(s.d))
    large = float(np.abs(s.x0).max() + 1) ** 2 * float(np.abs(s.noise).max() + 2) ** 2 * 256.0 * s.d**2
    mean, cov = mixed.mean, mixed.cov
    square = float(s.noise @ cov @ s.noise + (s.noise @ mean - s.data_mean) ** 2)
    yield Value(0, point, square, because=PUSHED, plus=large)
    yield Value(1, point, float(s.noise @ cov @ across), because=PUSHED, plus=large)


@measured("ddpm.loss.weight_profile", method="signal-to-noise ratios in exact fractions", cases=Once())
def _(_: Once) -> Iterator[Shape]:
    betas = schedules.linear_betas(1000)

    def snr(t: int) -> float:
        kept = float(schedules.alpha_bar_decimal(betas, t))
        return kept / float(1 - schedules.alpha_bar_decimal(betas, t))

    for part, t in enumerate((2, 10, 100, 350, 1000)):
        yield Value(part, Point(1), 2 / (snr(t - 1) / snr(t) - 1))
    yield Value(5, Point(1), 2 / (snr(1) - snr(2)))
