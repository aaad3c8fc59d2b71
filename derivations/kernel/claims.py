"""A claim as data: what it says, where, under which hypotheses, from which sources; and the calc chains for it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import sympy as sp

from derivations import printing
from derivations.kernel.domain import Domain
from derivations.kernel.rules.base import Hypothesis, Rule, algebra, in_order

Kind = Literal["definition", "identity", "inequality", "limit", "gradient", "algorithm", "numeric"]
Relation = Literal["=", "<=", ">=", "<", ">", "iff"]
TAGS = Path(__file__).parent.parent / "tags.csv"


@dataclass(frozen=True, eq=False)
class Statement:
    """lhs relation rhs. `domain` narrows the claim's domain for this statement alone; `words` says what it adds."""

    lhs: Any
    relation: Relation
    rhs: Any
    words: str = ""
    domain: Domain | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "lhs", sp.sympify(self.lhs, strict=True))
        object.__setattr__(self, "rhs", sp.sympify(self.rhs, strict=True))

    def latex(self) -> str:
        return printing.relation_latex(self.lhs, self.relation, self.rhs)

    def text(self) -> str:
        return printing.relation_text(self.lhs, self.relation, self.rhs)


@dataclass(frozen=True, eq=False)
class Claim:
    """One claim. `points` are sampled worlds' fixed values to try first when refuting (the errata's own numbers)."""

    id: str
    title: str
    chapter: str
    kind: Kind
    says: tuple[Statement, ...]
    scope: str
    sources: tuple[str, ...]
    domain: Domain = field(default_factory=Domain)
    hypotheses: tuple[Hypothesis, ...] = ()
    words: str = ""
    expects: Literal["proved", "refuted"] = "proved"
    corrected_by: str | None = None
    errata: tuple[str, ...] = ()
    worlds: tuple[Callable[..., Any], ...] = ()
    proofs: dict[int, Proof] = field(default_factory=dict, repr=False)

    @property
    def tag(self) -> str:
        return tags()[self.id]

    @property
    def statements(self) -> tuple[Statement, ...]:
        return self.says

    def latex(self) -> str:
        return r" \\ ".join(statement.latex() for statement in self.says)

    def text(self) -> str:
        return "\n".join(statement.text() for statement in self.says)

    def domain_words(self) -> list[str]:
        """Where the claim holds, a line for each condition; what one statement adds to it is said to be its own."""
        lines = self.domain.words(printing.name_text)
        for number, domain in ((number, s.domain) for number, s in enumerate(self.says, 1) if s.domain is not None):
            lines += [f"statement {number}: {own}" for own in domain.words(printing.name_text) if own not in lines]
        return lines

    def domain_of(self, part: int) -> Domain:
        return self.says[part].domain or self.domain

    def proves(self, part: int = 0, induction_on: Any = None, start: Any = 1) -> Callable[[Callable[..., None]], None]:
        """Decorator: the function writes the calc chain of statement `part` (or base and step, by induction)."""

        def register(write: Callable[..., None]) -> None:
            if part in self.proofs:
                raise ValueError(f"{self.id} has a derivation of statement {part} already")
            chains = (Chain(),) if induction_on is None else (Chain(), Chain())
            write(*chains)
            self.proofs[part] = Proof(chains, induction_on, sp.sympify(start))

        return register


@dataclass(frozen=True)
class Line:
    expression: Any
    relation: str
    rule: Rule
    why: str


class Chain:
    """Records the lines that a derivation writes: `line(e)` starts, `line(e, by=rule)` continues with =."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def _add(self, e: Any, relation: str, by: Any, why: str) -> None:
        rule = in_order(by) if isinstance(by, tuple | list) else by
        self.lines.append(Line(sp.sympify(e, strict=True), relation, rule, why))

    def __call__(self, e: Any, by: Any = algebra, why: str = "") -> None:
        self._add(e, "=", by, why)

    def le(self, e: Any, by: Any, why: str = "") -> None:
        self._add(e, "<=", by, why)

    def ge(self, e: Any, by: Any, why: str = "") -> None:
        self._add(e, ">=", by, why)

    def lt(self, e: Any, by: Any, why: str = "") -> None:
        self._add(e, "<", by, why)

    def gt(self, e: Any, by: Any, why: str = "") -> None:
        self._add(e, ">", by, why)

    def iff(self, e: Any, by: Any, why: str = "") -> None:
        self._add(e, "iff", by, why)


@dataclass(frozen=True)
class Proof:
    """One chain, or (base, step) when by induction on an integer symbol."""

    chains: tuple[Chain, ...]
    induction_on: Any
    start: Any


@cache
def tags() -> Mapping[str, str]:
    """claim id -> four-character tag, from the append-only tags.csv."""
    with TAGS.open(newline="") as file:
        rows = [(row["id"], row["tag"]) for row in csv.DictReader(file)]
    table = dict(rows)
    if len(table) != len(rows) or len(set(table.values())) != len(rows):
        raise ValueError(f"{TAGS.name} repeats an id or a tag: both must be unique, give the newer one a fresh tag")
    return table
