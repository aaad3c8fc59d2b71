"""A mistake in a published text: what was printed, as a statement to refute, and the corrected form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any, Literal

from derivations.kernel.claims import Claim
from derivations.refutation.laws import number
from derivations.refutation.worlds import World

Severity = Literal["wrong", "imprecise", "typographical"]


@dataclass(frozen=True, eq=False)
class Erratum:
    """`printed` is expected to be refuted; `correction` is a claim of the ledger (its id) or one that stands here."""

    id: str
    source: str
    severity: Severity
    printed: Claim
    correction: Claim | str
    words: str

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
        made.vectors = {
            key if isinstance(key, tuple) else (key,): _vector(v, exact) for key, v in (vectors or {}).items()
        }
        made.drawn = {f"{name}({i})": str(v) for name, table in families.items() for i, v in table.items()}
        made.drawn |= {
            "_".join(map(str, k if isinstance(k, tuple) else (k,))): str(v) for k, v in (vectors or {}).items()
        }
        return made

    return world


def _vector(value: Any, exact: Callable[[Any], Fraction]) -> tuple[Fraction, ...]:
    return tuple(exact(v) for v in (value if isinstance(value, tuple | list) else (value,)))
