"""Vector quantisation: differences that are exact for quadratics, means and entropies by NumPy and SciPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy import stats

from threefold.witnesses.cases.quantised import Quantisations, Quantised
from threefold.witnesses.point import Array
from threefold.witnesses.shapes import Shape, Value, measured

CENTRAL = "central differences, exact for quadratics but for their rounding"


def slope(f: Callable[[Array], float], x: Array, step: float) -> Array:
    """The gradient of a quadratic by central differences."""
    return np.array([(f(x + step * axis) - f(x - step * axis)) / (2 * step) for axis in np.eye(len(x))])


def _size(s: Quantised) -> float:
    return float(max(np.abs(v).max() for v in (s.code, s.codeword, s.other, s.assigned)) + 1)


@measured(
    "vqvae.straight_through",
    method="the codeword, and differences of the decoder's loss there",
    cases=Quantisations(),
)
def _(s: Quantised) -> Iterator[Shape]:
    point, size = s.point(), _size(s)
    yield Value(0, point, s.codeword)
    found = slope(s.loss, s.codeword, size)
    yield Value(1, point, found, because=CENTRAL, plus=64 * size * (1 + s.curvature))


@measured(
    "vqvae.loss.gradients",
    method="each term differenced with its stopped arguments held at their values",
    cases=Quantisations(),
)
def _(s: Quantised) -> Iterator[Shape]:
    point, size = s.point(), _size(s)
    gap = float(((s.code - s.codeword) ** 2).sum())
    value = s.loss(s.codeword) + gap + s.beta * gap
    plus = 64 * size**2 * (1 + s.curvature + s.beta)
    yield Value(0, point, value, because="squares of differences", plus=plus)

    def seen_by_encoder(z: Array) -> float:
        return float(s.loss(z + (s.codeword - s.code)) + s.beta * ((z - s.codeword) ** 2).sum())

    def seen_by_codebook(e: Array) -> float:
        return float(((s.code - e) ** 2).sum())

    yield Value(1, point, slope(seen_by_encoder, s.code, size), because=CENTRAL, plus=plus / size * 4)
    yield Value(2, point, slope(seen_by_codebook, s.codeword, size), because=CENTRAL, plus=plus / size * 4)


@measured("vq.straight_through.bias", method="both values of the bit, differences in its chance", cases=Quantisations())
def _(s: Quantised) -> Iterator[Shape]:
    point, (c, b, a) = s.point(), s.bit
    values = np.array([b, c + b])  # of c x^3 + b at 0 and 1
    yield Value(0, point, float(np.diff(values)[0]), because=CENTRAL, plus=8 * float(np.abs(s.bit).sum()))
    shares = np.array([1 - s.chance, s.chance])
    through = float(shares @ np.array([b, 2 * c + b]))
    quadratic = np.array([a, a + b + c])
    yield Value(1, point, through - float(np.diff(quadratic)[0]), because=CENTRAL, plus=16 * float(np.abs(s.bit).sum()))
    example = np.array([0.8, 0.2]) @ (2 * (np.array([0.0, 1.0]) - 0.45))
    yield Value(2, point, float(example), because="decimals", plus=4.0)
    squares = (np.array([0.0, 1.0]) - 0.45) ** 2
    yield Value(3, point, float(np.diff(squares)[0]), because="decimals", plus=4.0)


@measured("vqvae.quantize.nearest", method="distances by NumPy, one from the other", cases=Quantisations())
def _(s: Quantised) -> Iterator[Shape]:
    far, near = np.linalg.norm(s.code - s.other), np.linalg.norm(s.code - s.codeword)
    plus = 64 * _size(s) ** 2
    yield Value(0, s.point(), float(far**2 - near**2), because="squares of differences", plus=plus)


@measured("vqvae.codebook.kmeans", method="means and variances by NumPy", cases=Quantisations())
def _(s: Quantised) -> Iterator[Shape]:
    point, n, mean = s.point(), len(s.assigned), s.assigned.mean(axis=0)
    plus = 64 * n * len(mean) * _size(s) ** 2
    because = "squares of differences"
    yield Value(0, point, float(n * mean @ s.codeword), because=because, size=plus)
    scatter = float(n * s.assigned.var(axis=0).sum() + n * ((mean - s.codeword) ** 2).sum())
    yield Value(1, point, scatter, because=because, size=plus)
    total = slope(lambda e: float(((s.assigned - e) ** 2).sum()), s.codeword, _size(s))
    yield Value(2, point, total, because=CENTRAL, size=plus / _size(s) * 4)


@measured("vq.perplexity", method="SciPy's relative entropy to equal shares", cases=Quantisations())
def _(s: Quantised) -> Iterator[Shape]:
    shares = np.array([float(v) for v in s.shares])
    gap = float(stats.entropy(shares, np.full(len(shares), 1 / len(shares))))
    yield Value(0, s.point(), gap, because="logarithms of shares", plus=16.0)
