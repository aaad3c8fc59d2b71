"""What samplers produce, exactly: for normal data and the exact predictor every step is linear in x_t.

A sampler's output law is then a normal law pushed through its steps, for any subsequence of times and any variances:
no sampling error hides a wrong coefficient.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reference.chain import pair_loadings, posterior_coefficients
from reference.gaussians import Gaussian
from reference.schedules import alpha_bars, noise_variances
from reference.validation import Array, Betas, integer, noise_schedule, positive_number, real_array, real_number


@dataclass(frozen=True, eq=False)
class ScalarData:
    """Scalar normal data N(mean, variance); variance 0 is a point."""

    mean: float
    variance: float

    def __post_init__(self) -> None:
        real_number("mean", self.mean)
        if real_number("variance", self.variance) < 0.0:
            raise ValueError(f"variance is {self.variance}, but it must be at least 0; 0 is a point mass")

    def estimate(self, abar: float, blur: float) -> tuple[float, float]:
        """Return (a, b): E[x_0 | x_t] = a x_t + b at noise level abar (blur = 1 - abar), by conditioning."""
        root = np.sqrt(self.variance)
        joint = Gaussian(
            np.array([self.mean, np.sqrt(abar) * self.mean]),
            np.array([[root, 0.0], [np.sqrt(abar) * root, np.sqrt(blur)]]),
        )
        base = joint.condition([1], [0.0]).mean[0]
        return float(joint.condition([1], [1.0]).mean[0] - base), float(base)


def respaced_betas(betas: Betas, times: Sequence[int]) -> Array:
    """Return the betas of the chain seen only at the given times 0 < t_1 < ... < t_K <= T, shape (K,).

    Each is read off the joint law of neighbouring times: the conditional variance of the later given the earlier.
    """
    schedule = noise_schedule(betas)
    chosen = [integer("time", t, 1, schedule.size) for t in times]
    if not chosen or any(late <= early for early, late in itertools.pairwise(chosen)):
        raise ValueError(
            f"times are {list(times)}, but they must be strictly increasing in 1..{schedule.size}; sort them"
        )
    first = pair_loadings(chosen[0], chosen[0], schedule)[1][0, 0] ** 2
    pairs = [Gaussian(np.zeros(2), pair_loadings(s, t, schedule)[1]) for s, t in itertools.pairwise(chosen)]
    return np.array([first, *(pair.condition([0], [0.0]).variances[0] for pair in pairs)])


def ancestral_law(data: ScalarData, betas: Betas, variances: ArrayLike) -> Gaussian:
    """Return the law of x_0 from ancestral sampling started at N(0, 1) with the exact data predictor.

    x_{t-1} is the posterior mean at (E[x_0|x_t], x_t) plus noise of variances[t-1], t = T..1 (variances at least 0).
    """
    schedule, noise = noise_schedule(betas), real_array("variances", variances, ndim=1)
    if noise.shape != schedule.shape or (noise < 0.0).any():
        raise ValueError(f"variances has shape {noise.shape}; {schedule.shape} numbers of at least 0 are needed")
    abar, blur = alpha_bars(schedule), noise_variances(schedule)
    law = Gaussian.standard(1)
    for t in range(schedule.size, 0, -1):
        on_x0, on_xt, _ = posterior_coefficients(t, schedule)
        a, b = data.estimate(float(abar[t]), float(blur[t]))
        law = _pushed(law, on_x0 * a + on_xt, on_x0 * b, float(noise[t - 1]))
    return law


def ddim_law(data: ScalarData, betas: Betas, times: Sequence[int], eta: float = 0.0) -> Gaussian:
    """Return the law of the last x from DDIM steps over strictly decreasing times (start first, 0 allowed last).

    Started at N(0, 1) with the exact predictor; eta in [0, 1] scales the posterior's standard deviation.
    """
    schedule, level = noise_schedule(betas), real_number("eta", eta)
    chosen = [integer("time", t, 0, schedule.size) for t in times]
    if len(chosen) < 2 or any(late >= early for early, late in itertools.pairwise(chosen)):
        raise ValueError(f"times are {list(times)}, but they must strictly decrease and name start and end; sort them")
    if not 0.0 <= level <= 1.0:
        raise ValueError(f"eta is {level}, but it must lie in [0, 1]; 0 is deterministic, 1 ancestral")
    abar, blur = alpha_bars(schedule), noise_variances(schedule)
    law = Gaussian.standard(1)
    for t, s in itertools.pairwise(chosen):
        a, b = data.estimate(float(abar[t]), float(blur[t]))
        fresh = level**2 * posterior_coefficients(t, schedule, s)[2]
        keep = np.sqrt(max(float(blur[s]) - fresh, 0.0) / positive_number("1 - abar", float(blur[t])))
        on_x0 = float(np.sqrt(abar[s]) - keep * np.sqrt(abar[t]))
        law = _pushed(law, on_x0 * a + float(keep), on_x0 * b, fresh)
    return law


def _pushed(law: Gaussian, slope: float, offset: float, variance: float) -> Gaussian:
    return law.affine(np.array([[slope]]), np.array([offset]), np.array([[np.sqrt(variance)]])).compressed()
