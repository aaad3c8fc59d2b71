"""The shapes in which a numeric witness is written: it measures, the shape knows the claim and compares.

    @measured("ddpm.posterior.mean", method="conditioning of the joint Gaussian", cases=Steps(least_t=2))
    def _(s: Step) -> Iterator[Shape]:
        yield Value(0, s.point(), chain.posterior(s.x0, s.x_t, s.t, s.betas).mean)

What a witness yields names a statement by its number, a point, and what the other method found there: a `Value` of an
equation (both its sides are compared with it), a `Law` (an average over draws with its standard error), the two sides
of an `Inequality`, the `Truth` of a proposition, what a `Refuted` form should have given, the `Order` of a method. The
shape evaluates the stated expressions, takes from them how far rounding moves them (`conditioning`), and fails where a
statement is left out, an edge of the cases is not reached, an inequality is never near equality, or a proposition is
true in every case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from derivations.kernel import terms
from derivations.kernel.claims import Statement
from derivations.refutation.evaluate import evaluate
from threefold.witnesses import conditioning
from threefold.witnesses.cases.edges import CaseSource, missing_edges
from threefold.witnesses.evidence import Comparison, Differs
from threefold.witnesses.point import Array, Point, stated
from threefold.witnesses.registry import Cases, Registry, RegistryError, register
from threefold.witnesses.verdict import Registered

TOLERANCE = 2e-13  # of a deterministic comparison, relative to the running error: two thousand roundings
NEAR = 1e-2  # an inequality is tried where its sides differ by less than this share of their size
UNIT = float(np.finfo(float).eps) / 2


# --- what a witness yields --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """Both sides of an equation should have the value that was measured.

    rounding, because: how much more than the stated expression the measuring method magnifies a rounding, and why.
    plus: what the measuring method adds to the running error, in the same units: terms of its own that cancel.
    size: the running error where the expression is too long to be walked; `because` says what it is made of.
    sides: which sides can be evaluated at this point.
    """

    part: int
    point: Point
    measured: Any
    rounding: float = 1.0
    because: str = ""
    plus: float = 0.0
    size: float | None = None
    sides: tuple[str, ...] = ("lhs", "rhs")

    def compare(self, statement: Statement, tolerance: float) -> Iterator[Comparison | Differs]:
        if isinstance(statement.rhs, terms.Rounded):
            yield from _rounded(self, statement, tolerance)
            return
        world = self.point.world()
        sizes = self._sizes(statement)
        for side in self.sides:
            value = _plain(evaluate(getattr(statement, side), world))
            expected = _shaped(self.measured, value)
            size = np.maximum(sizes, np.abs(expected)) * self.rounding
            reason = self.because or "running error of the stated expression"
            yield Comparison(
                f"statement {self.part + 1}, {side}",
                value,
                expected,
                part=self.part,
                bound=np.broadcast_to(tolerance * size, np.shape(expected)),
                because=reason,
            )

    def _sizes(self, statement: Statement) -> Any:
        if (self.rounding != 1.0 or self.plus or self.size is not None) and not self.because.strip():
            raise ValueError(f"statement {self.part + 1} has a rounding or a size of its own: say in `because` why")
        if self.size is not None:
            return self.size
        found = [conditioning.size(getattr(statement, side), self.point.world()) for side in self.sides]
        return np.max(np.broadcast_arrays(*found), axis=0) + self.plus


@dataclass(frozen=True)
class Law:
    """Both sides of an equation should have the mean of the draws, within five of its standard errors."""

    part: int
    point: Point
    mean: Any
    standard_error: Any
    sides: tuple[str, ...] = ("lhs", "rhs")

    def compare(self, statement: Statement, tolerance: float) -> Iterator[Comparison | Differs]:
        for side in self.sides:
            value = _plain(evaluate(getattr(statement, side), self.point.world()))
            label = f"statement {self.part + 1}, {side}, sampled"
            expected = _shaped(self.mean, value)
            scale = max(float(np.max(np.abs(value))), 1.0)
            yield Comparison(label, value, expected, self.standard_error, scale=scale, part=self.part)


@dataclass(frozen=True)
class Inequality:
    """Each side should have the value that was measured for it, and the measured values the stated order."""

    part: int
    point: Point
    left: float
    right: float
    rounding: float = 1.0
    because: str = ""
    size: float | None = None

    def compare(self, statement: Statement, tolerance: float) -> Iterator[Comparison | Differs]:
        for side, measured in (("lhs", self.left), ("rhs", self.right)):
            one = Value(self.part, self.point, measured, self.rounding, self.because, size=self.size, sides=(side,))
            yield from one.compare(statement, tolerance)
        gap = self.right - self.left if statement.relation in ("<", "<=") else self.left - self.right
        room = tolerance * max(abs(self.left), abs(self.right), 1e-300) * self.rounding
        wrong = gap <= 0 if statement.relation in ("<", ">") else gap < -room
        yield Comparison(
            f"statement {self.part + 1}: {self.left:.6g} {statement.relation} {self.right:.6g}",
            float(wrong),
            0.0,
            part=self.part,
            bound=0.0,
            because="an order holds or does not",
        )

    def near(self) -> bool:
        """Whether the sides are nearly equal; beside a side that is 0, the other one is compared with 1."""
        size = max(abs(self.left), abs(self.right)) if self.left and self.right else 1.0
        return abs(self.right - self.left) <= NEAR * size


@dataclass(frozen=True)
class Truth:
    """Both propositions should be as true as was measured."""

    part: int
    point: Point
    measured: bool

    def compare(self, statement: Statement, tolerance: float) -> Iterator[Comparison | Differs]:
        for side in ("lhs", "rhs"):
            value = evaluate(getattr(statement, side), self.point.world())
            yield Comparison(
                f"statement {self.part + 1}, {side}: is it true",
                float(value),
                float(self.measured),
                part=self.part,
                bound=0.0,
                because="a proposition is true or false",
            )


@dataclass(frozen=True)
class Refuted:
    """The left side should have the measured value, and the right side, as printed, must miss it by more than `gap`.

    The gap is relative to the measured value, or to 1 where that is smaller.
    """

    part: int
    point: Point
    measured: Any
    gap: float = 1e-3

    def compare(self, statement: Statement, tolerance: float) -> Iterator[Comparison | Differs]:
        yield from Value(self.part, self.point, self.measured, sides=("lhs",)).compare(statement, tolerance)
        printed = _plain(evaluate(statement.rhs, self.point.world()))
        base = max(1.0, float(np.max(np.abs(self.measured))))
        apart = np.asarray((printed - np.asarray(self.measured)) / base)
        yield Differs(f"statement {self.part + 1} as printed", 1 + apart, np.ones_like(apart), self.gap, self.part)


@dataclass(frozen=True)
class Order:
    """Errors at falling step sizes should fall with the stated order, and their leading coefficient be as stated.

    order: the claimed one. leading: its coefficient, error = leading step^order + ..., where the claim states it: with
    its sign, so the errors are signed too, left side minus what it approximates.
    How far the last slope may be off is taken from the slopes themselves (`_still_moving`), and is never above `slack`:
    errors that do not settle show no order.
    """

    part: int
    steps: Array
    errors: Array
    order: float
    leading: float | None = None
    slack: float = 0.1

    def compare(self, statement: Statement, tolerance: float) -> Iterator[Comparison | Differs]:
        steps, errors = np.asarray(self.steps, dtype=float), np.asarray(self.errors, dtype=float)
        if len(steps) < 3 or not (np.diff(steps) < 0).all() or (errors == 0).any():
            raise ValueError(f"an order needs three or more falling steps and errors other than 0: {steps}, {errors}")
        slopes = np.diff(np.log(np.abs(errors))) / np.diff(np.log(steps))
        label = f"statement {self.part + 1}: order"
        bound = _still_moving(slopes, steps, self.slack)
        yield Comparison(label, slopes[-1], self.order, bound=bound, because=MOVING, part=self.part)
        if self.leading is not None:
            label = f"statement {self.part + 1}: leading coefficient"
            found = errors / steps**self.order / self.leading
            bound = _still_moving(found, steps, self.slack)
            yield Comparison(label, found[-1], 1.0, bound=bound, because=MOVING, part=self.part)


MOVING = "the next term of the error falls with the step, as far as the value still moves from step to step"


def _still_moving(values: Array, steps: Array, most: float) -> float:
    """Four times what is left of a value that approaches its limit like the step, and two steps for the terms after."""
    ratio = steps[-1] / steps[-2]
    left = abs(values[-1] - values[-2]) * ratio / (1 - ratio)
    return float(min(most, 4 * left + 2 * steps[-1]))


@dataclass(frozen=True)
class NotOfOrder:
    """Errors at falling step sizes that fall with another order, `instead`, than the printed one."""

    part: int
    steps: Array
    errors: Array
    order: float
    instead: float
    slack: float = 0.1

    def compare(self, statement: Statement, tolerance: float) -> Iterator[Comparison | Differs]:
        steps = np.asarray(self.steps, dtype=float)
        slopes = np.diff(np.log(np.abs(self.errors))) / np.diff(np.log(steps))
        label, bound = f"statement {self.part + 1}: order instead", _still_moving(slopes, steps, self.slack)
        yield Comparison(label, slopes[-1], self.instead, bound=bound, because=MOVING, part=self.part)
        apart = np.asarray(slopes[-1] - self.order)
        yield Differs(f"statement {self.part + 1}: order as printed", 1 + apart, np.ones_like(apart), 0.5, self.part)


Shape = Value | Law | Inequality | Truth | Refuted | Order | NotOfOrder
Measure = Callable[[Any], Iterable[Shape]]


# --- the decorator ----------------------------------------------------------------------------------------------------


@dataclass
class Measurement:
    """The numeric witness of one claim: functions over sources of cases, run one after the other."""

    claim: str
    tolerance: float
    runs: list[tuple[CaseSource, Measure]] = field(default_factory=list)

    def over(self, cases: CaseSource) -> Callable[[Measure], Measure]:
        """Decorator: measure at each of these cases too."""

        def keep(function: Measure) -> Measure:
            self.runs.append((cases, function))
            return function

        return keep

    def __call__(self, case: Cases) -> Iterator[Comparison | Differs]:
        seen = Seen(self.claim)
        says = stated(self.claim).says
        for source, function in self.runs:
            reached: Counter[str] = Counter()
            for drawn in source.draw(case):
                reached.update(drawn.edges)
                for shape in function(drawn):
                    seen.note(shape)
                    yield from shape.compare(says[shape.part], self.tolerance)
            yield from missing_edges(source, reached)
        yield from seen.missing()


@dataclass
class Seen:
    """Which sides of a statement were seen: an inequality near equality, a proposition both true and false."""

    claim: str
    near: dict[int, bool] = field(default_factory=dict)
    truths: dict[int, set[bool]] = field(default_factory=dict)
    ONE_SIDED: ClassVar[str] = "cases must make it true and false"

    def note(self, shape: Any) -> None:
        if isinstance(shape, Inequality):
            self.near[shape.part] = self.near.get(shape.part, False) or shape.near()
        if isinstance(shape, Truth):
            self.truths.setdefault(shape.part, set()).add(bool(shape.measured))

    def missing(self) -> Iterator[Comparison]:
        for part, near in self.near.items():
            if not near:
                yield failed(f"statement {part + 1} was never tried near equality", part)
        for part, truths in self.truths.items():
            if len(truths) < 2:
                yield failed(f"statement {part + 1} was {truths.pop()} in every case: {self.ONE_SIDED}", part)


def failed(label: str, part: int | None = None) -> Comparison:
    """A comparison that fails, to say that something was not done."""
    return Comparison(label, 1.0, 0.0, bound=0.0, because="it was to be reached", part=part)


def measured(
    claim: str,
    *,
    method: str,
    cases: CaseSource,
    tolerance: float = TOLERANCE,
    excused: Mapping[int, str] | None = None,
    max_standard_error: float | None = None,
    registry: Registry | None = None,
) -> Callable[[Measure], Measure]:
    """Register the numeric witness of a claim; decorate the function that measures at each of the cases.

    method: how the other numbers are obtained, in words a reader understands.
    tolerance: the largest error of a deterministic comparison in units of the running error.
    excused: statements that cannot be measured by numbers, by number from 0, and why.
    """
    found = measurement(
        claim,
        method=method,
        tolerance=tolerance,
        excused=excused,
        max_standard_error=max_standard_error,
        registry=registry,
    )
    return found.over(cases)


def measurement(
    claim: str,
    *,
    method: str,
    tolerance: float = TOLERANCE,
    excused: Mapping[int, str] | None = None,
    max_standard_error: float | None = None,
    registry: Registry | None = None,
) -> Measurement:
    """The same for a claim measured over several sources: `over(cases)` decorates one function after another."""
    if not method.strip():
        raise RegistryError(f"the numeric witness of {claim!r} has an empty method: say how the number is obtained")
    run = Measurement(claim, tolerance)
    count = len(stated(claim).says)
    entry = Registered(claim, run, method, tolerance, max_standard_error, None, count, dict(excused or {}))
    register("numeric", entry, registry)
    return run


# --- inside -----------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    return np.array([float(v) for v in value]) if isinstance(value, tuple) else float(value)


def _shaped(measured: Any, value: Any) -> Any:
    """The measured value as an array if the side is a vector; 0 stands for the zero vector."""
    array = np.asarray(measured, dtype=float)
    return np.full(np.shape(value), array) if array.ndim == 0 and np.ndim(value) else array


def _rounded(shape: Value, statement: Statement, tolerance: float) -> Iterator[Comparison | Differs]:
    """A printed decimal: the left side is measured, and what was measured rounds to what is printed."""
    world = shape.point.world()
    value = _plain(evaluate(statement.lhs, world))
    expected = float(np.asarray(shape.measured))
    yield Comparison(
        f"statement {shape.part + 1}, lhs",
        value,
        expected,
        part=shape.part,
        bound=tolerance * max(float(conditioning.size(statement.lhs, world)), abs(expected)) * shape.rounding,
        because=shape.because or "running error of the stated expression",
    )
    centre, radius = (float(v) for v in statement.rhs.args)
    yield Comparison(
        f"statement {shape.part + 1} as printed",
        expected,
        centre,
        part=shape.part,
        tolerance=radius / abs(centre) * (1 + 1e-12),
        because="half a unit of the last digit that is printed",
    )
