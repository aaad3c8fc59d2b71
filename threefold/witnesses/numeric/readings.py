"""Readings that go too fast: densities by SciPy, loadings of the whole chain, solves for what two answers imply."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy import stats

from reference import chain
from threefold.witnesses.cases.latents import Latent, Latents
from threefold.witnesses.cases.paths import OnPath, PathPoints
from threefold.witnesses.cases.strides import StepBack, Strides
from threefold.witnesses.numeric.paths import solved
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import Shape, Value, measured

DIFFERENCE = "a difference of outputs, divided by the weight of the data"


@measured("vae.encoder.trivial", method="SciPy's densities, averaged at two points that are exact", cases=Latents())
def _(s: Latent) -> Iterator[Shape]:
    """The mean over z of a quadratic in z is that over z = 1 and z = -1, in each coordinate."""
    x = s.vectors[0]
    point = Point(len(x), vectors={"x_obs": x})
    evidence = stats.norm.logpdf(x, 0, np.sqrt(2)).sum()
    bound = (stats.norm.logpdf(x, 1, 1) + stats.norm.logpdf(x, -1, 1)).sum() / 2
    yield Value(0, point, 0.0)
    plus = 16 * len(x) * float(1 + np.abs(x).max()) ** 2
    yield Value(1, point, float(evidence - bound), because="log-densities of squares", plus=plus)


@measured("ddpm.forward.joint_law", method="loadings of both states on all the chain's noises", cases=Strides(share=2))
def _(s: StepBack) -> Iterator[Shape]:
    if s.T > 12:  # two averages over normal laws, one in the other
        return
    point = s.point(vectors={"one_way": s.noise, "another_way": s.answer})
    _, rows = chain.loadings(s.betas, [s.s, s.t])
    size = 64 * s.d * float(np.abs(s.noise).max() * np.abs(s.answer).max()) * s.roundings
    found = float(rows[0] @ rows[1] * (s.noise @ s.answer))
    yield Value(0, point, found, because="noises kept, step by step", size=size)


@measured("lenses.affine", method="2x2 solves for data and noise", cases=PathPoints())
def _(s: OnPath) -> Iterator[Shape]:
    share = float(np.round(s.signal / (s.signal + s.level) * 2**20) / 2**20)
    a, b = float(np.sqrt(share)), float(np.sqrt(1 - share))
    numbers = {"signal_share": share}
    vectors = {"noisy_point": s.z, "prediction": s.answer, "score_guess": s.other}
    point = replace(s.point(), numbers=numbers, vectors=vectors)
    large = float(max(np.abs(v).max() for v in (s.z, s.answer, s.other))) * 16 / a
    clean = solved([(a, b), (0.0, 1.0)], [s.z, -b * s.other])[0]
    yield Value(0, point, clean, because=DIFFERENCE, plus=large)
    behind = solved([(a, b), (0.0, 1.0)], [s.z, s.answer])[0]
    yield Value(1, point, a * s.answer - b * behind, because=DIFFERENCE, plus=large)
    yield Value(2, point, solved([(a, b), (0.0, 1.0)], [s.z, np.zeros_like(s.z)])[0], because=DIFFERENCE, plus=large)
