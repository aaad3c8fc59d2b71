"""Steps of the fast samplers: 2x2 solves for data and noise, moved to the next level; cubature of the fresh noise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reference import chain
from reference.gaussians import Gaussian
from threefold.witnesses.cases.strides import StepBack, Strides
from threefold.witnesses.numeric.ends import mean_square
from threefold.witnesses.point import Array
from threefold.witnesses.shapes import Shape, Value, measured

IMPLIED = "data that little signal implies, mixed with the point again"


def _levels(s: StepBack) -> tuple[Array, tuple[float, float]]:
    """Signals and noises at s and t."""
    gains, rows = chain.loadings(s.betas, [s.s, s.t])
    early, late = (float(np.linalg.norm(row)) for row in rows)
    return gains, (early, late)


def _data(s: StepBack, noise: Array) -> Array:
    gains, (_, late) = _levels(s)
    return np.asarray(np.linalg.solve(np.array([[gains[1]]]), (s.x_t - late * noise)[None])[0])


def _room(s: StepBack) -> float:
    """How large a rounding grows that goes through the data implied."""
    gains, (early, late) = _levels(s)
    large = float(max(np.abs(v).max() for v in (s.x_t, s.x0, s.x_s, s.answer, s.noise)) + 1)
    return 256.0 * s.T * large * (1 + float(gains[0] / gains[1])) * (1 + early / late)


@measured("ddim.sampling", method="data and noise solved for, moved; cubature of the noise", cases=Strides(share=3))
def _(s: StepBack) -> Iterator[Shape]:
    point = s.point(vectors={"answer": s.answer, "z": s.noise, "aimed_at": s.x_s})
    gains, (early, _) = _levels(s)
    kept, fresh = early * np.sqrt(1 - s.rho), early * np.sqrt(s.rho)
    mean = gains[0] * _data(s, s.answer) + kept * s.answer
    room = _room(s)
    yield Value(0, point, mean + fresh * s.noise, because=IMPLIED, plus=room)
    noise = Gaussian.standard(s.d).cubature()
    away = mean_square(mean + fresh * noise - s.x_s)
    yield Value(1, point, away, because=IMPLIED, plus=s.d * room**2 / 64)
    centre = gains[0] * s.x0 - s.x_s
    both = mean_square(centre + kept * noise) - float(centre @ centre) + mean_square(centre + fresh * noise)
    yield Value(2, point, both, because=IMPLIED, plus=s.d * room**2 / 64)


@measured("solver.heun.step", method="slopes averaged in x/a, against sigma/a", cases=Strides(share=3))
def _(s: StepBack) -> Iterator[Shape]:
    point = s.point(vectors={"answer": s.answer, "second_answer": s.x_s})
    gains, (early, late) = _levels(s)
    width, room = early / gains[0] - late / gains[1], _room(s) / gains[0]
    slopes = np.mean([s.answer, s.x_s], axis=0)
    yield Value(0, point, s.x_t / gains[1] + width * slopes, because=IMPLIED, plus=room)
    yield Value(1, point, gains[0] * _data(s, s.answer) + early * s.answer, because=IMPLIED, plus=_room(s))
    yield Value(2, point, gains[0] * s.x0 + early * s.noise, because=IMPLIED, plus=_room(s))


@measured(
    "solver.dpmpp_2m.step", method="data extrapolated, the noise solved for, and both moved", cases=Strides(share=3)
)
def _(s: StepBack) -> Iterator[Shape]:
    ratio = 0.5 + 2 * s.rho
    point = s.point(vectors={"data_said_now": s.answer, "data_said_before": s.x_s}, numbers={"step_ratio": ratio})
    gains, (early, late) = _levels(s)
    room = _room(s) * (1 + 1 / ratio)

    def moved(data: Array) -> Array:
        noise = np.linalg.solve(np.array([[late]]), (s.x_t - gains[1] * data)[None])[0]
        return np.asarray(gains[0] * data + early * noise)

    middle = np.polyval(np.polyfit([-ratio, 0.0], np.stack([s.x_s, s.answer]), 1), 0.5)
    yield Value(0, point, moved(np.asarray(middle, dtype=np.float64)), because=IMPLIED, plus=room)
    yield Value(1, point, moved(s.answer), because=IMPLIED, plus=room)
    yield Value(2, point, gains[0] * s.x0 + early * s.noise, because=IMPLIED, plus=room)
