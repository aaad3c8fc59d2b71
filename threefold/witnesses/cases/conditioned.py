"""Ends of cosine schedules, tokens and texts, adapters, paths of one flow, outputs to be rescaled, sharp encoders."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.refutation.laws import mp
from threefold.witnesses.cases.numbers import between, edges, normals, positive
from threefold.witnesses.cases.solvers import Bumps
from threefold.witnesses.point import Array, GaussianLaw, Point
from threefold.witnesses.registry import Cases

# --- the cosine schedule ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CosineEnd:
    """A cosine schedule of T steps with an offset, the step T - j, a clip, and half-tangents of two angles."""

    T: int
    offset: float
    j: int
    clip: float
    angle: float
    step: float

    @property
    def edges(self) -> frozenset[str]:
        return edges({"no offset": self.offset == 0, "last but one": self.j == 1, "many steps": self.T >= 300})

    @property
    def first(self) -> float:
        """The angle at t = 0."""
        return self.offset / (1 + self.offset) * math.pi / 2

    @property
    def abars(self) -> Array:
        """abar_0..abar_T, from cosines."""
        angles = (np.arange(self.T + 1) / self.T + self.offset) / (1 + self.offset) * (np.pi / 2)
        return np.asarray((np.cos(angles) / np.cos(angles[0])) ** 2)

    def point(self) -> Point:
        delta = mp.pi / (2 * self.T * (1 + mp.mpf(self.offset)))
        exact: dict[str, Any] = {"gain_of_root": lambda m: mp.sin((m + 1) * delta) - mp.sin(m * delta)}
        numbers = {"T_c": self.T, "j_c": self.j, "beta_clip": self.clip}
        numbers |= {"half_tangent_of_angle": self.angle, "half_tangent_of_step": self.step}
        return Point(1, numbers, exact=exact)


@dataclass(frozen=True)
class CosineEnds:
    """From three steps to four hundred."""

    count: int = 8
    must: frozenset[str] = frozenset({"no offset", "last but one", "many steps"})

    def draw(self, case: Cases) -> Iterator[CosineEnd]:
        for n in range(self.count):
            T = (400, 3, 10, 40)[n % 4]
            j = T // 2 if n == 0 else 1 + n % (T - 2)
            offset = 0.0 if n % 3 == 1 else float(between(case, 0.005, 0.1))
            angle, step = (float(v) for v in between(case, -1.5, 1.5, 2))
            yield CosineEnd(T, offset, j, float(between(case, 0.75, 1)), angle, step)


# --- tokens -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TokenRow:
    """A query, keys and values of some tokens; the one after which the next is exchanged with it, and a factor."""

    query: Array
    keys: Array
    values: Array
    place: int
    factor: float

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "two tokens": len(self.keys) == 2,
                "first place": self.place == 1,
                "last place": self.place == len(self.keys) - 1,
            }
        )

    @property
    def turned(self) -> list[int]:
        """The order of the tokens with two neighbours exchanged, from 0."""
        order = list(range(len(self.keys)))
        order[self.place - 1], order[self.place] = order[self.place], order[self.place - 1]
        return order

    def logit(self, token: int) -> Any:
        """<q, k> / sqrt(d) of a token, from 0, in 30 digits."""
        terms = ((mp.mpf(q), mp.mpf(k)) for q, k in zip(self.query, self.keys[token], strict=True))
        return mp.fdot(terms) / mp.sqrt(len(self.query))

    def point(self, coordinate: int = 0) -> Point:
        count = len(self.keys)
        numbers = {"N_t": count, "m_t": self.place, "r_t": count - self.place - 1, "logit_factor": self.factor}
        exact: dict[str, Any] = {
            "token": lambda n: mp.mpf(int(n)),
            "exchanged_token": lambda n: mp.mpf((self.turned[int(n) - 1] if int(n) <= count else int(n) - 1) + 1),
            "token_logit": lambda which: self.logit(int(which) - 1),
            "token_value": lambda which: mp.mpf(self.values[int(which) - 1, coordinate]),
        }
        return Point(
            len(self.query),
            {**numbers, "head_width": len(self.query)},
            vectors={"query": self.query},
            members={("key", n + 1): k for n, k in enumerate(self.keys)},
            exact=exact,
        )


@dataclass(frozen=True)
class TokenRows:
    """From two tokens on."""

    count: int = 10
    must: frozenset[str] = frozenset({"two tokens", "first place", "last place"})

    def draw(self, case: Cases) -> Iterator[TokenRow]:
        for n in range(self.count):
            tokens, d = 2 + n % 4, 1 + n % 3
            place = 1 + n % (tokens - 1) if n % 2 else tokens - 1
            keys, values = normals(case, tokens, d), normals(case, tokens, d)
            yield TokenRow(normals(case, d), keys, values, place, float(positive(case, -1, 1)))


# --- adapters ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Adapter:
    """What comes in, the control, features, weights along a matrix, and steps of the outer and inner weights."""

    x: Array
    control: Array
    features: Array
    way: Array
    out: float
    into: float

    @property
    def edges(self) -> frozenset[str]:
        return edges({"at the start": self.out == 0, "later": self.out != 0, "no features": not self.features.any()})

    def block(self, v: Any) -> Any:
        """The frozen block: v^2/2 + v, of floats or of the oracle's numbers."""
        return v * v / 2 + v

    def copy(self, v: Any) -> Any:
        """The copy: v^2 - 1."""
        return v * v - 1

    def loss(self, v: Any) -> Any:
        """v^3 + v, summed over coordinates."""
        return v * v * v + v

    def point(self) -> Point:
        exact: dict[str, Any] = {
            "frozen_block": lambda x: tuple(self.block(v) for v in x),
            "trained_copy": lambda x: tuple(self.copy(v) for v in x),
            "loss_of_block": lambda x: sum(self.loss(v) for v in x),
        }
        vectors = {"block_input": self.x, "control_in": self.control, "copy_features": self.features}
        numbers = {"out_step": self.out, "in_step": self.into}
        return Point(len(self.x), numbers, vectors=vectors, covariances={"W_out": self.way}, exact=exact)


@dataclass(frozen=True)
class Adapters:
    count: int = 10
    must: frozenset[str] = frozenset({"at the start", "later", "no features"})

    def draw(self, case: Cases) -> Iterator[Adapter]:
        for n in range(self.count):
            d = 1 + n % 3
            x, control, features = normals(case, 3, d)
            out = 0.0 if n % 2 else float(between(case, -1, 1))
            features = features * 0 if n == 4 else features
            yield Adapter(x, control, features, normals(case, d, d), out, float(between(case, -1, 1)))


# --- two paths --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TwoPaths:
    """Two trajectories of x' = -x^2, coordinate by coordinate, x(t) = 1/(t + c); a time, a constant; two gaps."""

    one: Array
    two: Array
    time: float
    constant: float
    gap: Array
    pull: Array

    @property
    def edges(self) -> frozenset[str]:
        aligned = bool(np.allclose(self.pull, self.constant * self.gap))
        return edges({"velocities aligned": aligned, "d = 1": len(self.one) == 1, "d = 3": len(self.one) == 3})

    def point(self, constant: float | None = None) -> Point:
        def path(starts: Array) -> Any:
            return lambda t: tuple(1 / (t + mp.mpf(c)) for c in starts)

        numbers = {"path_time": self.time, "flow_end": self.time}
        numbers["lipschitz_constant"] = self.constant if constant is None else constant
        exact = {"one_path": path(self.one), "other_path": path(self.two)}
        vectors = {"gap_of_points": self.gap, "gap_of_velocities": self.pull}
        return Point(len(self.one), numbers, vectors=vectors, exact=exact)


@dataclass(frozen=True)
class PairsOfPaths:
    count: int = 6
    must: frozenset[str] = frozenset({"velocities aligned", "d = 1", "d = 3"})

    def draw(self, case: Cases) -> Iterator[TwoPaths]:
        for n in range(self.count):
            d = 1 + n % 3
            one, two = positive(case, -0.5, 1, 2, d)
            constant, (gap, pull) = float(positive(case, -1, 1)), normals(case, 2, d)
            yield TwoPaths(one, two, float(positive(case, -1, 1)), constant, gap, constant * gap if n % 2 else pull)


# --- outputs to be rescaled -------------------------------------------------------------------------------------------


def exactly_root(square: Fraction) -> Fraction:
    """The root of a fraction, to 40 digits."""
    return Fraction(math.isqrt(int(square * 10**80)), 10**40)


@dataclass(frozen=True)
class Guided:
    """Two outputs of one example, a scale of guidance, a share, and a factor."""

    free: Array
    conditional: Array
    scale: float
    share: float
    factor: float

    @property
    def edges(self) -> frozenset[str]:
        return edges({"two pixels": len(self.free) == 2, "all rescaled": self.share == 1, "none": self.share == 0})

    @property
    def guided(self) -> list[Fraction]:
        pairs = zip(map(Fraction, self.free), map(Fraction, self.conditional), strict=True)
        return [a + Fraction(self.scale) * (b - a) for a, b in pairs]

    @staticmethod
    def std(values: list[Fraction]) -> Fraction:
        mean = sum(values, Fraction(0)) / len(values)
        return exactly_root(sum(((v - mean) ** 2 for v in values), Fraction(0)) / (len(values) - 1))

    def point(self) -> Point:
        guided = self.guided
        numbers = {"N_p": len(guided), "guided_std": self.std(guided), "rescale_share": self.share}
        numbers |= {"conditional_std": self.std(list(map(Fraction, self.conditional))), "rescale_factor": self.factor}
        exact: dict[str, Any] = {
            "guided_pixel": lambda n: mp.mpf(guided[int(n) - 1].numerator) / guided[int(n) - 1].denominator
        }
        return Point(1, numbers, exact=exact)


@dataclass(frozen=True)
class GuidedOutputs:
    count: int = 9
    must: frozenset[str] = frozenset({"two pixels", "all rescaled", "none"})

    def draw(self, case: Cases) -> Iterator[Guided]:
        for n in range(self.count):
            free, conditional = normals(case, 2, 2 + n % 4)
            share = {0: 0.0, 1: 1.0}.get(n % 3, float(between(case, 0.2, 0.8)))
            yield Guided(free, conditional, float(between(case, 1, 6)), share, float(between(case, -2, 2)))


# --- sharp encoders ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SharpCode:
    """An isotropic encoder, a direction, a weight, and a function a <z, z>/2 + <b, z> of its codes."""

    centre: Array
    way: Array
    linear: Array
    variance: float
    bend: float

    @property
    def d(self) -> int:
        return len(self.centre)

    @property
    def edges(self) -> frozenset[str]:
        return edges({"sharp": self.variance < 0.1, "wide": self.variance > 1, "d = 1": self.d == 1})

    def value(self, z: Any) -> Any:
        """The function, of the oracle's numbers."""
        linear = sum(mp.mpf(b) * v for b, v in zip(self.linear, z, strict=True))
        return linear + mp.mpf(self.bend) / 2 * sum(v * v for v in z)

    def point(self) -> Point:
        """The parameters are the mean of a second law, of the same variance."""
        d, v = self.d, mp.mpf(self.variance)
        names = {("z",): d, ("encoder_weights",): d}
        covariance = [[mp.mpf(0)] * (2 * d) for _ in range(2 * d)]
        for i in range(d):
            covariance[i][i] = v + 1
            covariance[i][d + i] = covariance[d + i][i] = covariance[d + i][d + i] = mp.mpf(1)
        law = GaussianLaw(names, [mp.mpf(0)] * (2 * d), covariance)
        vectors = {"z": self.centre, "code_centre": self.centre, "code_way": self.way}
        vectors |= {"encoder_weights": self.centre, "eps": self.way}
        exact: dict[str, Any] = {
            "averaged_of": self.value,
            "drawn_code": lambda p, e: tuple(mp.mpf(c) * p + v for c, v in zip(self.linear, e, strict=True)),
        }
        numbers = {"encoder_weight": self.bend, "code_variance": self.variance}
        return Point(d, numbers, vectors=vectors, tables={"q": law}, exact=exact)


@dataclass(frozen=True)
class SharpCodes:
    count: int = 6
    must: frozenset[str] = frozenset({"sharp", "wide", "d = 1"})

    def draw(self, case: Cases) -> Iterator[SharpCode]:
        for n in range(self.count):
            centre, way, linear = normals(case, 3, 1 + n % 2)
            variance = (1 / 32, 2.0, 0.5)[n % 3]
            yield SharpCode(centre, way, linear, variance, float(between(case, -1, 1)))


# --- a step back ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SmallStep:
    """A log-density -|x|^2/2 and bumps in each coordinate, a point, a direction, a datum."""

    bumps: Bumps
    x: Array
    away: Array
    datum: Array

    @property
    def edges(self) -> frozenset[str]:
        return edges({"d = 1": len(self.x) == 1, "d = 2": len(self.x) == 2})

    def log_density(self, x: Any) -> Any:
        """Up to a constant, of floats or of the oracle's numbers."""
        return sum(self.bumps(v) - v * v / 2 for v in x)

    def point(self, width: float) -> Point:
        vectors = {"seen_state": self.x, "step_in_widths": self.away, "one_datum": self.datum}
        return Point(
            len(self.x), {"step_width": width}, vectors=vectors, exact={"log_density_before": self.log_density}
        )


@dataclass(frozen=True)
class SmallSteps:
    count: int = 4
    must: frozenset[str] = frozenset({"d = 1", "d = 2"})

    def draw(self, case: Cases) -> Iterator[SmallStep]:
        for n in range(self.count):
            heights = tuple(float(v) for v in between(case, 0.5, 1.5, 2))
            centres = tuple(float(v) for v in np.array([-0.7, 0.6]) + between(case, -0.1, 0.1, 2))
            narrow = tuple(float(v) for v in between(case, 0.6, 0.9, 2))
            x, datum = normals(case, 2, 1 + n % 2)
            away = positive(case, 0, 0.5, 1 + n % 2)
            yield SmallStep(Bumps(heights, centres, narrow), x, away, datum)
