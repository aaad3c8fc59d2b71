"""Orders of solvers: errors of one step at falling sizes, exact steps by quadrature, flows solved as equations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from reference import solvers
from threefold.witnesses.cases.solvers import SolverStep, SolverSteps
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import NotOfOrder, Order, Shape, Value, measured

STEPS = np.array([1 / 128, 1 / 256, 1 / 512])
SLACK = 0.15  # of a slope and of a leading coefficient: the next term of the expansion
SOLVED = "a differential equation is solved to 1e-12 on the way"
PLACES = (0.0, 0.4, -0.4, 0.8, -0.8)


def _order(claim: str, part: int, s: SolverStep, power: int, error: Callable[[SolverStep, float], float]) -> Order:
    """The errors at falling steps, where the stated coefficient is largest: it may vanish at a place by accident."""
    rhs = [(abs(_leading(claim, part, one, power)), n, one) for n, one in enumerate(_moved(s))]
    _, _, chosen = max(rhs, key=lambda row: row[:2])
    errors = np.array([error(chosen, float(h)) for h in STEPS])
    return Order(part, STEPS, errors, power, _leading(claim, part, chosen, power), slack=SLACK)


def _moved(s: SolverStep) -> list[SolverStep]:
    return [replace(s, level=s.level + by) for by in PLACES]


def _leading(claim: str, part: int, s: SolverStep, power: int) -> float:
    h = float(STEPS[-1])
    return float(np.ravel(s.point(h).rhs(claim, part))[0]) / h**power


def _exact(s: SolverStep, h: float) -> float:
    return solvers.exact_gain(s.curve, s.level, h)


def _of(weights: Callable[[SolverStep, float], np.ndarray]) -> Callable[[SolverStep, float], float]:
    """The error of the method with these weights."""

    def error(s: SolverStep, h: float) -> float:
        found = weights(s, h)
        return _exact(s, h) - solvers.gain(s.curve, s.level, h, s.back[: len(found)], found)

    return error


def _interpolating(count: int) -> Callable[[SolverStep, float], np.ndarray]:
    return lambda s, h: solvers.weights(h, s.back[:count])


METHOD = "errors of one step at three sizes: weights by undetermined coefficients, exact steps by quadrature"


@measured("solver.exponential_ab.local_error", method=METHOD, cases=SolverSteps())
def _(s: SolverStep) -> Iterator[Shape]:
    for part, count in enumerate((4, 3, 2, 1)):
        yield _order("solver.exponential_ab.local_error", part, s, count + 1, _of(_interpolating(count)))


@measured("solver.dpmpp_2m.local_error", method=METHOD, cases=SolverSteps())
def _(s: SolverStep) -> Iterator[Shape]:
    own, line = _of(lambda s, h: solvers.two_step(h, s.ratios[0])), _of(_interpolating(2))
    yield _order("solver.dpmpp_2m.local_error", 0, s, 3, own)
    yield _order("solver.dpmpp_2m.local_error", 1, s, 3, lambda s, h: own(s, h) - line(s, h))


@measured("solver.multistep2.ratio_forgotten", method=METHOD, cases=SolverSteps())
def _(s: SolverStep) -> Iterator[Shape]:
    claim, error = "solver.multistep2.ratio_forgotten", _of(lambda s, h: solvers.two_step(h, 1.0))
    if s.ratios[0] != 1.0:
        yield _order(claim, 0, s, 2, error)
    yield _order(claim, 1, replace(s, ratios=(1.0, *s.ratios[1:])), 3, error)


@measured(
    "solver.multistep3.local_error",
    method=METHOD,
    cases=SolverSteps(),
)
def _(s: SolverStep) -> Iterator[Shape]:
    claim = "solver.multistep3.local_error"

    def second_difference(s: SolverStep, h: float) -> float:
        values = np.polyfit(-np.array(s.back[:3]), s.curve(s.level - h * np.array(s.back[:3])), 2)
        return float(values[0])

    yield _order(claim, 0, s, 4, _of(_interpolating(3)))
    yield _order(claim, 1, s, 2, second_difference)
    point = s.point(0.5)
    yield Value(2, point, float(solvers.moments(0.5, 3)[2]), because="a quotient of differences", plus=64.0)
    wide = 8 * STEPS
    rests = [np.array([_rest(one, float(h)) for h in wide]) for one in _moved(s)]
    left = max(rests, key=lambda errors: abs(errors[-1]))  # its coefficient may vanish at a place by accident
    yield Order(3, wide, left, 5, slack=0.5)


def _rest(s: SolverStep, h: float) -> float:
    """By how much the written form of three steps misses the interpolating one."""
    written = float(np.ravel(s.point(h).lhs("solver.multistep3.local_error", 3))[0])
    return solvers.gain(s.curve, s.level, h, s.back[:3], solvers.weights(h, s.back[:3])) - written


@measured("solver.multistep3.published_order", method=METHOD, cases=SolverSteps())
def _(s: SolverStep) -> Iterator[Shape]:
    yield _order("solver.multistep3.published_order", 0, s, 3, _of(_published))


@measured("solver.multistep3.published_coefficient", method=METHOD, cases=SolverSteps())
def _(s: SolverStep) -> Iterator[Shape]:
    found = _order("solver.multistep3.published_order", 0, s, 3, _of(_published))
    yield NotOfOrder(0, found.steps, found.errors, 4, instead=3)


def _published(s: SolverStep, h: float) -> np.ndarray:
    return solvers.third_step(h, s.ratios[:2], published=True)


@measured("solver.start.lower_order", method=METHOD, cases=SolverSteps())
def _(s: SolverStep) -> Iterator[Shape]:
    claim = "solver.start.lower_order"

    def carried(s: SolverStep, h: float) -> float:
        return float(np.exp(-s.left)) * _of(_interpolating(1))(s, s.share * h)

    def corrected(s: SolverStep, h: float) -> float:
        back = np.array([0.0, -1.0])  # the other value lies ahead
        powers = np.vander(-back, increasing=True).T
        found = np.linalg.solve(powers, solvers.moments(h, 2))
        return _exact(s, h) - solvers.gain(s.curve, s.level, h, back.tolist(), found)

    yield _order(claim, 0, s, 2, carried)
    yield _order(claim, 1, s, 3, corrected)


# --- the exact step ---------------------------------------------------------------------------------------------------


@measured(
    "solver.exact.variation_of_constants", method="the flow solved as a differential equation", cases=SolverSteps()
)
def _(s: SolverStep) -> Iterator[Shape]:
    h, start, guess, noise, ratio = s.share, 0.7, -0.4, s.left, 1.3
    point = replace(
        s.point(h),
        vectors={"xbar_now": [start], "clean_along": [guess], "noise_along": [noise]},
        numbers={**s.point(h).numbers, "varsigma": ratio},
        exact={"m_along": s.curve.exact, "xbar_along": s.curve.exact},
    )

    def solved(towards: Callable[[float], float], begin: float) -> float:
        found = solve_ivp(lambda u, x: towards(u) - x, (0.0, h), [begin], method="DOP853", rtol=1e-12, atol=1e-14)
        return float(found.y[0, -1])

    size = 500.0  # units of the tolerance: 1e-10
    there = float(s.curve(s.level + h))
    arrived = solved(lambda u: float(s.curve(s.level + u)), start)
    yield Value(0, point, there - arrived, because=SOLVED, size=size)
    kept = solved(lambda u: float(s.curve.slope(u) + s.curve(u)), 0.0)
    yield Value(1, point, kept, because=SOLVED, size=size)
    yield Value(2, point, solved(lambda u: guess, guess + ratio * noise), because=SOLVED, size=size)


# --- one step ---------------------------------------------------------------------------------------------------------


def _trajectory(s: SolverStep, k: float) -> Point:
    """The same curve as a trajectory in sigma/a, and a field that is curved in both arguments."""
    numbers = {"varsigma_now": s.level, "varsigma_step": k}
    return Point(1, numbers, exact={"xbar_along": s.curve.exact, "eps_field": lambda x, t: (_field(x[0], t),)})


def _field(x: object, t: object) -> object:
    return x * x * t + x + t * t * x  # type: ignore[operator]


def _travelled(claim: str, part: int, s: SolverStep, power: int, error: Callable[[SolverStep, float], float]) -> Order:
    def coefficient(one: SolverStep) -> float:
        h = float(STEPS[-1])
        return float(np.ravel(_trajectory(one, h).rhs(claim, part))[0]) / h**power

    chosen = max(_moved(s), key=lambda one: abs(coefficient(one)))
    errors = np.array([error(chosen, float(k)) for k in STEPS])
    return Order(part, STEPS, errors, power, coefficient(chosen), slack=SLACK)


@measured("solver.euler.local_error", method="errors of one step at three sizes; complex steps", cases=SolverSteps())
def _(s: SolverStep) -> Iterator[Shape]:
    claim = "solver.euler.local_error"
    yield _order(claim, 0, s, 2, _of(_interpolating(1)))
    yield _travelled(
        claim, 1, s, 2, lambda s, k: float(s.curve(s.level + k) - s.curve(s.level) - k * s.curve.slope(s.level))
    )
    tiny = 1e-30
    at = complex(s.level, tiny)
    changed = float(_field(s.curve(at), at).imag / tiny)  # type: ignore[attr-defined]
    yield Value(2, _trajectory(s, 0.1), changed, because="a polynomial of a bump", size=64.0)


@measured(
    "solver.heun.local_error",
    method="errors of one step at three sizes, the field shifted so that the curve is its trajectory",
    cases=SolverSteps(),
)
def _(s: SolverStep) -> Iterator[Shape]:
    def ahead(s: SolverStep, k: float) -> float:
        then, predicted = s.level + k, s.curve(s.level) + k * s.curve.slope(s.level)
        beside: Any = _field(predicted, then)
        return float(s.curve.slope(then) + beside - _field(s.curve(then), then))

    def error(s: SolverStep, k: float) -> float:
        return float(s.curve(s.level + k) - s.curve(s.level) - k / 2 * (s.curve.slope(s.level) + ahead(s, k)))

    def beyond(s: SolverStep, k: float) -> float:
        return ahead(s, k) - float(np.ravel(_trajectory(s, k).rhs("solver.heun.local_error", 1))[0])

    yield _travelled("solver.heun.local_error", 0, s, 3, error)
    chosen = max(_moved(s), key=lambda one: abs(beyond(one, float(STEPS[-1]))))
    yield Order(1, STEPS, np.array([beyond(chosen, float(k)) for k in STEPS]), 3, slack=0.3)
