"""Latents and scales: angles by NumPy's own trigonometry, tables enumerated, averages run, moments of Gaussians."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from reference.gaussians import Gaussian
from threefold.witnesses.cases.latents import Latent, Latents
from threefold.witnesses.numeric.flow import added, rate_of
from threefold.witnesses.numeric.paths import solved
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import Shape, Value, measured

TURNED = "angles by arctan, and quotients of their sines"
COUNTED = "sums of logarithms"


@measured("noise.interpolation", method="angles by arctan, a rotation of the plane", cases=Latents())
def _(s: Latent) -> Iterator[Shape]:
    point, r = s.on_circle(), s.length
    omega, theta = 2 * np.arctan(s.half_angle), 2 * np.arctan(s.half_way)
    turned = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]]) @ np.array([r, 0.0])
    plus = 64 * r**2 / min(1.0, abs(float(np.sin(omega)))) ** 2
    yield Value(0, point, 1.0)
    yield Value(1, point, float(turned @ turned), because=TURNED, plus=plus)
    yield Value(2, point, float(turned[0] * r), because=TURNED, plus=plus)
    middle = (np.array([r, 0.0]) + r * np.array([np.cos(omega), np.sin(omega)])) / 2
    yield Value(3, point, float(middle @ middle), because=TURNED, plus=plus)


@measured("cascade.factorization", method="tables of all three pictures, enumerated", cases=Latents())
def _(s: Latent) -> Iterator[Shape]:
    point = s.pictures()
    conditional = s.model / s.model.sum(axis=(0, 1), keepdims=True)
    yield Value(0, point, float(np.log(conditional[s.at])), because=COUNTED, size=64.0)
    mean = float((s.coded * np.log(conditional)).sum())
    yield Value(1, point, mean, because=COUNTED, size=64.0 * (1 + abs(mean)))


@measured("ldm.compression.counts", method="arrays of these shapes", cases=Latents())
def _(s: Latent) -> Iterator[Shape]:
    side, factor, channels, deep = s.counts
    numbers = {"picture_side": side, "side_factor": factor, "picture_channels": channels, "latent_channels": deep}
    found = side * side * channels / ((side / factor) ** 2 * deep)
    yield Value(0, Point(1, numbers), float(found), because="products of counts", rounding=8.0)
    picture, latent = np.zeros((3, 512, 512), dtype=np.int8), np.zeros((4, 64, 64), dtype=np.int8)
    yield Value(1, Point(1, numbers), float(picture.size / latent.size))


@measured("ema.profile", method="the average run from the first update on; moments of a beta law", cases=Latents())
def _(s: Latent) -> Iterator[Shape]:
    """Each update's weight, as the running average leaves it."""
    last = len(s.profile) - 1
    weights = np.zeros(last + 1)
    before = weights
    for m in range(1, last + 1):
        before = weights.copy()
        decay = s.profile[m - 1] / s.profile[m]
        weights = weights * decay
        weights[m] += 1 - decay
    k = 2
    point = s.averaged(last, k)
    because = "increments, each a difference"
    if k < last:
        decay = s.profile[last - 1] / s.profile[last]
        yield Value(0, point, float(decay * before[k]), because=because, plus=8.0)
    yield Value(1, point, float(weights[last]), because=because, plus=8.0)
    yield Value(2, point, float(stats.beta(s.power, 1).var()), because="a variance of moments", plus=4.0)


@measured("edm.preconditioning", method="cubature points of the joint Gaussian of data and noise", cases=Latents())
def _(s: Latent) -> Iterator[Shape]:
    point, d = s.scaled(), s.vectors.shape[1]
    eye = np.eye(d)
    draws = Gaussian(np.zeros(d), s.spread * eye).extend(np.zeros((d, d)), 0.0, eye).cubature()
    clean, noise = draws[:, :d], draws[:, d:]
    noisy, total = clean + s.level * noise, np.hypot(s.level, s.spread)
    size = 64.0 * d * (1 + abs(s.kept)) ** 2 * (s.spread + s.level) ** 2 * (1 + 1 / total**2)
    because = "averages of squares"
    yield Value(0, point, float(((clean - s.kept * noisy) ** 2).sum(axis=1).mean()), because=because, size=size)
    yield Value(1, point, float(((noisy / total) ** 2).sum(axis=1).mean()), because=because, size=size)
    yield Value(2, point, float(((clean - s.skip * noisy) * noisy).sum(axis=1).mean()), because=because, size=size)
    x, e = s.vectors[0], s.vectors[1]
    angle = np.arctan2(s.level, s.spread)
    minus_v = np.sin(angle) * x / s.spread - np.cos(angle) * e
    plus = 64 * float(np.abs(s.vectors).max()) * (1 + 1 / s.spread) * (1 + total / s.level) * (1 + total / s.spread)
    yield Value(3, point, minus_v, because="a difference of data, divided by c_out", plus=plus)


@measured("weights.min_snr", method="2x2 solves for the data that point and output imply", cases=Latents())
def _(s: Latent) -> Iterator[Shape]:
    point = s.weighted()
    a, b = (float(v) for v in np.array([s.signal, s.level]) / np.hypot(s.signal, s.level))
    answer, noise, x0 = s.vectors
    x, large = a * x0 + b * noise, float(np.abs(s.vectors).max() + 1)
    for part, row in enumerate(((0.0, 1.0), (-b, a), (-1.0, 1.0), (0.0, 1.0))):
        off = solved([(a, b), row], [x, answer])[0] - x0
        weight = s.weight if part < 3 else a * a
        plus = 64 * (1 + abs(s.weight)) * large**2 * (1 + b / a) ** 2 * (1 + a / b) ** 2 * len(x)
        yield Value(part, point, float(weight * (off @ off)), because="a square of differences of data", plus=plus)


@measured("vdm.continuous_bound", method="Gauss' rule over complex-step rates; a sum of three steps", cases=Latents())
def _(s: Latent) -> Iterator[Shape]:
    point = s.clock()
    area = added(lambda u: -rate_of(lambda v: s.area(s.snr(v)), u) / 2, 1.0)
    yield Value(0, point, float(area), because="a sum over the nodes of a quadrature", plus=64.0)
    (g_s, g_u, g_t), (e_u, e_t) = s.snrs, s.errors
    one_step = float((g_s - g_t) * e_t / 2)
    two_steps = float(np.dot([g_s - g_u, g_u - g_t], [e_u, e_t]) / 2)
    plus = 16 * float(np.abs(s.snrs).max() * np.abs(s.errors).max())
    yield Value(1, point, two_steps - one_step, because="a difference of two sums", plus=plus)
