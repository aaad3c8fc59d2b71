"""The judge of a witness: every comparison within its bound, every statement measured or excused, nothing hidden.

The error of a comparison is max|value - expected| / scale, with scale = max|expected| unless given; it must stay within
the tolerance. One with a `bound` must stay within it element by element. A sampled one (with `standard_error`) must lie
within five standard errors, and its standard error within `max_standard_error` relative to the scale, so that it means
something. Anything that could hide a failure is one: no comparison at all, NaN or infinity, two shapes, a scale of
zero, an exception.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from threefold.witnesses.evidence import LOOSE, Comparison, Differs, Evidence, StatementEvidence

SIGMAS = 5.0
Yielded = Comparison | Differs | tuple[Any, ...]


@dataclass(frozen=True)
class Registered:
    """A witness as it was registered.

    function: runs it: yields comparisons. statements: how many the claim has, if the witness says what it measures.
    excused: the statements it cannot measure, by number from 0, and why.
    no_gradient: None for a numeric witness; "" where gradients are required; else why there are none.
    """

    claim: str
    function: Callable[[Any], Iterable[Yielded]]
    method: str
    tolerance: float
    max_standard_error: float | None
    no_gradient: str | None
    statements: int = 0
    excused: Mapping[int, str] = field(default_factory=dict)


@dataclass
class _Tally:
    """What was seen so far: of one witness, or of one statement."""

    agreeing: int = 0
    differing: int = 0
    sampled: int = 0
    gradients: int = 0
    gradient_problems: int = 0
    exact: int = 0
    max_error: float = 0.0
    tolerance: float = 0.0
    max_sampled_error: float = 0.0
    max_sigmas: float = 0.0
    loose: int = 0
    loosest: float = 0.0
    loose_error: float = 0.0
    problems: list[str] = field(default_factory=list)
    dtypes: dict[str, None] = field(default_factory=dict)

    def keep(self, error: float, tolerance: float) -> None:
        """A deterministic float64 comparison: its error and its bound, both relative to the value."""
        if tolerance > LOOSE:
            self.loose, self.loosest = self.loose + 1, max(self.loosest, tolerance)
            self.loose_error = max(self.loose_error, error)
        else:
            self.max_error, self.tolerance = max(self.max_error, error), max(self.tolerance, tolerance)


def judge(witness: Registered, cases: Any, *, must_differ: bool, until_problem: bool = False) -> Evidence:
    """Run a witness and say what it found. Never raises for what the witness does wrong: that is in `problems`.

    until_problem: stop at the first one, where only whether there is any is asked.
    """
    whole = _Tally()
    parts = [_Tally() for _ in range(witness.statements)]
    try:
        for yielded in witness.function(cases):
            item = _as_comparison(yielded)
            tallies = [whole, *([parts[item.part]] if item.part is not None and item.part < len(parts) else [])]
            problem = _differs(item, tallies) if isinstance(item, Differs) else _agrees(item, witness, tallies)
            if problem:
                for tally in tallies:
                    tally.problems.append(f"{item.label}: {problem}")
                whole.gradient_problems += isinstance(item, Comparison) and item.gradient
                if until_problem:
                    break
    except Exception as error:
        whole.problems.append(f"the witness stopped with {type(error).__name__}: {error}")
    whole.problems.extend(_absences(witness, whole, parts, must_differ=must_differ))

    only_sampled = whole.sampled > 0 and whole.exact == 0
    only_loose = whole.loose > 0 and whole.loose == whole.exact
    return Evidence(
        method=witness.method,
        cases=whole.agreeing + whole.differing,
        max_error=whole.max_sampled_error if only_sampled else whole.loose_error if only_loose else whole.max_error,
        tolerance=SIGMAS * (witness.max_standard_error or 0.0)
        if only_sampled
        else whole.loosest
        if only_loose
        else witness.tolerance
        if not witness.statements
        else whole.tolerance,
        sampled=whole.sampled,
        max_sigmas=whole.max_sigmas,
        gradient=_gradient_verdict(witness, whole),
        gradient_reason=witness.no_gradient or "",
        problems=tuple(whole.problems),
        statements=tuple(_statement(part, tally, witness) for part, tally in enumerate(parts)),
        loose=whole.loose,
        loosest=whole.loosest,
    )


def _statement(part: int, tally: _Tally, witness: Registered) -> StatementEvidence:
    count = tally.agreeing + tally.differing
    if not count:
        reason = witness.excused.get(part, "nothing was compared with it")
        return StatementEvidence(part, "not applicable" if part in witness.excused else "disagrees", reason)
    return StatementEvidence(
        part,
        "disagrees" if tally.problems else "agrees",
        tally.problems[0] if tally.problems else "",
        witness.method,
        count,
        tally.max_error,
        tally.tolerance,
        tally.loose,
        tally.loosest,
        tally.sampled,
        tally.max_sigmas,
        tally.gradients,
        tuple(tally.dtypes),
    )


def _as_comparison(yielded: Yielded) -> Comparison | Differs:
    if isinstance(yielded, Comparison | Differs):
        return yielded
    if isinstance(yielded, tuple) and 3 <= len(yielded) <= 5:
        return Comparison(*yielded)
    raise TypeError(
        f"a witness yielded {yielded!r}; it must yield Comparison, Differs, or (label, value, expected"
        "[, standard_error[, scale]])"
    )


def _agrees(item: Comparison, witness: Registered, tallies: list[_Tally]) -> str:
    """Judge one comparison: count it, keep the worst figures, and return what is wrong with it, or nothing."""
    full = item.standard_error is None and item.tolerance is None and item.dtype == "float64"
    for tally in tallies:
        tally.agreeing += 1
        tally.gradients += item.gradient
        tally.exact += full
        tally.dtypes[item.dtype] = None
    if item.bound is not None:
        return _within_bound(item, tallies)
    measured = measure(item.value, item.expected, item.scale)
    if isinstance(measured, str):
        return measured
    error, scale = measured
    if item.standard_error is not None:
        return _within_sampling_error(item, witness, tallies, error, scale)
    bound = witness.tolerance if item.tolerance is None else item.tolerance
    if item.tolerance is not None:
        if not 0 < bound < 1:
            return f"its own tolerance is {bound}; it must lie in (0, 1)"
        if not item.because.strip():
            return f"its own tolerance {bound:g} needs `because`: where the bound comes from"
    elif full:
        base = float(np.max(np.abs(_floats(item.expected)))) or scale
        for tally in tallies:
            tally.keep(error * scale / base, bound * scale / base)
    return "" if error <= bound else f"relative error {error:.3g} is over the tolerance {bound:.3g}{_shown(item)}"


def _within_bound(item: Comparison, tallies: list[_Tally]) -> str:
    measured = measure(item.value, item.expected, 1.0)
    if isinstance(measured, str):
        return measured
    if not item.because.strip():
        return "its bound needs `because`: where it comes from"
    value, expected, bound = _floats(item.value), _floats(item.expected), _floats(item.bound)
    if bound.shape not in ((), value.shape):
        return f"its bound has shape {bound.shape}; it must be one number or {value.shape}"
    if not (np.isfinite(bound).all() and (bound >= 0).all()):
        return f"its bound is {bound}; it must be finite and not negative"
    errors = np.abs(value - expected)
    if item.dtype == "float64":
        base = float(np.max(np.abs(expected))) or 1.0
        for tally in tallies:
            tally.keep(float(np.max(errors)) / base, float(np.max(bound)) / base)
    if (errors <= bound).all():
        return ""
    worst = np.unravel_index(np.argmax(errors - bound), errors.shape)
    limit = float(np.broadcast_to(bound, errors.shape)[worst])
    return f"off by {errors[worst]:.3g}, over its bound {limit:.3g}{_shown(item)}"


def _within_sampling_error(
    item: Comparison, witness: Registered, tallies: list[_Tally], error: float, scale: float
) -> str:
    for tally in tallies:
        tally.sampled += 1
        tally.max_sampled_error = max(tally.max_sampled_error, error)
    if witness.max_standard_error is None:
        return "a sampled comparison needs max_standard_error in its registration: how sharp must it be?"
    value, expected = _floats(item.value), _floats(item.expected)
    standard_errors = _floats(item.standard_error)
    if standard_errors.shape not in ((), value.shape):
        return f"its standard error has shape {standard_errors.shape}; it must be one number or {value.shape}"
    if not (np.isfinite(standard_errors).all() and (standard_errors > 0).all()):
        return f"its standard error is {item.standard_error}; it must be positive and finite"
    standard_error = float(np.max(standard_errors))
    if standard_error > witness.max_standard_error * scale:
        return (
            f"its standard error is {standard_error / scale:.3g} of the value, over the "
            f"{witness.max_standard_error:.3g} allowed: draw more samples"
        )
    sigmas = float(np.max(np.abs(value - expected) / standard_errors))
    for tally in tallies:
        tally.max_sigmas = max(tally.max_sigmas, sigmas)
    return "" if sigmas <= SIGMAS else f"off by {sigmas:.3g} standard errors, over {SIGMAS:g}{_shown(item)}"


def _differs(item: Differs, tallies: list[_Tally]) -> str:
    for tally in tallies:
        tally.differing += 1
    if not item.gap > 0:
        return f"its gap is {item.gap}; it must be positive"
    measured = measure(item.value, item.expected, None)
    if isinstance(measured, str):
        return measured
    error = measured[0]
    return "" if error > item.gap else f"should differ by more than {item.gap:.3g} and differs by {error:.3g}"


def _absences(witness: Registered, tally: _Tally, parts: list[_Tally], *, must_differ: bool) -> Iterator[str]:
    """What a witness must have shown and did not."""
    if not tally.agreeing:
        yield "the witness compared nothing: at least one Comparison is needed"
    if must_differ and not tally.differing:
        yield "the claim is false as printed, but no Differs shows where its value is wrong"
    if tally.agreeing and not (tally.exact or tally.sampled):
        yield "every comparison has a looser tolerance of its own: at least one must meet the witness's"
    if witness.no_gradient == "" and not tally.gradients:
        yield "no gradient was compared: yield one with gradient=True, or say in no_gradient why there is none"
    if witness.no_gradient and tally.gradients:
        yield "a gradient was compared although no_gradient says that there is none"
    for number, part in enumerate(parts, 1):
        count = part.agreeing + part.differing
        if not count and number - 1 not in witness.excused:
            yield f"statement {number} is not measured: compare something with it, or say why that cannot be done"
        if count and number - 1 in witness.excused:
            yield f"statement {number} is measured although it is excused: {witness.excused[number - 1]}"
    for part_number in witness.excused:
        if parts and not 0 <= part_number < len(parts):
            yield f"statement {part_number + 1} is excused, but the claim has {len(parts)}"


def _gradient_verdict(witness: Registered, tally: _Tally) -> str:
    if witness.no_gradient is None:
        return ""
    if witness.no_gradient:
        return "not applicable"
    return "agrees" if tally.gradients and not tally.gradient_problems else "disagrees"


def measure(value: Any, expected: Any, scale: float | None) -> tuple[float, float] | str:
    """(error relative to scale, scale), or what forbids measuring."""
    try:
        left, right = _floats(value), _floats(expected)
    except (TypeError, ValueError) as error:
        return f"not a number: {error}"
    if left.shape != right.shape:
        return f"shapes differ: value {left.shape}, expected {right.shape}"
    if not left.size:
        return "empty arrays were compared"
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        return "NaN or infinity among the values"
    distance = float(np.max(np.abs(left - right)))
    if scale is not None and not (math.isfinite(scale) and scale > 0):
        return f"its scale is {scale}; it must be positive and finite"
    base = float(np.max(np.abs(right))) if scale is None else scale
    if base == 0:
        return (0.0, 1.0) if distance == 0 else f"expected 0 and got {distance:.3g}: give the scale of what cancels"
    return distance / base, base


def _floats(value: Any) -> npt.NDArray[np.float64]:
    if hasattr(value, "detach"):  # a tensor, whatever its device and dtype; torch itself is not imported here
        value = value.detach().cpu().double().numpy()
    return np.asarray(value, dtype=np.float64)


def _shown(item: Comparison) -> str:
    """The two numbers, where they are two numbers."""
    value, expected = _floats(item.value), _floats(item.expected)
    return f" ({value.item():.12g} for {expected.item():.12g})" if value.size == 1 else ""
