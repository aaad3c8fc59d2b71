"""Guided scores against the law that guidance is often said to sample from, for scalar labelled mixtures."""

from __future__ import annotations

import numpy as np

from reference.mixtures import GaussianMixture
from reference.quadrature import LOG_TWO_PI, integrate_line
from reference.validation import Array, integer, real_number, signal_fraction


def guided_score(mixture: GaussianMixture, x: float, abar: float, label: int, scale: float) -> float:
    """Return score + scale (conditional score - score) at noise level abar; scale 1 is the label's component."""
    point, w = np.array([[real_number("x", x)]]), real_number("scale", scale)
    plain, conditional = mixture.score(point, abar), _component(mixture, label).score(point, abar)
    return float((plain + w * (conditional - plain))[0, 0])


def tilted_score(mixture: GaussianMixture, x: float, abar: float, label: int, scale: float) -> float:
    """Return the score at x of the noised law proportional to p(x_0) p(label | x_0)^scale, by integration over x_0.

    Scalars, 0 < abar < 1. It differs from `guided_score` unless scale is 0 or 1.
    """
    point, w, level = real_number("x", x), real_number("scale", scale), signal_fraction("abar", abar)
    if mixture.d != 1 or not 0.0 < level < 1.0:
        raise ValueError(f"dimension {mixture.d}, abar {level}: need a scalar mixture and 0 < abar < 1; change them")
    gain, variance = np.sqrt(level), 1.0 - level
    component = _component(mixture, label)
    share = float(np.log(mixture.weights[label]))

    def tilted(x0: Array, slope: bool) -> Array:
        log_p = mixture.log_prob(x0[:, None])
        log_label = share + component.log_prob(x0[:, None]) - log_p
        kernel = np.exp(log_p + w * log_label - 0.5 * (point - gain * x0) ** 2 / variance - 0.5 * LOG_TWO_PI)
        return np.asarray(kernel * (gain * x0 - point) / variance if slope else kernel)

    width = max(float(np.sqrt(law.variances[0])) for law in mixture.components)
    spread = max(abs(float(law.mean[0])) for law in mixture.components) + width
    top = integrate_line(lambda x0: tilted(x0, True), 0.0, spread, step=1 / 64)
    return top / integrate_line(lambda x0: tilted(x0, False), 0.0, spread, step=1 / 64)


def _component(mixture: GaussianMixture, label: int) -> GaussianMixture:
    return GaussianMixture(np.ones(1), (mixture.components[integer("label", label, 0, len(mixture.components) - 1)],))
