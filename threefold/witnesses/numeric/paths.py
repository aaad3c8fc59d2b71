"""Any path and its units: linear solves for what a point and an output determine, densities of scaled laws."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reference.gaussians import Gaussian
from threefold.witnesses.cases.paths import OnPath, PathPoints
from threefold.witnesses.point import Array
from threefold.witnesses.shapes import Shape, Value, measured


def solved(rows: list[tuple[float, float]], right: list[Array]) -> tuple[Array, Array]:
    """(x_0, noise) from two equations row . (x_0, noise) = right, coordinate by coordinate; rows are scaled first."""
    matrix, values = np.array(rows), np.stack(right)
    size = np.abs(matrix).max(axis=1, keepdims=True)
    found = np.linalg.solve(matrix / size, values / size)
    return found[0], found[1]


@measured(
    "path.change_of_variables",
    method="2x2 solves in both units; a joint normal law, scaled by linear algebra",
    cases=PathPoints(),
)
def _(s: OnPath) -> Iterator[Shape]:
    a, b, c, point = s.signal, s.level, s.scale, s.point()
    law = Gaussian(np.zeros(2), np.eye(2))
    image = law.affine([[a, b]]).affine([[c]]).factor[0]  # the weights of x_0 and noise after scaling
    yield Value(0, point, image[0] * s.x0 + image[1] * s.noise)
    clean = solved([(c * a, c * b), (0.0, 1.0)], [c * s.z, s.answer])[0]
    because = "elimination: what is divided by the signal is a difference of the point and the noise in it"
    plus = float(np.max(np.abs(s.z) + b * np.abs(s.answer))) / a
    for part, sides in ((1, ("lhs", "rhs")),):
        yield Value(part, point, clean, because=because, plus=plus, sides=sides)
    noise = solved([(c * a, c * b), (1.0, 0.0)], [c * s.z, s.answer])[1]
    plus = float(np.max(np.abs(s.z) + a * np.abs(s.answer))) / b
    yield Value(2, point, noise, because="elimination, as above", plus=plus)
    scaled = Gaussian(np.zeros(1), np.array([[c * b]]))
    density = float(np.sum(scaled.log_prob((c * s.z - c * a * s.x0)[:, None])))
    yield Value(3, point, density)
    yield Value(4, point, solved([(a, 0.0), (0.0, 1.0)], [a * s.x0, s.noise])[0] + b / a * s.noise)
    unit = np.array([a, b]) / np.hypot(a, b)
    yield Value(5, point, float(unit @ unit))
    yield Value(6, point, float(np.cos(np.arctan2(b, a)) ** 2))
    angle = np.arctan2(b, a)
    yield Value(7, point, float((np.cos(angle) + np.sin(angle)) / (np.sin(angle) + np.cos(angle))))
    yield Value(8, point, float(np.sin(angle) / (np.sin(angle) + np.cos(angle))))


@measured("path.velocity_views", method="2x2 solves for data and noise given point and velocity", cases=PathPoints())
def _(s: OnPath) -> Iterator[Shape]:
    a, b, point = s.signal, s.level, s.point()
    rates = (s.drift * a, (s.drift - s.rate) * b)
    yield Value(0, point, float(np.linalg.det(np.array([[a, b], rates]))), because=DETERMINANT, size=_size(s))
    velocity = rates[0] * s.x0 + rates[1] * s.noise
    x0, noise = solved([(a, b), rates], [s.x, velocity])
    for part, found in ((1, x0), (2, noise)):
        yield Value(part, point, found, because=DETERMINANT, plus=_size(s) / (abs(s.rate) * a * b) * _largest(s))
    off_clean = solved([(a, b), (0.0, 1.0)], [s.x, s.answer])[0] - s.x0
    off = rates[0] * off_clean + rates[1] * (s.answer - s.noise)
    slack = _largest(s) ** 2 * ((abs(rates[0]) * (1 + b / a) + abs(rates[1])) ** 2)
    for part in (3, 4):
        yield Value(part, point, float(off @ off), because="a square of differences of the outputs", plus=slack)


DETERMINANT = "a determinant is a difference of two products"


def _size(s: OnPath) -> float:
    return s.signal * s.level * (abs(s.drift) * 2 + abs(s.rate))


def _largest(s: OnPath) -> float:
    return float(max(np.abs(v).max() for v in (s.x0, s.noise, s.answer, s.z, s.other)))


@measured("weights.units", method="2x2 solves for the data that point and output imply", cases=PathPoints())
def _(s: OnPath) -> Iterator[Shape]:
    a, b, point = s.signal, s.level, s.point()
    largest = _largest(s)
    for part, row in enumerate(((0.0, 1.0), (-b, a), (-1.0, 1.0), (0.0, -1.0 / b))):
        off = solved([(a, b), row], [s.x, s.answer])[0] - s.x0
        power = abs(np.linalg.det(np.array([(a, b), row])))
        slack = (largest * (1 + b) * (1 + 1 / b) * (1 + a) / power) ** 2 + largest**2 * (1 + b / a) ** 2
        yield Value(part, point, float(off @ off), because="a square of differences of data", plus=float(slack))


@measured("edm.units", method="2x2 solve for the data under EDM's own scaling", cases=PathPoints(exploding=True))
def _(s: OnPath) -> Iterator[Shape]:
    b, c, point = s.level, s.spread, s.point()
    total = np.hypot(b, c)
    noisy = s.x0 + b * s.noise
    denoised = c**2 / total**2 * noisy + b * c / total * s.answer
    off, largest = denoised - s.x0, _largest(s) * (1 + b) * (1 + c)
    yield Value(0, point, float(off @ off), because="a square of differences of data", plus=float(largest**2))
    # The network's target is what makes the denoiser exact: x_0 = c_skip (x_0 + sigma eps) + c_out target.
    target = np.linalg.solve(np.array([[b * c / total]]), (s.x0 - c**2 / total**2 * noisy)[None])[0]
    slack = float(_largest(s) * (1 + b) * total / (b * c))
    yield Value(1, point, target, because="a difference of data, divided by c_out", plus=slack)
    inside = s.answer - target
    plus = float(len(inside) * (np.abs(s.answer).max() + slack) ** 2)
    yield Value(2, point, float(inside @ inside), because="a square of differences, divided by c_out^2", plus=plus)


@measured(
    "ancestral.ve",
    method="joint normal law of x_s and x_t given x_0, conditioned",
    cases=PathPoints(share=2),
)
def _(s: OnPath) -> Iterator[Shape]:
    share = s.spread / (1 + s.spread)
    late, early = s.level, s.level * np.sqrt(share)
    joint = Gaussian(np.zeros(2), np.array([[early, 0.0], [early, late * np.sqrt(1 - share)]]))
    x0, x_t = s.x0, s.x0 + late * np.clip(s.noise, -3, 3)
    back = [joint.condition([1], [float(v)]) for v in x_t - x0]
    spread = float(np.sqrt(back[0].variances[0]))
    x_s = np.array([float(k.mean[0]) for k in back]) + x0 + spread * np.clip(s.answer, -3, 3)
    numbers = {"level_now": late, "level_share": share}
    point = s.point(numbers=numbers, vectors={"state_now": x_t, "state_then": x_s})
    because = "exponents are squares of differences of states, in deviations"
    slack = float(np.sum((np.abs(x0) + np.abs(x_s) + np.abs(x_t)) * 8 / spread + 64))
    found = sum(float(k.log_prob([v])) for k, v in zip(back, x_s - x0, strict=True))
    yield Value(0, point, found, because=because, plus=slack)
    near = x0 + early * np.clip(s.other, -3, 3)
    density = float(np.exp(np.sum(joint.marginal([0]).log_prob((near - x0)[:, None]))))
    moved = float(np.sum((np.abs(x0) + np.abs(near)) / early * 8 + 64))
    there = s.point(numbers=numbers, vectors={"state_now": x_t, "state_then": near})
    yield Value(1, there, density, because=because, plus=density * moved)
    yield Value(2, point, float(joint.variances[0]), because="u is rounded to float64", plus=8.0 * early**2)
    mean = np.array([float(k.mean[0]) for k in back]) + x0
    yield Value(3, point, mean, because="u is rounded to float64", plus=float(np.max(np.abs(x0) + np.abs(x_t)) * 8))


@measured("ddim.step.forms", method="2x2 solve for the noise, then the other path's mixture", cases=PathPoints())
def _(s: OnPath) -> Iterator[Shape]:
    a, b, there = s.signal, s.level, (s.scale, s.spread)
    numbers = {"signal_t": a, "level_t": b, "signal_s": there[0], "level_s": there[1]}
    point = s.point(numbers=numbers, vectors={"clean_guess": s.answer})
    noise = solved([(a, b), (1.0, 0.0)], [s.z, s.answer])[1]
    landed = there[0] * s.answer + there[1] * noise
    largest = _largest(s) * (1 + a) / b * (there[0] + there[1]) * 4
    because = "the noise is a difference of the point and its signal, divided by the level"
    for part, found, unit in (
        (0, landed, 1.0),
        (1, landed, 1.0 + (1 + there[0] * b / a / there[1])),
        (2, landed / there[1] - s.z / b, 1 / there[1] + 1 / b),
        (3, landed / there[0] - s.answer, 1 / there[0] + 1),
    ):
        yield Value(part, point, found, because=because, plus=float((largest + _largest(s)) * unit))
