"""The rows of the ledger as plain data, and when one is good: computed, never typed.

A row is good only if the symbolic verdict is the one the claim expects, no mutant survives, every witness that was
asked agrees or says why it cannot be applied, and each of its statements is measured or excused. What nobody looked at
is not good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from threefold.account import Condition, Heading, PartAccount, StatementText
from threefold.witnesses.registry import Evidence, Missing, NotApplicable

Testimony = Evidence | NotApplicable | Missing
WitnessName = Literal["symbolic", "numeric", "torch"]
WITNESSES: tuple[WitnessName, ...] = ("symbolic", "numeric", "torch")
MEASURING: tuple[Literal["numeric", "torch"], ...] = ("numeric", "torch")

# A claim of one of these kinds states something that can be got wrong: it must have mutants.
KINDS_WITH_MUTANTS = ("identity", "inequality", "limit", "gradient", "order")
UNSAID = "the witness does not say which statements it measures"


@dataclass(frozen=True)
class Symbolic:
    """What the kernel says of a claim. `point`, `lhs`, `rhs`, `note` are the counterexample of a refuted one.

    parts: the derivation of each statement, line by line. given: the claim's hypotheses, and what goes wrong without.
    shadowed, unshadowed: how many accepted steps were evaluated in worlds of their own, and why others were not.
    """

    verdict: str
    reason: str = ""
    steps: int = 0
    rules: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    side_conditions: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()  # what it uses, also by way of others
    seconds: float = 0.0
    point: tuple[tuple[str, str], ...] = ()
    lhs: str = ""
    rhs: str = ""
    note: str = ""
    parts: tuple[PartAccount, ...] = ()
    given: tuple[Condition, ...] = ()
    shadowed: int = 0
    unshadowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mutants:
    """What became of the altered statements. `total` leaves out those proved equivalent: they state the same."""

    total: int = 0
    rejected: int = 0
    equivalent: int = 0
    survivors: tuple[str, ...] = ()
    reason: str = ""  # why they were not judged, if they were not


@dataclass(frozen=True)
class Measured:
    """What one witness found of one statement. `reason` says why there is nothing, or what is wrong.

    verdict: agrees, disagrees, not applicable, or missing where nobody measured it and nobody says why.
    max_error, tolerance: relative, of deterministic comparisons in float64; None where there are none.
    loose, loosest: how many of these have a bound beyond 1e-8 of the value, which is left out of both, and the widest.
    """

    verdict: str
    comparisons: int = 0
    max_error: float | None = None
    tolerance: float | None = None
    sampled: int = 0
    dtypes: tuple[str, ...] = ()
    reason: str = ""
    loose: int = 0
    loosest: float = 0.0


@dataclass(frozen=True)
class StatementRow:
    """One statement and its evidence; None stands for a witness that was not asked."""

    said: StatementText
    symbolic: str | None = None
    numeric: Measured | None = None
    torch: Measured | None = None

    @property
    def measured(self) -> bool:
        return any(found is not None and found.comparisons > 0 for found in (self.numeric, self.torch))


@dataclass(frozen=True)
class Row:
    """One claim and its evidence; None stands for a witness that was not asked."""

    id: str
    tag: str
    title: str
    kind: str
    statement: str
    scope: str
    sources: tuple[str, ...]
    expects: str
    symbolic: Symbolic | None = None
    mutants: Mutants | None = None
    numeric: Testimony | None = None
    torch: Testimony | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    statements: tuple[StatementText, ...] = ()
    order: tuple[int, str] | None = None  # of a method: which is claimed, and the leading error in LaTeX
    reused: int = 0  # answers that were taken from an earlier run, their hash being equal

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the row is not good, each starting with the witness's name; empty if it is."""
        found: list[str] = []
        if self.symbolic is not None and self.symbolic.verdict != self.expects:
            found.append(f"symbolic: {self.symbolic.verdict}, expected {self.expects}: {self.symbolic.reason}")
        if self.mutants is not None:
            found.extend(f"mutants: {problem}" for problem in self._mutant_problems(self.mutants))
        for name in MEASURING:
            testimony: Testimony | None = getattr(self, name)
            if isinstance(testimony, Missing):
                found.append(f"{name}: {testimony.verdict}: {testimony.reason}")
            elif isinstance(testimony, Evidence):
                found.extend(f"{name}: {testimony.verdict}: {problem}" for problem in testimony.problems)
        return (*found, *self._statement_problems(found))

    def _mutant_problems(self, mutants: Mutants) -> Iterable[str]:
        if mutants.reason:
            yield mutants.reason
        elif mutants.survivors:
            yield f"{len(mutants.survivors)} survive: " + "; ".join(mutants.survivors)
        elif mutants.rejected != mutants.total:
            yield f"{mutants.total - mutants.rejected} of {mutants.total} are neither rejected nor named as survivors"
        elif not mutants.total and self.expects == "proved" and self.kind in KINDS_WITH_MUTANTS:
            yield f"an {self.kind} must have some, and this one has none"

    def _statement_problems(self, already: Sequence[str]) -> Iterator[str]:
        """The statements that none of the measuring witnesses has measured, where both were asked."""
        asked = [getattr(self, name) for name in MEASURING]
        if (
            already
            or self.kind == "definition"
            or not all(isinstance(part, Evidence | NotApplicable) for part in asked)
        ):
            return
        for row in self.by_statement():
            if not row.measured:
                said = [found for found in (row.numeric, row.torch) if found is not None]
                reasons = "; ".join(dict.fromkeys(found.reason for found in said if found.reason))
                yield f"statement {row.said.name}: neither the numeric nor the torch witness measures it ({reasons})"

    def by_statement(self) -> tuple[StatementRow, ...]:
        """Each statement with its verdict and what each measuring witness found of it."""
        parts = self.symbolic.parts if self.symbolic is not None else ()
        count = len(self.statements)
        measured = {name: _by_statement(getattr(self, name), count) for name in MEASURING}
        return tuple(
            StatementRow(
                said,
                None if self.symbolic is None else parts[n].outcome.kind if n < len(parts) else self.symbolic.verdict,
                measured["numeric"][n],
                measured["torch"][n],
            )
            for n, said in enumerate(self.statements)
        )

    @property
    def good(self) -> bool:
        asked = (self.symbolic, self.mutants, self.numeric, self.torch)
        return any(part is not None for part in asked) and not self.problems


@dataclass(frozen=True)
class Ledger:
    """All rows, in the order of the claims, and the seed that gives them again."""

    rows: tuple[Row, ...]
    seed: int
    seconds: float
    reused: int = 0
    answers: int = 0

    @property
    def good(self) -> bool:
        return bool(self.rows) and all(row.good for row in self.rows)

    @property
    def assumptions(self) -> dict[str, int]:
        """How many claims rest on each named assumption directly, the most used first."""
        counts = Counter(name for row in self.rows if row.symbolic for name in row.symbolic.assumptions)
        return dict(counts.most_common())

    def counts(self) -> dict[str, int]:
        """The figures of the summary line."""
        symbolic = [(row.symbolic.verdict, row.expects) for row in self.rows if row.symbolic]
        mutants = [row.mutants for row in self.rows if row.mutants]
        counts = {
            "claims": len(self.rows),
            "good": sum(row.good for row in self.rows),
            "proved": symbolic.count(("proved", "proved")),
            "refuted_as_expected": symbolic.count(("refuted", "refuted")),
            "definitions": symbolic.count(("definition", "definition")),
            "mutants_rejected": sum(part.rejected for part in mutants),
            "mutants_equivalent": sum(part.equivalent for part in mutants),
            "mutants_surviving": sum(len(part.survivors) for part in mutants),
        }
        for name in MEASURING:
            verdicts = Counter(testimony.verdict for row in self.rows if (testimony := getattr(row, name)) is not None)
            counts |= {f"{name}_{verdict.replace(' ', '_')}": count for verdict, count in sorted(verdicts.items())}
        return counts

    def statement_counts(self) -> dict[str, int]:
        """How many statements there are, and how many each witness measures; 'neither' are the unmeasured ones."""
        rows = [found for row in self.rows for found in row.by_statement()]
        counts = {"statements": len(rows)}
        for name in MEASURING:
            counts[name] = sum(1 for row in rows if (found := getattr(row, name)) is not None and found.comparisons > 0)
        return counts | {"neither": sum(not row.measured for row in rows)}

    def shadows(self) -> dict[str, int]:
        """How many accepted steps there are, how many of them were compared in worlds enough, how many are disputed."""
        proofs = [row.symbolic for row in self.rows if row.symbolic]
        steps = [step for proof in proofs for part in proof.parts for step in part.steps if step.rule]
        kinds = Counter(step.outcome.kind for step in steps)
        return {
            "steps": kinds["proved"] + kinds["disputed"],
            "shadowed": sum(proof.shadowed for proof in proofs),
            "disputed": kinds["disputed"],
        }

    def steps_by_tier(self) -> dict[str, int]:
        """How many steps of the proofs were decided, are laws, are given, are assumed."""
        parts = (part for row in self.rows if row.symbolic for part in row.symbolic.parts)
        counts = Counter(step.tier for part in parts for step in part.steps if step.rule)
        return dict(sorted(counts.items()))


def row_of(heading: Heading, **answered: Any) -> Row:
    """The row of one claim, from whatever was answered about it."""
    return Row(
        id=heading.id,
        tag=heading.tag,
        title=heading.title,
        kind=heading.kind,
        statement=heading.latex,
        scope=heading.scope,
        order=heading.order,
        sources=heading.sources,
        expects=heading.expects,
        statements=heading.statements,
        **answered,
    )


def _by_statement(testimony: Testimony | None, count: int) -> tuple[Measured | None, ...]:
    """What a witness found of each of `count` statements. What is not applicable to the claim is so to all of them."""
    if testimony is None:
        return (None,) * count
    if not isinstance(testimony, Evidence):
        return (Measured(testimony.verdict, reason=testimony.reason),) * count
    single: Sequence[Any] = getattr(testimony, "statements", ())
    if len(single) == count:
        return tuple(_measured(found) for found in single)
    if count == 1:  # whatever was compared belongs to the only statement there is
        return (_of_the_only_one(testimony),)
    return (Measured("missing", reason=UNSAID),) * count


def _of_the_only_one(testimony: Evidence) -> Measured:
    exact = testimony.sampled < testimony.cases
    return Measured(
        testimony.verdict,
        testimony.cases,
        testimony.max_error if exact else None,
        testimony.tolerance if exact else None,
        testimony.sampled,
        reason="; ".join(testimony.problems),
    )


def _measured(found: Any) -> Measured:
    exact = found.comparisons > found.sampled
    return Measured(
        found.verdict,
        found.comparisons,
        found.max_error if exact else None,
        found.tolerance if exact else None,
        found.sampled,
        tuple(found.dtypes),
        found.reason,
        found.loose,
        found.loosest,
    )
