"""The spread of a Gaussian decoder: every code counted, every coordinate's density from SciPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from threefold.witnesses.cases.spreads import Erring, Spreads
from threefold.witnesses.shapes import Inequality, Shape, Value, measured


def _fit(s: Erring, sigma: float) -> float:
    """The mean log-likelihood at a spread, pair by pair and coordinate by coordinate."""
    return float((s.pairs * stats.norm.logpdf(s.x[:, None], s.means[None], sigma).sum(axis=2)).sum())


@measured(
    "vae.decoder.optimal_variance",
    method="every datum and code enumerated, the density of each coordinate by SciPy, the divergence as a sum",
    cases=Spreads(),
)
def _(s: Erring) -> Iterator[Shape]:
    best = s.best
    point = s.point(s.sigma)
    d = float(s.x.shape[1])
    size = d * (1.0 + abs(np.log(2 * np.pi * s.sigma**2)) + (best / s.sigma) ** 2)
    at_best = d * (2.0 + abs(np.log(2 * np.pi * best**2)))
    because = "the normaliser and the error, of which the root that the point holds is rounded"
    price = float((s.pairs * np.log(s.codes / s.prior)).sum())
    yield Value(0, point, _fit(s, s.sigma), size=size, because=because)
    yield Value(1, point, _fit(s, best), size=at_best, because=because)
    yield Inequality(2, point, _fit(s, s.sigma), _fit(s, best), size=size + at_best, because=because)
    bound = s.sigma**2 * (_fit(s, s.sigma) - price)
    yield Value(3, point, bound, size=s.sigma**2 * (size + abs(price) + 1.0), because=because)
