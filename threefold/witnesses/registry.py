"""How a claim is tied to numbers: witnesses are registered here by claim id, run on seeded cases, and judged.

A witness is a generator. It draws admissible parameters from `case.rng`, computes the claim's statement and the same
quantity by a method that shares nothing with it, and yields both:

    @numeric("gaussian.kl.isotropic", method="Gauss-Hermite quadrature", tolerance=1e-10)
    def _(case: Cases) -> Iterator[Comparison]:
        for _ in range(case.n):
            ...
            yield Comparison("KL", value=stated, expected=integrated)

How it is judged. The error of a comparison is max|value - expected| / scale, with scale = max|expected| unless given.
A deterministic comparison must stay within the tolerance; a sampled one (with `standard_error`) within five standard
errors, and its standard error within `max_standard_error` relative to the scale, so that it means something. Anything
that could hide a failure is one: no comparison at all, NaN or infinity, two shapes, a scale of zero, an exception.

A claim that is false as printed needs both halves: a `Differs`, where the printed form is off by more than its gap,
and a `Comparison` that holds (the corrected form, or the kernel's own counterexample recomputed).
"""

from __future__ import annotations

import hashlib
import importlib
import math
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = [
    "Cases",
    "Comparison",
    "Differs",
    "Evidence",
    "Missing",
    "NotApplicable",
    "Registry",
    "RegistryError",
    "load",
    "not_applicable",
    "numeric",
    "torch_witness",
]

Kind = Literal["numeric", "torch"]
CASES = 64
SIGMAS = 5.0


class RegistryError(ValueError):
    """A witness registered twice, for a claim that does not exist, or with unusable settings."""


@dataclass(frozen=True)
class Cases:
    """What a witness draws from: a generator seeded by (seed, claim, witness), and how many cases to draw."""

    rng: np.random.Generator
    n: int = CASES

    @classmethod
    def seeded(cls, seed: int, claim: str, kind: Kind, n: int = CASES) -> Cases:
        """The cases of one witness; they depend on the arguments alone, not on order, process or other claims."""
        digest = hashlib.sha256(f"{kind}:{claim}".encode()).digest()
        words = [int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4)]
        return cls(np.random.default_rng(np.random.SeedSequence([seed, *words])), n)


@dataclass(frozen=True)
class Comparison:
    """One value against another, which must agree. Numbers or arrays of one shape: NumPy, torch, SymPy, plain.

    standard_error: of the difference, where either side is sampled: a number, or one for each element.
    scale: what the error is relative to, where max|expected| is not it (say, terms that cancel to zero).
    tolerance, because: a bound of its own and where it comes from (float32, bfloat16); it must be derived, not fitted.
    gradient: an autograd derivative against the symbolic one; counted apart in a torch witness.
    """

    label: str
    value: Any
    expected: Any
    standard_error: Any = None
    scale: float | None = None
    tolerance: float | None = None
    because: str = ""
    gradient: bool = False


@dataclass(frozen=True)
class Differs:
    """One value against another, which must *not* agree: off by more than `gap`, relative to max|expected|.

    For what is false as printed, and for what a hypothesis is needed for.
    """

    label: str
    value: Any
    expected: Any
    gap: float = 1e-3


Yielded = Comparison | Differs | tuple[Any, ...]
WitnessFunction = Callable[[Cases], Iterable[Yielded]]


@dataclass(frozen=True)
class Evidence:
    """What a witness found. It agrees only if `problems` is empty; the figures are those of the worst comparison.

    max_error, tolerance: of the deterministic comparisons at the witness's own tolerance; where all are sampled, the
    largest relative error and five times the largest standard error allowed.
    sampled, max_sigmas: how many comparisons were sampled, and the largest distance in standard errors among them.
    gradient: "agrees", "disagrees" or "not applicable" (torch only).
    """

    method: str
    cases: int
    max_error: float
    tolerance: float
    sampled: int = 0
    max_sigmas: float = 0.0
    gradient: str = ""
    gradient_reason: str = ""
    problems: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        return "disagrees" if self.problems else "agrees"


@dataclass(frozen=True)
class NotApplicable:
    """There is nothing that this witness could measure, and why."""

    reason: str
    verdict: str = "not applicable"


@dataclass(frozen=True)
class Missing:
    """Nobody has registered a witness. Not green."""

    reason: str
    verdict: str = "missing"


@dataclass(frozen=True)
class _Witness:
    claim: str
    function: WitnessFunction
    method: str
    tolerance: float
    max_standard_error: float | None
    no_gradient: str | None  # None: not a torch witness; "": gradients are required; else why there are none


class Registry:
    """The witnesses of one kind, by claim id. A process has one of each kind, filled by the decorators below."""

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self._entries: dict[str, _Witness | NotApplicable] = {}

    def ids(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def add(self, claim: str, entry: _Witness | NotApplicable) -> None:
        """Raises RegistryError if the claim already has an entry: two witnesses of one kind would hide each other."""
        if claim in self._entries:
            raise RegistryError(
                f"claim {claim!r} has two {self.kind} witnesses; one per claim is the limit: join them or remove one"
            )
        self._entries[claim] = entry

    def check(self, known: Iterable[str]) -> None:
        """Raises RegistryError naming every registered id that is not a claim's."""
        unknown = sorted(set(self._entries) - set(known))
        if unknown:
            names = ", ".join(repr(name) for name in unknown)
            raise RegistryError(f"{self.kind} witness for {names}: no such claim; correct the id or add the claim")

    def testify(self, claim: str, *, seed: int = 0, expects: str = "proved") -> Evidence | NotApplicable | Missing:
        """Run and judge the witness of `claim`; what the witness does wrong is in `problems`, never raised."""
        entry = self._entries.get(claim)
        if entry is None:
            return Missing(f"no {self.kind} witness is registered for {claim}")
        if isinstance(entry, NotApplicable):
            return entry
        return _judge(entry, Cases.seeded(seed, claim, self.kind), must_differ=expects == "refuted")


REGISTRIES: Mapping[Kind, Registry] = {"numeric": Registry("numeric"), "torch": Registry("torch")}


def numeric(
    claim: str,
    *,
    method: str,
    tolerance: float = 1e-10,
    max_standard_error: float | None = None,
    registry: Registry | None = None,
) -> Callable[[WitnessFunction], WitnessFunction]:
    """Register the numeric witness of a claim.

    method: how the other number is obtained, in words a reader understands; it is shown wherever the figure is.
    tolerance: largest relative error of a deterministic comparison.
    max_standard_error: largest relative standard error of a sampled one; required as soon as one is yielded.
    """
    if not method.strip():
        raise RegistryError(f"the numeric witness of {claim!r} has an empty method: say how the number is obtained")
    return _register(claim, method, tolerance, max_standard_error, None, registry or REGISTRIES["numeric"])


def torch_witness(
    claim: str,
    *,
    tolerance: float = 1e-12,
    method: str = "",
    no_gradient: str = "",
    max_standard_error: float | None = None,
    registry: Registry | None = None,
) -> Callable[[WitnessFunction], WitnessFunction]:
    """Register the torch witness of a claim.

    It must yield at least one comparison with `gradient=True`, unless `no_gradient` says why the claim has none.
    The other arguments are those of `numeric`.
    """
    return _register(claim, method, tolerance, max_standard_error, no_gradient, registry or REGISTRIES["torch"])


def not_applicable(claim: str, reason: str, *, witness: Kind, registry: Registry | None = None) -> None:
    """Say that there is nothing for a witness of this kind to measure, and why; the reason is shown to readers."""
    if not reason.strip():
        raise RegistryError(f"'not applicable' for {claim!r} has an empty reason: say why nothing can be measured")
    (registry or REGISTRIES[witness]).add(claim, NotApplicable(reason))


def load(kind: Kind, known: Iterable[str], package: str = "threefold.witnesses") -> Registry:
    """Import every witness module of one kind, check the ids against `known`, and return the registry.

    Raises RegistryError for an id that is registered twice or is no claim's.
    """
    found = importlib.import_module(f"{package}.{kind}")
    for module in pkgutil.iter_modules(found.__path__):
        importlib.import_module(f"{package}.{kind}.{module.name}")
    registry = REGISTRIES[kind]
    registry.check(known)
    return registry


def _register(
    claim: str,
    method: str,
    tolerance: float,
    max_standard_error: float | None,
    no_gradient: str | None,
    registry: Registry,
) -> Callable[[WitnessFunction], WitnessFunction]:
    for name, bound in (("tolerance", tolerance), ("max_standard_error", max_standard_error)):
        if bound is not None and not 0 < bound < 1:
            raise RegistryError(f"{name} of the {registry.kind} witness of {claim!r} is {bound}; it must lie in (0, 1)")

    def keep(function: WitnessFunction) -> WitnessFunction:
        registry.add(claim, _Witness(claim, function, method, tolerance, max_standard_error, no_gradient))
        return function

    return keep


@dataclass
class _Tally:
    """What the judge has seen so far of one witness."""

    agreeing: int = 0
    differing: int = 0
    sampled: int = 0
    gradients: int = 0
    gradient_problems: int = 0
    exact: int = 0
    max_error: float = 0.0
    max_sampled_error: float = 0.0
    max_sigmas: float = 0.0


def _judge(witness: _Witness, cases: Cases, *, must_differ: bool) -> Evidence:
    tally = _Tally()
    problems: list[str] = []
    try:
        for yielded in witness.function(cases):
            item = _as_comparison(yielded)
            problem = _differs(item, tally) if isinstance(item, Differs) else _agrees(item, witness, tally)
            if problem:
                problems.append(f"{item.label}: {problem}")
                tally.gradient_problems += isinstance(item, Comparison) and item.gradient
    except Exception as error:
        problems.append(f"the witness stopped with {type(error).__name__}: {error}")
    problems.extend(_absences(witness, tally, must_differ=must_differ))

    only_sampled = tally.sampled > 0 and tally.exact == 0
    return Evidence(
        method=witness.method,
        cases=tally.agreeing + tally.differing,
        max_error=tally.max_sampled_error if only_sampled else tally.max_error,
        tolerance=SIGMAS * (witness.max_standard_error or 0.0) if only_sampled else witness.tolerance,
        sampled=tally.sampled,
        max_sigmas=tally.max_sigmas,
        gradient=_gradient_verdict(witness, tally),
        gradient_reason=witness.no_gradient or "",
        problems=tuple(problems),
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


def _agrees(item: Comparison, witness: _Witness, tally: _Tally) -> str:
    """Judge one comparison: count it, keep the worst figures, and return what is wrong with it, or nothing."""
    tally.agreeing += 1
    tally.gradients += item.gradient
    tally.exact += item.standard_error is None and item.tolerance is None
    measured = _measure(item.value, item.expected, item.scale)
    if isinstance(measured, str):
        return measured
    error, scale = measured
    if item.standard_error is not None:
        return _within_sampling_error(item, witness, tally, error, scale)
    if item.tolerance is None:
        tally.max_error = max(tally.max_error, error)
        bound = witness.tolerance
    else:
        bound = item.tolerance
        if not 0 < bound < 1:
            return f"its own tolerance is {bound}; it must lie in (0, 1)"
        if not item.because.strip():
            return f"its own tolerance {bound:g} needs `because`: where the bound comes from"
    return "" if error <= bound else f"relative error {error:.3g} is over the tolerance {bound:.3g}{_shown(item)}"


def _within_sampling_error(item: Comparison, witness: _Witness, tally: _Tally, error: float, scale: float) -> str:
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
    tally.max_sigmas = max(tally.max_sigmas, sigmas)
    return "" if sigmas <= SIGMAS else f"off by {sigmas:.3g} standard errors, over {SIGMAS:g}{_shown(item)}"


def _differs(item: Differs, tally: _Tally) -> str:
    tally.differing += 1
    if not item.gap > 0:
        return f"its gap is {item.gap}; it must be positive"
    measured = _measure(item.value, item.expected, None)
    if isinstance(measured, str):
        return measured
    error = measured[0]
    return "" if error > item.gap else f"should differ by more than {item.gap:.3g} and differs by {error:.3g}"


def _absences(witness: _Witness, tally: _Tally, *, must_differ: bool) -> Iterator[str]:
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


def _gradient_verdict(witness: _Witness, tally: _Tally) -> str:
    if witness.no_gradient is None:
        return ""
    if witness.no_gradient:
        return "not applicable"
    return "agrees" if tally.gradients and not tally.gradient_problems else "disagrees"


def _measure(value: Any, expected: Any, scale: float | None) -> tuple[float, float] | str:
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
