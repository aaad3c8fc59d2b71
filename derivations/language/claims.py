"""A claim as data: what it says, where, under which hypotheses, from which sources."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import sympy as sp

from derivations import printing
from derivations.kernel import terms
from derivations.kernel.domain import Domain
from derivations.kernel.hypotheses import Hypothesis
from derivations.kernel.terms import VectorFunction, VectorSymbol, name_of, unfold_all
from derivations.language.chains import Chain, Proof

Kind = Literal["definition", "identity", "inequality", "limit", "gradient", "algorithm", "numeric", "order"]
Relation = Literal["=", "<=", ">=", "<", ">", "iff"]
TAGS = Path(__file__).parent.parent / "tags.csv"


@dataclass(frozen=True, eq=False)
class Statement:
    """lhs relation rhs. `domain` narrows the claim's domain for this statement alone; `words` says what it adds.

    `name` is how a derivation, a lemma or a witness speaks of it; without one it is spoken of by its number, from 0.
    """

    lhs: Any
    relation: Relation
    rhs: Any
    words: str = ""
    domain: Domain | None = None
    name: str = ""

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
    expects: Literal["proved", "refuted", "definition"] = "proved"
    order: int | None = None  # of a method, for a claim of that kind: what its first statement must show
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

    @property
    def nothing_said(self) -> str:
        """What is wrong where SymPy has made one term of both sides: nothing is left to prove, nor to get wrong."""
        for number, s in enumerate(self.says, 1):
            if s.lhs == s.rhs:
                return (
                    f"statement {number} says nothing: both sides became {printing.text(s.lhs)} when they were built; "
                    "give what is meant a name with define(...), and let the proof unfold it"
                )
        return ""

    def domain_words(self) -> list[str]:
        """Where the claim holds, a line for each condition; what one statement adds to it is said to be its own."""
        sides = sp.Tuple(
            *(side for s in self.says for side in (s.lhs, s.rhs)), *(e for h in self.hypotheses for e in h.sides)
        )
        vectors = {name_of(a) for a in unfold_all(sides).atoms(VectorSymbol, VectorFunction)}
        lines = self.domain.words(printing.name_text, vectors, printing.text)
        for number, domain in ((number, s.domain) for number, s in enumerate(self.says, 1) if s.domain is not None):
            narrowed = (line for line in domain.words(printing.name_text, vectors, printing.text) if line not in lines)
            lines += [f"statement {number}: {line}" for line in narrowed]
        unsaid = [_unsaid(sp.Tuple(s.lhs, s.rhs), s.domain or self.domain) for s in self.says]
        for n, own in enumerate(unsaid, 1):
            every = (line for line in own if all(line in other for other in unsaid))
            lines += [line for line in every if line not in lines]
            lines += [f"statement {n}: {line}" for line in own if line not in lines]
        return lines

    def domain_of(self, part: int) -> Domain:
        return self.says[part].domain or self.domain

    def part(self, name_or_number: str | int) -> int:
        """The number (from 0) of the statement of this name."""
        names = {s.name: number for number, s in enumerate(self.says) if s.name}
        if isinstance(name_or_number, int):
            return name_or_number
        if name_or_number not in names:
            known = ", ".join(map(repr, names)) or "none: write Statement(..., name=...)"
            raise ValueError(f"{self.id} has no statement named {name_or_number!r}; named ones are {known}")
        return names[name_or_number]

    def proves(
        self, part: str | int = 0, induction_on: Any = None, start: Any = 1
    ) -> Callable[[Callable[..., None]], None]:
        """Decorator: the function writes the calc chain of a statement, named or numbered from 0.

        By induction it writes two: the base, and the step to the next integer.
        """
        number = self.part(part)

        def register(write: Callable[..., None]) -> None:
            if number in self.proofs:
                raise ValueError(f"{self.id} has a derivation of statement {part!r} already")
            chains = (Chain(),) if induction_on is None else (Chain(), Chain())
            write(*chains)
            self.proofs[number] = Proof(chains, induction_on, sp.sympify(start))

        return register

    @property
    def content(self) -> tuple[Any, ...]:
        """All that a verdict rests on, to compare: a claim that was changed is judged again."""
        statements = [
            (s.lhs, s.relation, s.rhs, s.name, _content(self.domain if s.domain is None else s.domain))
            for s in self.says
        ]
        proofs = [
            (number, proof.induction_on, proof.start, tuple(tuple(chain.lines) for chain in proof.chains))
            for number, proof in self.proofs.items()
        ]
        return tuple(statements), tuple(h.content for h in self.hypotheses), tuple(proofs), self.order


def _content(domain: Domain) -> Any:
    return Domain(domain.intervals, domain.indices, domain.products, domain.sizes, domain.conditions).content


def _unsaid(sides: Any, domain: Domain) -> list[str]:
    """What symbols and laws say themselves: integers without a range, spaces other than R^d."""
    opened = unfold_all(sides)
    known = {*domain.indices, terms.DIM}
    lines = [
        f"{printing.text(s)} an integer{' >= 1' if s.is_positive and s.name not in domain.intervals else ''}"
        for s in sorted(terms.free_scalars(opened) - known, key=str)
        if s.is_integer
    ]
    laws = [law for law in opened.atoms(terms.Law) if not isinstance(law, terms.Density)]
    squares = [(law.args[2], law.args[3]) for law in laws if isinstance(law, terms.FullNormal)]
    squares += [trace.args for trace in opened.atoms(terms.Trace)]
    square = [(m, n) for m, n in squares if not m.atoms(terms.LinearMap)]  # beside one: any size
    sizes = {(c, n) for m, n in square for c in m.atoms(terms.Covariance)}
    spaces = {(law.args[0], law.args[-1]) for law in laws if law.args[-1] != terms.DIM}
    spaces |= {(e.args[1], e.args[2]) for e in opened.atoms(terms.Div, terms.Laplacian) if e.args[2] != terms.DIM}
    lines += sorted(f"{printing.text(c)} a {n} x {n} covariance" for c, n in sizes if c.name not in domain.sizes)
    return lines + sorted(f"{printing.text(v)} in R^{printing.text(n)}" for v, n in spaces)


@cache
def tags() -> Mapping[str, str]:
    """claim id -> four-character tag, from the append-only tags.csv."""
    with TAGS.open(newline="") as file:
        rows = [(row["id"], row["tag"]) for row in csv.DictReader(file)]
    table = dict(rows)
    if len(table) != len(rows) or len(set(table.values())) != len(rows):
        raise ValueError(f"{TAGS.name} repeats an id or a tag: both must be unique, give the newer one a fresh tag")
    return table
