"""The shapes in which a torch witness is written: it runs the code that trains, the shape compares.

    @trained("ddpm.posterior.mean", method="GaussianDiffusion.posterior", cases=Steps(least_t=2))
    def _(s: Step, on: On) -> Iterator[Shape]:
        x0, x_t = on(s.x0), on(s.x_t)
        mean, _ = diffusion(s, "x0").posterior(x0[None], x_t[None], s.t)
        yield Computed(0, s.point(), mean[0], by={("x", 0): x0, ("x", s.t): x_t})

Each witness runs in float64, float32 and bfloat16, under a running error analysis (`rounding`): its operators give the
bound within which the result must equal the stated expression, evaluated in 30 digits at the same point. The inputs of
the cases have eight binary digits, so that the point is the same in all three. Derivatives by autograd are compared,
within bounds of the same making, with the derivative of the stated expression itself (`Point.slope`).
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from derivations.kernel.claims import Statement
from derivations.refutation.evaluate import evaluate
from threefold.witnesses import conditioning, rounding_rules  # noqa: F401  (the rules register themselves)
from threefold.witnesses.cases.edges import CaseSource, missing_edges
from threefold.witnesses.cases.networks import Network
from threefold.witnesses.evidence import Comparison, Differs
from threefold.witnesses.point import STEP, Array, Place, Point, stated
from threefold.witnesses.registry import Cases, Registry, register
from threefold.witnesses.rounding import RunningError
from threefold.witnesses.shapes import failed
from threefold.witnesses.verdict import Registered

DTYPES = {"float64": torch.float64, "float32": torch.float32, "bfloat16": torch.bfloat16}
ORACLE = 2.0**-96  # the roundoff of the oracle's 30 digits, with some room for the length of an expression
TELLING = 0.25  # in each dtype some bound must be below this share of the value, so that it means something
BECAUSE = "running error analysis of the operators that were run"


class On:
    """Where a witness runs: a dtype, and the analysis of its roundings."""

    def __init__(self, dtype: str, tracker: RunningError) -> None:
        self.name, self.dtype, self.tracker = dtype, DTYPES[dtype], tracker

    def __call__(self, values: Any, *, grad: bool = True) -> Tensor:
        """A tensor of these values, differentiable; what the dtype rounds off is known to the analysis."""
        return self._made(values, 0.0, grad)

    def fixed(self, values: Any) -> Tensor:
        """The same without a derivative."""
        return self(values, grad=False)

    def computed(self, values: Any, *, grad: bool = False) -> Tensor:
        """The same of values that are themselves rounded to float64: a logarithm, 3/10."""
        return self._made(values, 2.0**-53, grad)

    def _made(self, values: Any, share: float, grad: bool) -> Tensor:
        """A tensor whose bound is what its dtype rounds off, and a share of the value; nothing of this is analysed."""
        with _disable_current_modes():
            exact = torch.tensor(np.asarray(values, dtype=np.float64), dtype=torch.float64)
            made = exact.to(self.dtype, copy=True)
            self.tracker.announce(made, (made.to(torch.float64) - exact).abs() + share * exact.abs())
            return made.requires_grad_(grad)

    def signs(self, count: int) -> Tensor:
        """All vectors of +1 and -1 with that many coordinates, shape (2^count, count)."""
        return self.fixed(list(itertools.product((-1.0, 1.0), repeat=count)))

    def network(self, network: Network, shift: Tensor | None = None) -> Callable[..., Tensor]:
        """A network of the cases on tensors: x of shape (batch, in), t of shape (batch,) or none."""
        moved = self.fixed(network.shift) if shift is None else shift
        slope, bend = self.fixed(network.slope), self.fixed(network.bend)

        def answer(x: Tensor, t: Tensor | None = None) -> Tensor:
            at = torch.zeros(len(x), dtype=torch.long) if t is None else t - 1
            column = x[:, :, None]
            return moved[at] + (column * slope[at]).sum(1) + (column * column * bend[at]).sum(1)

        return answer


# --- what a witness yields --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Computed:
    """A side of a statement as the code computes it, and the inputs that it is differentiated by.

    by: the leaf tensor for each place of the point; of a vector, 1, 2, 3, ... times the coordinates is differentiated,
    so that none is taken for another. side: which side is compared. low: whether anything below float64 can compute it.
    gradient: whether the value is itself a derivative by autograd. expression: what it is compared with, where that is
    no side of the statement but a part of one, stated elsewhere.
    """

    part: int
    point: Point
    value: Tensor
    by: Mapping[Place, Tensor] = field(default_factory=dict)
    side: str = "rhs"
    low: bool = True
    gradient: bool = False
    expression: Any = None


@dataclass(frozen=True)
class Sampled:
    """A mean of draws and its standard error: the stated side within five of them."""

    part: int
    point: Point
    draws: Tensor
    side: str = "rhs"


@dataclass(frozen=True)
class Holds:
    """What the code computes for the left side keeps the stated order to the right side, as stated or as computed."""

    part: int
    point: Point
    left: Tensor
    right: Tensor | None = None


@dataclass(frozen=True)
class Misprinted:
    """The left side is what the code computes; the printed right side misses it."""

    part: int
    point: Point
    value: Tensor
    by: Mapping[Place, Tensor] = field(default_factory=dict)
    gap: float = 1e-3


@dataclass(frozen=True)
class Decides:
    """A proposition: whether what the code computes on the left equals, or is at most, what it has on the right.

    Equal means within the bound of the rounding. `by` differentiates the left side: the first side of the proposition.
    """

    part: int
    point: Point
    left: Tensor
    right: Tensor
    relation: str = "="
    by: Mapping[Place, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Falls:
    """Errors of a sampler at falling steps, over its whole way: the last two fall with the stated order."""

    part: int
    value: Tensor
    steps: tuple[float, ...]
    order: int
    slack: float = 0.15
    low: bool = False


Shape = Computed | Sampled | Holds | Misprinted | Decides | Falls
Run = Callable[[Any, On], Iterable[Shape]]


@dataclass(frozen=True)
class _Result:
    """A yielded shape as plain numbers, with bounds and slopes; made while the analysis is active."""

    shape: Any
    value: Array
    bound: Array
    right: tuple[Array, Array] | None
    slopes: Mapping[Place, tuple[Array, Array]]


# --- the decorator ----------------------------------------------------------------------------------------------------


@dataclass
class Training:
    """The torch witness of one claim: functions over sources of cases, run one after the other."""

    claim: str
    dtypes: tuple[str, ...]
    gradient: bool
    runs: list[tuple[CaseSource, Run]] = field(default_factory=list)
    telling: dict[str, bool] = field(default_factory=dict)

    def over(self, cases: CaseSource) -> Callable[[Run], Run]:
        """Decorator: run on each of these cases too."""

        def keep(function: Run) -> Run:
            self.runs.append((cases, function))
            return function

        return keep

    def __call__(self, case: Cases) -> Iterator[Comparison | Differs]:
        self.telling = dict.fromkeys(self.dtypes, False)
        says = stated(self.claim).says
        for source, function in self.runs:
            reached: Counter[str] = Counter()
            for n, drawn in enumerate(source.draw(case)):
                reached.update(drawn.edges)
                yield from self._at(drawn, function, says, n)
            yield from missing_edges(source, reached)
        for dtype, told in self.telling.items():
            if not told:
                yield failed(f"no {dtype} value was compared within {TELLING} of itself")

    def _at(self, drawn: Any, function: Run, says: Sequence[Statement], n: int) -> Iterator[Comparison | Differs]:
        """float64 at every case; float32 at each third, bfloat16 at the next, with derivatives; all at a fixed one."""
        low = ("float32", "bfloat16") if getattr(drawn, "fixed", False) else (("float32",), ("bfloat16",), ())[n % 3]
        known: dict[Any, dict[Any, Any]] = {}
        for dtype in ("float64", *low):
            if dtype not in self.dtypes:
                continue
            results = run(function, drawn, dtype, slopes=self.gradient and bool(low))
            count: Counter[Any] = Counter()
            for result in results:
                kind = (type(result.shape), result.shape.part)
                count[kind] += 1
                if dtype == "float64" or getattr(result.shape, "low", True):
                    stated_values = known.setdefault((*kind, count[kind]), {})
                    yield from self._compare(result, says[result.shape.part], dtype, stated_values)

    def _compare(
        self, result: _Result, statement: Statement, dtype: str, known: dict[Any, Any]
    ) -> Iterator[Comparison | Differs]:
        shape, part = result.shape, result.shape.part
        label = f"statement {part + 1}, {dtype}"

        def term(name: str) -> Any:
            own = getattr(shape, "expression", None)
            return getattr(statement, name) if own is None else own

        def side(name: str) -> Any:
            if name not in known:
                known[name] = shape.point.value(term(name))
            return known[name]

        if isinstance(shape, Sampled):
            if dtype == "float64":
                value, error = result.value.mean(0), result.value.std(0, ddof=1) / np.sqrt(len(result.value))
                expected = side(shape.side)
                scale = max(1.0, float(np.max(np.abs(expected))))
                yield Comparison(f"{label}, sampled", value, expected, error, scale=scale, part=part)
            return
        if isinstance(shape, Falls):
            self.telling[dtype] = True
            slopes = np.diff(np.log(result.value)) / np.diff(np.log(shape.steps))
            because = "the next term of the error is smaller by a factor of the step"
            yield Comparison(
                f"{label}: slope", slopes[-1], shape.order, bound=shape.slack, because=because, part=part, dtype=dtype
            )
            return
        if isinstance(shape, Holds):
            yield from self._order(result, statement, side, label, dtype)
            return
        if isinstance(shape, Decides):
            yield from self._decided(result, statement, label, dtype)
            return
        name = "lhs" if isinstance(shape, Misprinted) else shape.side
        expected = np.broadcast_to(side(name), result.value.shape) if np.ndim(side(name)) == 0 else side(name)
        gradient = isinstance(shape, Computed) and shape.gradient
        own = _oracle_error(shape.point, term(name), result.value - expected, result.bound, gradient)
        yield from self._bounded(label, result.value, expected, result.bound + own, part, dtype, gradient)
        if isinstance(shape, Misprinted) and dtype == "float64":
            base = max(1.0, float(np.max(np.abs(result.value))))
            apart = np.asarray((side("rhs") - result.value) / base)
            yield Differs(f"{label}, as printed", 1 + apart, np.ones_like(apart), shape.gap, part)
        yield from self._sloped(result, term(name), label, dtype, known)

    def _sloped(
        self, result: _Result, expression: Any, label: str, dtype: str, known: dict[Any, Any]
    ) -> Iterator[Comparison]:
        for number, (place, (slope, bound)) in enumerate(result.slopes.items()):
            key = ("slope", number)
            if key not in known:
                weights = np.arange(1.0, 1 + max(1, result.value.size))
                known[key] = result.shape.point.slope(expression, place, weights)
            where = f"{label}, d/d {place[0]} {place[1] if place[0] != 'moved' else ''}"
            expected = known[key].reshape(slope.shape)
            own = _oracle_error(result.shape.point, expression, slope - expected, bound, derivative=True)
            yield from self._bounded(where, slope, expected, bound + own, result.shape.part, dtype, gradient=True)

    def _decided(self, result: _Result, statement: Statement, label: str, dtype: str) -> Iterator[Comparison | Differs]:
        shape, room = result.shape, float(np.max(result.bound))
        assert result.right is not None
        apart, room = float(np.max(result.value - result.right[0])), room + float(np.max(result.right[1]))
        if shape.relation == "=":
            truth = abs(apart) <= room
        elif abs(apart) <= room:
            return  # too near to be told apart in this dtype
        else:
            truth = apart <= 0
        for name in ("lhs", "rhs"):
            is_true = evaluate(getattr(statement, name), shape.point.world())
            if shape.relation == "=" and dtype != "float64" and truth and not is_true:
                continue  # different, but not in this dtype
            text = f"{label}, {name}: is it true"
            because = "a proposition is true or false"
            yield Comparison(
                text, float(truth), float(is_true), part=shape.part, bound=0.0, because=because, dtype=dtype
            )
        yield from self._sloped(result, statement.lhs.args[0], label, dtype, {})

    def _order(
        self, result: _Result, statement: Statement, side: Callable[[str], Any], label: str, dtype: str
    ) -> Iterator[Comparison | Differs]:
        part = result.shape.part
        right, slack = result.right or (np.asarray(side("rhs")), np.zeros(1))
        gap = (right - result.value) * (1 if statement.relation in ("<", "<=") else -1)
        room = float(np.max(result.bound) + np.max(slack))
        wrong = float(np.min(gap)) < -room
        text = f"{label}: {float(np.max(result.value)):.6g} {statement.relation} {float(np.max(right)):.6g}"
        yield Comparison(text, float(wrong), 0.0, part=part, bound=0.0, because="an order holds or not", dtype=dtype)

    def _bounded(
        self, label: str, value: Array, expected: Any, bound: Array, part: int, dtype: str, gradient: bool = False
    ) -> Iterator[Comparison]:
        if not np.isfinite(bound).all() and np.isfinite(value).all() and dtype != "float64":
            return  # the dtype cannot tell: an exponent of what it rounded, say; a value that is none is no excuse
        size = float(np.max(np.abs(expected), initial=0.0))
        if float(np.max(bound, initial=0.0)) <= TELLING * size:
            self.telling[dtype] = True
        because = BECAUSE
        yield Comparison(
            label, value, expected, part=part, bound=bound, because=because, gradient=gradient, dtype=dtype
        )


def _oracle_error(point: Point, expression: Any, apart: Any, bound: Array, derivative: bool) -> float:
    """What the oracle's own 30 digits leave uncertain, asked for only where the bound alone is not enough.

    The expression magnifies a rounding as `conditioning` says; a derivative is a difference of two values over a step.
    """
    if not np.isfinite(apart).all() or (np.abs(apart) <= bound).all():
        return 0.0
    size = float(np.max(conditioning.size(expression, point.world())))
    return ORACLE * max(1.0, size) / (float(STEP) if derivative else 1.0)


def run(function: Run, drawn: Any, dtype: str, *, slopes: bool) -> list[_Result]:
    """Run a witness at one case in one dtype, under the analysis of its roundings."""
    results = []
    with RunningError(coefficients=getattr(drawn, "roundings", 64.0)) as tracker:
        for shape in function(drawn, On(dtype, tracker)):
            tensor = next(getattr(shape, name) for name in ("value", "left", "draws") if hasattr(shape, name))
            right = getattr(shape, "right", None)
            found = {}
            for place, leaf in getattr(shape, "by", {}).items() if slopes else ():
                weights = torch.arange(1, 1 + tensor.numel()).to(tensor.dtype).reshape(tensor.shape)
                tracker.announce(weights)
                (slope,) = torch.autograd.grad(tensor, leaf, weights, retain_graph=True)
                found[place] = _numbers(slope, tracker)
            results.append(
                _Result(shape, *_numbers(tensor, tracker), None if right is None else _numbers(right, tracker), found)
            )
    return results


def _numbers(tensor: Tensor, tracker: RunningError) -> tuple[Array, Array]:
    with _disable_current_modes():
        return tensor.detach().to(torch.float64).numpy().copy(), tracker.bound(tensor.detach()).numpy().copy()


def trained(
    claim: str,
    *,
    method: str,
    cases: CaseSource,
    no_gradient: str = "",
    excused: Mapping[int, str] | None = None,
    dtypes: tuple[str, ...] = ("float64", "float32", "bfloat16"),
    max_standard_error: float | None = None,
    registry: Registry | None = None,
) -> Callable[[Run], Run]:
    """Register the torch witness of a claim; decorate the function that runs the code at each of the cases.

    method: the functions of torch_impl that are run. no_gradient: why there is nothing to differentiate.
    excused: statements that no code computes, by number from 0, and why. dtypes: where the code can be run.
    """
    witness = Training(claim, dtypes, gradient=not no_gradient)
    count = len(stated(claim).says)
    entry = Registered(claim, witness, method, 1e-12, max_standard_error, no_gradient, count, dict(excused or {}))
    register("torch", entry, registry)
    return witness.over(cases)
