"""How a claim is tied to numbers: witnesses are registered here by claim id, run on seeded cases, and judged.

A witness is a generator. It draws admissible parameters from `case.rng`, computes the claim's statement and the same
quantity by a method that shares nothing with it, and yields both. The witnesses of this project are written in the
shapes of `threefold.witnesses.shapes`, which know the claim and walk its statements; underneath, a witness is this:

    @numeric("gaussian.kl.isotropic", method="Gauss-Hermite quadrature", tolerance=1e-10)
    def _(case: Cases) -> Iterator[Comparison]:
        for _ in range(case.n):
            ...
            yield Comparison("KL", value=stated, expected=integrated)

How it is judged says `threefold.witnesses.verdict`. A claim that is false as printed needs both halves: a `Differs`,
where the printed form is off by more than its gap, and a `Comparison` that holds (the corrected form, or the kernel's
own counterexample recomputed).
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from threefold.witnesses.evidence import (
    Comparison,
    Differs,
    Evidence,
    Kind,
    Missing,
    NotApplicable,
    StatementEvidence,
    Testimony,
)
from threefold.witnesses.verdict import SIGMAS, Registered, Yielded, judge

__all__ = [
    "SIGMAS",
    "Cases",
    "Comparison",
    "Differs",
    "Evidence",
    "Kind",
    "Missing",
    "NotApplicable",
    "Registry",
    "RegistryError",
    "StatementEvidence",
    "load",
    "not_applicable",
    "numeric",
    "torch_witness",
]

CASES = 64


class RegistryError(ValueError):
    """A witness registered twice, for a claim that does not exist, or with unusable settings."""


@dataclass(frozen=True)
class Cases:
    """What a witness draws from: a generator seeded by (seed, claim, witness), and how many cases to draw."""

    rng: np.random.Generator
    n: int = CASES

    @classmethod
    def seeded(cls, seed: int, claim: str, kind: Kind, n: int = CASES) -> Cases:
        """The cases of one witness. They depend on nothing but the arguments: not on order, process or other claims."""
        digest = hashlib.sha256(f"{kind}:{claim}".encode()).digest()
        words = [int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4)]
        return cls(np.random.default_rng(np.random.SeedSequence([seed, *words])), n)


WitnessFunction = Callable[[Cases], Iterable[Yielded]]


class Registry:
    """The witnesses of one kind, by claim id. A process has one of each kind, filled by the decorators below."""

    def __init__(self, kind: Kind) -> None:
        self.kind: Kind = kind
        self._entries: dict[str, Registered | NotApplicable] = {}

    def ids(self) -> tuple[str, ...]:
        return tuple(self._entries)

    def add(self, claim: str, entry: Registered | NotApplicable) -> None:
        """Raises RegistryError if the claim already has an entry: two witnesses of one kind would hide each other."""
        if claim in self._entries:
            raise RegistryError(
                f"claim {claim!r} has two {self.kind} witnesses; one per claim is the limit: join them or remove one"
            )
        self._entries[claim] = entry

    def entry(self, claim: str) -> Registered | NotApplicable | None:
        """What is registered for a claim."""
        return self._entries.get(claim)

    def check(self, known: Iterable[str]) -> None:
        """Raises RegistryError naming every registered id that is not a claim's."""
        unknown = sorted(set(self._entries) - set(known))
        if unknown:
            names = ", ".join(repr(name) for name in unknown)
            raise RegistryError(f"{self.kind} witness for {names}: no such claim; correct the id or add the claim")

    def testify(
        self,
        claim: str,
        *,
        seed: int = 0,
        expects: str = "proved",
        cases: int = CASES,
        until_problem: bool = False,
    ) -> Testimony:
        """Run and judge the witness of `claim`; what the witness does wrong is in `problems`, never raised.

        cases: how many it draws. until_problem: whether to stop at the first problem.
        """
        entry = self._entries.get(claim)
        if entry is None:
            return Missing(f"no {self.kind} witness is registered for {claim}")
        if isinstance(entry, NotApplicable):
            return entry
        drawn = Cases.seeded(seed, claim, self.kind, cases)
        return judge(entry, drawn, must_differ=expects == "refuted", until_problem=until_problem)


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

    def keep(function: WitnessFunction) -> WitnessFunction:
        register("numeric", Registered(claim, function, method, tolerance, max_standard_error, None), registry)
        return function

    _check_bounds("numeric", claim, tolerance, max_standard_error)
    return keep


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

    def keep(function: WitnessFunction) -> WitnessFunction:
        register("torch", Registered(claim, function, method, tolerance, max_standard_error, no_gradient), registry)
        return function

    _check_bounds("torch", claim, tolerance, max_standard_error)
    return keep


def not_applicable(claim: str, reason: str, *, witness: Kind, registry: Registry | None = None) -> None:
    """Say that there is nothing for a witness of this kind to measure, and why; the reason is shown to readers."""
    if not reason.strip():
        raise RegistryError(f"'not applicable' for {claim!r} has an empty reason: say why nothing can be measured")
    (registry or REGISTRIES[witness]).add(claim, NotApplicable(reason))


def register(kind: Kind, entry: Registered, registry: Registry | None = None) -> None:
    """Register a witness of a kind, in the process's own registry unless another is given.

    Raises RegistryError for unusable bounds, an empty reason, or a claim that has one already.
    """
    _check_bounds(kind, entry.claim, entry.tolerance, entry.max_standard_error)
    for part, reason in entry.excused.items():
        if not reason.strip():
            raise RegistryError(
                f"statement {part + 1} of {entry.claim!r} is excused by the {kind} witness with an empty reason: say "
                "why it cannot be measured"
            )
    (registry or REGISTRIES[kind]).add(entry.claim, entry)


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


def _check_bounds(kind: Kind, claim: str, tolerance: float, max_standard_error: float | None) -> None:
    for name, bound in (("tolerance", tolerance), ("max_standard_error", max_standard_error)):
        if bound is not None and not 0 < bound < 1:
            raise RegistryError(f"{name} of the {kind} witness of {claim!r} is {bound}; it must lie in (0, 1)")
