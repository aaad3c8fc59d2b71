"""Floors and cuts: NumPy's maximum and clip, and the chain's own moments at the data that were cut."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reference import chain
from threefold.witnesses.cases.cuts import Cut, Floored, SomeCuts, SomeFloors
from threefold.witnesses.shapes import Inequality, Shape, Value, measured

SUMS = "sums of prices, one after the other"
IMPLIED = "data that little signal implies, mixed with the point again"


@measured("vae.free_bits", method="NumPy's maximum of prices and floor", cases=SomeFloors())
def _(s: Floored) -> Iterator[Shape]:
    point, charged = s.point(), np.maximum(s.prices, s.floor)
    yield Value(0, point, float(np.maximum(s.prices[0, 0], s.floor)))
    found = s.fit - float(charged[:, 0].sum())
    size = 16.0 * (abs(s.fit) + float(charged[:, 0].sum()) + s.floor * len(charged))
    yield Value(1, point, found, because=SUMS, size=size)
    yield Value(2, point, found, because=SUMS, size=size)
    weights = s.weights / s.weights.sum()
    mean, paid = float(charged[0] @ weights), float(s.prices[0] @ weights)
    yield Inequality(3, point, s.floor, mean, because=SUMS, size=16.0 * (mean + s.floor))
    yield Inequality(4, point, paid, mean, because=SUMS, size=16.0 * (mean + paid))


@measured("ddpm.sampling.clip_x0", method="NumPy's clip; the chain conditioned at the cut datum", cases=SomeCuts())
def _(s: Cut) -> Iterator[Shape]:
    point = s.beyond()
    yield Value(0, point, float(np.clip(s.said, -1, 1)))
    for part, said in ((1, 1 + s.excess), (2, -1 - s.excess)):
        found = (said - s.true) ** 2 - (float(np.clip(said, -1, 1)) - s.true) ** 2
        yield Value(part, point, found, because="squares of the distances", plus=8.0 * (2 + s.excess) ** 2)
    step = s.step
    gains, rows = chain.loadings(step.betas, [step.t])
    level = float(np.linalg.norm(rows[0]))
    for n in range(step.d):
        seen, told = s.pixel(n)
        clean = float(np.linalg.solve(np.array([[gains[0]]]), [seen - level * told])[0])
        cut = float(np.clip(clean, -1, 1))
        landed = chain.posterior(np.array([cut]), np.array([seen]), step.t, step.betas)
        large = (abs(seen) + abs(told) + 1) / float(gains[0])
        plus = 512.0 * step.T * large / np.sqrt(float(np.min(step.betas)))
        yield Value(3, s.point(n), float(landed.mean[0]), because=IMPLIED, plus=plus)
        noise = float(np.linalg.solve(np.array([[level]]), [seen - gains[0] * cut])[0])
        yield Value(4, s.point(n), noise, because=IMPLIED, plus=plus / level)


@measured("ddpm.sampling.rescale", method="NumPy's clip", cases=SomeCuts())
def _(s: Cut) -> Iterator[Shape]:
    point = s.beyond()
    shade = (float(np.clip(s.said, -1, 1)) + 1) / 2
    yield Inequality(0, point, 0.0, shade)
    yield Inequality(1, point, shade, 1.0)
    for part, said in ((2, 1 + s.excess), (3, -1 - s.excess)):
        yield Value(part, s.at(said), (float(np.clip(said, -1, 1)) + 1) / 2)
    beyond = 1 + s.excess + 2.0**-9
    yield Inequality(4, s.at(beyond), 1.0, (beyond + 1) / 2)
