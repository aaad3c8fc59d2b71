"""UniPC's errors of one step at falling sizes: weights by a linear solve, on a curve that is the field's trajectory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from reference import solvers
from threefold.witnesses.cases.solvers import SolverStep, SolverSteps
from threefold.witnesses.numeric.solvers import _field, _moved
from threefold.witnesses.point import Point
from threefold.witnesses.shapes import Order, Shape, measured

STEPS = np.array([1 / 64, 1 / 128, 1 / 256])
METHOD = "errors of one step at three sizes, the field shifted so that the curve is its trajectory"
Missed = Callable[[SolverStep, float], float]


def _pulled(s: SolverStep, at: float) -> float:
    return float(s.curve(at) + s.curve.slope(at))


def _asked(s: SolverStep, predicted: float, at: float) -> float:
    """The prediction beside the trajectory."""
    there: Any = _field(float(s.curve(at)), at)
    beside: Any = _field(predicted, at)
    return _pulled(s, at) + float(beside - there)


def _point(s: SolverStep, h: float) -> Point:
    functions: dict[str, Callable[..., Any]] = {
        "xbar_along": s.curve.exact,
        "clean_field": lambda x, t: (_field(x[0], t),),
    }
    return replace(s.point(h), exact=functions)


def _corrected(claim: str, part: int, s: SolverStep, power: int, missed: Missed) -> Order:
    def leading(one: SolverStep) -> float:
        h = float(STEPS[-1])
        return float(np.ravel(_point(one, h).rhs(claim, part))[0]) / h**power

    chosen = max(_moved(s), key=lambda one: abs(leading(one)))
    errors = np.array([missed(chosen, float(h)) for h in STEPS])
    return Order(part, STEPS, errors, power, leading(chosen), slack=0.15)


def _with_one(weight: Callable[[float], float]) -> Missed:
    def missed(s: SolverStep, h: float) -> float:
        m, shrunk = _pulled(s, s.level), float(np.exp(-h) * s.curve(s.level))
        whole = float(-np.expm1(-h))
        ahead = _asked(s, shrunk + whole * m, s.level + h)
        return float(s.curve(s.level + h)) - shrunk - whole * m - weight(h) / 2 * (ahead - m)

    return missed


def _with_two(s: SolverStep, h: float) -> float:
    r, m, shrunk = s.ratios[0], _pulled(s, s.level), float(np.exp(-h) * s.curve(s.level))
    whole, past = float(-np.expm1(-h)), _pulled(s, s.level - r * h)
    ahead = _asked(s, shrunk + whole * (m + (m - past) / (2 * r)), s.level + h)
    moments = solvers.moments(h, 3)
    one, two = np.linalg.solve(np.array([[1.0, 1.0], [-r, 1.0]]), np.asarray(moments[1:3], dtype=float))
    return float(s.curve(s.level + h) - shrunk - whole * m - one * (m - past) / r - two * (ahead - m))


@measured("solver.unipc.order", method=METHOD, cases=SolverSteps())
def _(s: SolverStep) -> Iterator[Shape]:
    for part, weight in enumerate((lambda h: float(-np.expm1(-h)), lambda h: h)):
        yield _corrected("solver.unipc.order", part, s, 3, _with_one(weight))


@measured("solver.unipc.second_corrector", method=METHOD, cases=SolverSteps())
def _(s: SolverStep) -> Iterator[Shape]:
    yield _corrected("solver.unipc.second_corrector", 0, s, 4, _with_two)
