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
from derivations.kernel import terms
from derivations.kernel.domain import Domain
from derivations.kernel.rules.base import (
    Context,
    Hypothesis,
    Rule,
    StepFails,
    algebra,
    in_order,
    rewrite_instances,
)
from derivations.kernel.scope import may_touch

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
        object.__setattr__(self, "lhs", sp.sympify(self.lhs))
        object.__setattr__(self, "rhs", sp.sympify(self.rhs))

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
        return self.domain.words()

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
        self.lines.append(Line(e if isinstance(e, sp.Basic) else sp.sympify(e), relation, rule, why))

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


# --- rules that use equations: hypotheses, earlier claims, the induction hypothesis -----------------------------------


def _check_range(
    indices: Mapping[Any, tuple[Any, Any]], values: Mapping[Any, Any], context: Context, owner: str
) -> None:
    for index, (lo, hi) in indices.items():
        value = sp.sympify(values.get(index, index))
        bounds = [sp.sympify(b).xreplace(dict(values)) if b != sp.oo else b for b in (lo, hi)]
        low_ok = context.domain.at_least_zero(value - bounds[0])
        if not (low_ok and (bounds[1] == sp.oo or context.domain.at_least_zero(bounds[1] - value))):
            raise StepFails(f"{owner} holds for {index} in {lo}..{hi}; {index} = {value} is not known to be there")


def given(hypothesis: Hypothesis, **at: Any) -> Rule:
    """Use a declared hypothesis as an equation, at the indices named (`given(markov, t=t + 1)`)."""
    values = {sp.Symbol(name, integer=True, positive=True): sp.sympify(value) for name, value in at.items()}

    def rewrite(e: Any, context: Context) -> Any:
        declared = context.require(hypothesis.name)
        if declared.lhs != hypothesis.lhs or declared.rhs != hypothesis.rhs or hypothesis.lhs is None:
            raise StepFails(f"the hypothesis {hypothesis.name!r} of this claim says something else")
        lhs, rhs = (side.xreplace(values) for side in (declared.lhs, declared.rhs))
        return rewrite_instances(e, lhs, rhs, context, lambda c: _check_range(declared.when, values, c, declared.name))

    return Rule(f"given: {hypothesis.name}", "decided", hypothesis.words, rewrite)


def by_claim(claim_id: str, part: int = 0, at: Mapping[Any, Any] | None = None) -> Rule:
    """Rewrite by an earlier, proved equality, its symbols replaced as `at` says (all at once)."""
    table = {sp.sympify(k): sp.sympify(v) for k, v in (at or {}).items()}

    def rewrite(e: Any, context: Context) -> Any:
        if context.lemma is None:
            raise StepFails("earlier claims cannot be used here")
        claim = context.lemma(claim_id)
        for hypothesis in claim.hypotheses:
            if context.require(hypothesis.name) != hypothesis:
                raise StepFails(f"{claim_id} means something else by the hypothesis {hypothesis.name!r}")
        return _rewrite_by(claim.says[part], claim.domain_of(part), claim_id, table, e, context)

    return Rule(f"by {claim_id}", "decided", f"the earlier claim {claim_id}", rewrite)


def above(part: int = 0, at: Mapping[Any, Any] | None = None) -> Rule:
    """Rewrite by an earlier statement of the same claim (counted from 0), which must be proved by then."""
    table = {sp.sympify(k): sp.sympify(v) for k, v in (at or {}).items()}
    owner = f"statement {part + 1} above"

    def rewrite(e: Any, context: Context) -> Any:
        if part not in context.above:
            raise StepFails(f"{owner} is not proved, so nothing may rest on it")
        statement, domain = context.above[part]
        return _rewrite_by(statement, domain, owner, table, e, context)

    return Rule(f"by {owner}", "decided", f"{owner} in this claim", rewrite)


def _rewrite_by(
    statement: Statement, domain: Domain, owner: str, table: Mapping[Any, Any], e: Any, context: Context
) -> Any:
    """Replace instances of a proved equality's left side by its right side, where its domain allows."""
    if statement.relation != "=":
        raise StepFails(f"{owner} is not an equality and cannot rewrite a line")
    sides = sp.Tuple(statement.lhs, statement.rhs)
    if captured := terms.bound_indices(sides) & sp.Tuple(*table, *table.values()).free_symbols:
        raise StepFails(f"{owner} sums over {captured}, which cannot be replaced: rename that index")
    bound = [v.xreplace(dict(table)) for law in sides.atoms(terms.Law) for v in law.variables]
    if any(may_touch(value, bound) for key, value in table.items() if key.xreplace(dict(table)) not in bound):
        raise StepFails(f"{owner} averages over {bound}, which a replacement must not mention: rename that variable")
    if any(context.domain.products.get(big) != small for big, small in domain.products.items()):
        raise StepFails(f"{owner} is about a schedule, which this claim's domain does not declare")

    def allowed(local: Context) -> None:
        _check_range(domain.indices, table, local, owner)
        _check_intervals(domain, table, local, owner)

    lhs, rhs = sides.xreplace(dict(table))
    return rewrite_instances(e, lhs, rhs, context, allowed)


def _check_intervals(domain: Domain, table: Mapping[Any, Any], context: Context, owner: str) -> None:
    from derivations.kernel.algebra import holds

    for name, interval in domain.intervals.items():
        image = next((v for k, v in table.items() if getattr(k, "name", type(k).__name__) == name), None)
        if image is None:
            if context.domain.intervals.get(name) != interval:
                raise StepFails(f"{owner} needs {name} {interval.words()}, which this claim's domain does not say")
            continue
        if terms.is_vector(image):
            image = terms.Coord(image, sp.Symbol("any_coordinate", integer=True, positive=True))
        conditions = [
            (interval.lo, image - interval.lo, interval.open_lo),
            (interval.hi, interval.hi - image, interval.open_hi),
        ]
        for bound, slack, is_open in conditions:
            if abs(bound) != sp.oo and not holds("> 0" if is_open else ">= 0", slack, context.domain):
                raise StepFails(f"{owner} needs {name} {interval.words()}; {image} is not known to be there")
        if interval.nonzero and not holds("!= 0", image, context.domain):
            raise StepFails(f"{owner} needs {name} != 0; {image} may be 0")


def _by_induction_hypothesis(e: Any, context: Context) -> Any:
    assumed = context.require("induction hypothesis")
    if taken := terms.bound_indices(e) & set(assumed.when):
        raise StepFails(f"the induction variable {taken} is also the index of a sum here: rename that index")
    return rewrite_instances(e, assumed.lhs, assumed.rhs, context, lambda _: None)


induction_hypothesis = Rule(
    "induction hypothesis", "decided", "the statement at t, when proving it at t + 1", _by_induction_hypothesis
)
