"""Bits, decoders and families of encoders: sums over a bin, SciPy's densities, joint normal laws."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

import reference
from reference.gaussians import Gaussian
from threefold.witnesses.cases.bins import AffineDecoders, Binned, Decoder, SomeBins
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import Inequality, Shape, Value, measured

SUMMED = "sums of squares and logarithms"


@measured("bits_per_dim.offset", method="a bin's mass as a sum over its places; logarithms to base 2", cases=SomeBins())
def _(s: Binned) -> Iterator[Shape]:
    d, weights = len(s.x), s.weights / s.weights.sum()
    logs = s.slope * (s.x + s.places).sum(axis=1)
    mass = float(weights @ np.exp(logs)) * s.width**d
    bound = -float(weights @ logs) / d - float(np.log(s.width))
    size = 64.0 * (1 + float(np.abs(logs).max()) + abs(float(np.log(s.width))))
    yield Inequality(0, s.point(), -float(np.log(mass)) / d, bound, because=SUMMED, size=size)
    for part, levels in ((1, 256), (2, 255)):
        bits = float(np.log2(levels) - 1)
        yield Value(part, Point(1), bits * float(np.log(2)), because="logarithms to another base", rounding=8.0)


@measured("vae.loss.slides", method="SciPy's normal densities, coordinate by coordinate", cases=AffineDecoders())
def _(s: Decoder) -> Iterator[Shape]:
    shown = s.network(s.code)
    off = 1 + float(np.abs(s.x - shown).max())
    plus = 64.0 * len(s.x) * off**2 * (1 + s.spread**2) * (1 + s.cost)
    error = -float(stats.norm.logpdf(s.x, shown, s.spread).sum()) + len(s.x) * stats.norm.logpdf(0.0, 0.0, s.spread)
    yield Value(0, s.point(), 2 * s.spread**2 * (float(error) + s.cost), because=SUMMED, plus=plus)
    yield Value(1, s.point(), float(np.linalg.norm(s.x - shown) ** 2) + s.cost, because=SUMMED, plus=plus)


@measured("vae.decoder.mixture_view", method="the joint normal law of codes and pictures", cases=AffineDecoders())
def _(s: Decoder) -> Iterator[Shape]:
    d = len(s.x)
    pictures = Gaussian(s.mean, s.root).affine(s.network.matrix, s.network.shift, s.spread * np.eye(d))
    large = float(np.abs(s.network.matrix).sum() + np.abs(s.network.shift).max() + 1)
    large *= float(np.abs(s.root).sum() + np.abs(s.mean).max() + 1) * float(np.abs(s.way).sum() + 1)
    yield Value(0, s.point(), float(s.way @ pictures.mean), because=SUMMED, plus=64.0 * large)
    found = float(s.way @ pictures.cov @ s.way)
    yield Value(1, s.point(), found, because="squares less squares", plus=64.0 * (large**2 + s.spread**2))


@measured(
    "vae.elbo.parametric_restriction", method="the joint normal law, conditioned; divergences", cases=AffineDecoders()
)
def _(s: Decoder) -> Iterator[Shape]:
    d = len(s.x)
    behind = Gaussian.standard(d).extend(np.eye(d), 0.0, np.eye(d)).condition(range(d, 2 * d), s.x)
    gap = float(reference.gaussian_kl(np.zeros(d), s.width * np.eye(d), behind.mean, behind.cov))
    plus = 64.0 * d * (1 + float(np.abs(s.x).max())) ** 2 * (1 + s.width)
    for part in (0, 1):
        yield Value(part, s.point(), gap, because=SUMMED, plus=plus)
