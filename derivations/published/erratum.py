"""A mistake in a published text: what was printed, as a statement to refute, and the corrected form."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any, Literal

from derivations.kernel.claims import Chain, Claim, Statement
from derivations.kernel.domain import Domain
from derivations.kernel.rules.base import Rule, algebra
from derivations.library import find
from derivations.refutation.laws import number
from derivations.refutation.worlds import World

Severity = Literal["wrong", "imprecise", "typographical"]


@dataclass(frozen=True, eq=False)
class Erratum:
    """`printed` is expected to be refuted. `right` says the corrected form in words; `correction` is the proof of it.

    That is a claim of the ledger (its id), a small claim proved on the spot, or None where there are only words.
    `quoted` is what stands in the text, where `printed` is not that itself but what it implies at the numbers.
    """

    id: str
    source: str
    severity: Severity
    printed: Claim
    words: str
    right: str
    correction: Claim | str | None = None
    quoted: str = ""

    @property
    def printed_latex(self) -> str:
        return self.printed.latex()

    @property
    def printed_text(self) -> str:
        return self.printed.text()

    @property
    def correction_claim(self) -> str | None:
        """The ledger's id of the corrected form, when it is a claim of the ledger."""
        return self.correction if isinstance(self.correction, str) else None

    @property
    def correction_latex(self) -> str:
        """The proved corrected form, or nothing where the correction is words only."""
        return find(self.correction).latex() if self.correction is not None else ""


@dataclass(frozen=True)
class Editorial:
    """A slip that no formula can refute: a wrong citation, a lost subscript, a word. Listed, not judged."""

    id: str
    source: str
    printed: str
    correction: str


def at(numbers: Mapping[str, Any], vectors: Mapping[Any, Any] | None = None, d: int = 1, **families: Any) -> Any:
    """World 0 holds exactly the erratum's own numbers; later worlds are drawn as usual.

    `families` maps a family to {index: value}; decimal strings stay exact.
    """

    def exact(value: Any) -> Fraction:
        return Fraction(str(value))

    def member(table: Mapping[Any, Any]) -> Callable[[Any], Any]:
        return lambda index: number(exact(table[int(index)]))

    def world(_: Random, n: int) -> World | None:
        if n:
            return None
        made = World(d, numbers={name: exact(v) for name, v in numbers.items()})
        made.families = {name: member(table) for name, table in families.items()}
        if "alpha" in families:  # abar(t) is the product of the alphas up to t
            made.families.setdefault("abar", _product(made.families["alpha"]))
        made.vectors = {
            key if isinstance(key, tuple) else (key,): _vector(v, exact) for key, v in (vectors or {}).items()
        }
        made.drawn = {f"{name}({i})": str(v) for name, table in families.items() for i, v in table.items()}
        made.drawn |= {
            "_".join(map(str, k if isinstance(k, tuple) else (k,))): str(v) for k, v in (vectors or {}).items()
        }
        return made

    return world


def _product(factor: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda t: math.prod((factor(m) for m in range(1, int(t) + 1)), start=number(1))


def _vector(value: Any, exact: Callable[[Any], Fraction]) -> tuple[Fraction, ...]:
    return tuple(exact(v) for v in (value if isinstance(value, tuple | list) else (value,)))


def misprint(
    erratum_id: str, says: Statement, domain: Domain, world: Any, numbers: Mapping[str, Any] | None = None
) -> Claim:
    """The printed statement as a claim that is expected to be refuted in `world` (with `numbers` added to it)."""

    def numbered(rng: Random, n: int) -> World | None:
        made = world(rng, n)
        if made is not None:
            made.numbers |= {name: Fraction(str(value)) for name, value in (numbers or {}).items()}
        return made

    return Claim(
        id=f"errata.{erratum_id}",
        title=f"As printed: {erratum_id}",
        chapter="errata",
        kind="identity" if says.relation == "=" else "inequality",
        says=(says,),
        domain=domain,
        scope="as printed",
        sources=(),
        expects="refuted",
        errata=(erratum_id,),
        worlds=(numbered,),
    )


def proved(erratum_id: str, says: Statement, domain: Domain, by: Rule = algebra) -> Claim:
    """The corrected form as a claim with a proof of one step."""
    claim = Claim(
        id=f"errata.{erratum_id}.corrected",
        title=f"Corrected: {erratum_id}",
        chapter="errata",
        kind="identity",
        says=(says,),
        domain=domain,
        scope="as stated",
        sources=(),
    )

    @claim.proves()
    def _(line: Chain) -> None:
        line(says.lhs)
        line(says.rhs, by=by)

    return claim


def standard_linear_schedule(_: Random, n: int) -> World | None:
    """beta from 1e-4 to 0.02 in 1000 steps: the schedule that the texts compute with."""
    if n:
        return None
    betas = [Fraction(1, 10000) + Fraction(m, 999) * (Fraction(1, 50) - Fraction(1, 10000)) for m in range(1000)]
    alphas = [number(1 - b) for b in betas]
    products = list(itertools.accumulate(alphas, lambda a, b: a * b, initial=number(1)))
    families = {"alpha": lambda t: alphas[int(t) - 1], "abar": lambda t: products[int(t)]}
    made = World(1, numbers={"T": 1000}, families=families)
    made.drawn = {"beta": "linear from 1e-4 to 0.02, T = 1000"}
    return made
