"""What the judge reports of a claim: each line, each statement, and what is computed from the proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from derivations import printing
from derivations.kernel.domain import Domain
from derivations.kernel.hypotheses import Hypothesis
from derivations.kernel.theorem import Theorem
from derivations.kernel.verdict import Verdict
from derivations.language.claims import Claim, Statement

Theorems = Mapping[Any, Theorem]


@dataclass(frozen=True)
class StepReport:
    """One judged line. The first line of a chain has no rule.

    `before` is the line that it follows from; `domain` and `hypotheses` are what is known where both stand.
    """

    number: int
    expression: Any
    relation: str
    rule: str
    tier: str
    why: str
    uses: tuple[str, ...]
    side_conditions: tuple[str, ...]
    verdict: Verdict
    section: str = ""
    before: Any = None
    domain: Domain = field(default_factory=Domain)
    hypotheses: tuple[Hypothesis, ...] = ()
    assumed: tuple[str, ...] = ()

    @property
    def latex(self) -> str:
        return printing.latex(self.expression)

    @property
    def text(self) -> str:
        return printing.text(self.expression)


@dataclass(frozen=True)
class PartReport:
    statement: Statement
    verdict: Verdict
    steps: tuple[StepReport, ...]
    domain: Domain = field(default_factory=Domain)
    hypotheses: tuple[Hypothesis, ...] = ()
    theorem: Theorem | None = None


@dataclass(frozen=True)
class Judgement:
    claim: Claim
    verdict: Verdict
    parts: tuple[PartReport, ...]
    seconds: float
    shadow: Any = None  # what was seen of its steps in worlds, once somebody has looked

    def _steps(self) -> Iterator[StepReport]:
        return (step for part in self.parts for step in part.steps)

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(s.rule for s in self._steps() if s.rule))

    @property
    def uses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(u for s in self._steps() for u in s.uses))

    @property
    def assumptions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for s in self._steps() for name in s.assumed))

    @property
    def side_conditions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(c for s in self._steps() for c in s.side_conditions))

    @property
    def theorems(self) -> Theorems:
        """What was proved, by the number of the statement (from 0) and by its name."""
        proved = [
            (n, p.statement.name, p.theorem) for n, p in enumerate(self.parts) if p.theorem is not None and p.verdict
        ]
        return {key: theorem for n, name, theorem in proved for key in (n, name) if key != ""}

    @property
    def hypotheses(self) -> tuple[str, ...]:
        return tuple(h.name for h in self.claim.hypotheses)
