"""Codes: every draw and every layer enumerated, budgets compared pair by pair, an autoencoder written out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.refutation.laws import FiniteJoint, mp
from threefold.witnesses.cases.codes import DrawnCodes, LayeredCodes, Layers, Pictures, Shown, Weighed
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import Inequality, Shape, Value, measured

COUNTED = "a sum over all draws of logarithms, each rounded"


@measured("iwae.bounds", method="all tuples of codes enumerated, with their probabilities", cases=DrawnCodes())
def _(s: Weighed) -> Iterator[Shape]:
    point, w, q = s.point(), s.weights, s.coded[s.x]
    bound = mean = 0.0
    for codes in itertools.product(range(len(q)), repeat=s.K):
        chance = float(np.prod(q[list(codes)]))
        average = float(np.mean(w[list(codes)]))
        bound += chance * np.log(average)
        mean += chance * average
    evidence, elbo = float(np.log(s.model[s.x].sum())), float(q @ np.log(w))
    size = 64.0 * (1 + float(np.abs(np.log(w)).max()))
    yield Inequality(0, point, bound, evidence, because=COUNTED, size=size)
    yield Inequality(1, point, elbo, bound, because=COUNTED, size=size)
    yield Value(2, point, elbo, because=COUNTED, size=size)
    yield Value(3, point, mean, because=COUNTED, size=size)


def _upto(table: np.ndarray, n: int) -> np.ndarray:
    """The marginal of (x, z_1, ..., z_n)."""
    return np.asarray(table.sum(axis=tuple(range(n + 1, table.ndim))))


@measured("hvae.factors", method="marginals of both tables, divided", cases=LayeredCodes())
def _(s: Layers) -> Iterator[Shape]:
    point = s.point()
    encoder = np.log(s.coded[s.at] / s.coded[s.at[0]].sum())
    prior = np.log(s.model.sum(axis=0)[s.at[1:]])
    size = 64.0 * (1 + abs(float(encoder)) + abs(float(prior)))
    yield Value(0, point, float(encoder), because=COUNTED, size=size)
    yield Value(1, point, float(prior), because=COUNTED, size=size)


@measured("hvae.elbo", method="all layers enumerated at once, no layer by itself", cases=LayeredCodes())
def _(s: Layers) -> Iterator[Shape]:
    point, x = s.point(), s.at[0]
    q, p = s.coded[x] / s.coded[x].sum(), s.model[x]
    elbo = float((q * np.log(p / q)).sum())
    size = 64.0 * (1 + float(np.abs(np.log(p)).max() + np.abs(np.log(q)).max()))
    yield Value(0, point, elbo, because=COUNTED, size=size)
    yield Value(1, point, float(np.log(p.sum())), because=COUNTED, size=size)


# --- what cannot be told or shown -------------------------------------------------------------------------------------


@measured("ae.nonunique", method="an affine autoencoder, its codes shifted and stretched", cases=Pictures())
def _(s: Shown) -> Iterator[Shape]:
    x, shift, stretch = s.x[0], s.shift, s.stretch
    exact = {
        "encode": lambda v: tuple(a / 2 + 1 for a in v),
        "decode": lambda c: tuple(a * a - a for a in c),
        "recode": lambda c: tuple(mp.mpf(stretch) * a + mp.mpf(shift) for a in c),
        "recode_back": lambda c: tuple((a - mp.mpf(shift)) / mp.mpf(stretch) for a in c),
    }
    point = Point(len(x), vectors={"x_obs": x}, exact=exact)
    code = x / 2 + 1
    size = 64.0 * float(1 + np.abs(x).max()) ** 4 * (1 + (abs(shift) + 1) / stretch)
    yield Value(0, point, float(((x - (code**2 - code)) ** 2).sum()), because="squares of squares of codes", size=size)


@measured("vae.beta.constrained", method="a few attainable pairs, the maximiser found by looking", cases=Pictures())
def _(s: Shown) -> Iterator[Shape]:
    """Each pair that costs no more than the maximiser, and the maximiser itself."""
    best = s.best
    for other in range(len(s.fits)):
        if s.costs[other] > s.costs[best]:
            continue
        numbers = {"beta_vae": s.beta, "fit_best": s.fits[best], "cost_best": s.costs[best]}
        point = Point(1, {**numbers, "fit_of": s.fits[other], "cost_of": s.costs[other]})
        yield Inequality(0, point, float(s.fits[other]), float(s.fits[best]))
        scores = np.array([0.0, 0.4, 1.0]) - s.beta * np.array([0.0, 1.0, 2.0])
        beaten = float(np.mean(scores[[0, 2]]) - scores[1])
        yield Value(1, point, beaten, because="differences of prices", size=8 * (1 + s.beta))


@measured("vae.limit.blur", method="every pair of datum and code enumerated", cases=Pictures())
def _(s: Shown) -> Iterator[Shape]:
    table: dict[Any, Any] = {
        (tuple(map(mp.mpf, x)), (Fraction(c),)): mp.mpf(s.joint[i, c])
        for i, x in enumerate(s.x)
        for c in range(s.joint.shape[1])
    }
    law = FiniteJoint((("x_obs",), ("z",)), table)
    point = Point(s.x.shape[1], networks={"shown": lambda z: s.pictures[int(z[0])]}, tables={"q": law})
    off = ((s.pictures[None] - s.x[:, None]) ** 2).sum(axis=2)
    size = 64.0 * float((np.abs(s.pictures).max() + np.abs(s.x).max()) ** 2)
    yield Value(0, point, float((s.joint * off).sum()), because="squares of differences", size=size)


@measured("vae.loss.reduction_scale", method="pixel losses averaged one by one", cases=Pictures())
def _(s: Shown) -> Iterator[Shape]:
    loss, latent, count = (float(v) for v in s.sizes)
    each = np.full(int(count), loss / count)
    numbers = {"summed_loss": loss, "latent_loss": latent, "pixels": count, "beta_vae": s.beta}
    point = Point(1, numbers)
    yield Value(0, point, float(each.mean() + s.beta * latent), because="a mean of many numbers", rounding=4.0)
    coloured = np.full((3, 64, 64), loss / 12288)
    yield Value(1, point, float(coloured.mean() + latent), because="a mean of many numbers", rounding=4.0)
