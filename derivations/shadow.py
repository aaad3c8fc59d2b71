"""Every accepted step has a shadow: both of its lines are evaluated in worlds, and must be related as the step says.

A step that the kernel accepts and a world denies is `Disputed`: the kernel or the evaluator is wrong, and the build
fails until somebody has found out which. Worlds satisfy the claim's domain and all of its hypotheses, by evaluation;
what they calculate is exact or enclosed. Nothing here can prove: a step without a shadow stands, and is counted.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derivations.kernel.claims import Claim, Statement
from derivations.kernel.domain import Domain
from derivations.kernel.judge import Judgement, PartReport, StepReport, StepTimeout, time_limit
from derivations.kernel.verdict import Disputed, Verdict, Witness
from derivations.refutation import hypotheses as suppositions
from derivations.refutation.enclosures import working
from derivations.refutation.evaluate import evaluate
from derivations.refutation.refute import TWICE, describe, related, show
from derivations.refutation.sampling import sample_for
from derivations.refutation.undefined import Clock, OutOfTime, OutsideModel, Uncomputable, Undefined
from derivations.refutation.worlds import World

WORLDS = 8  # in which a step is compared
TRIES = 20  # worlds that are drawn to find so many
SECONDS = 20.0  # for all steps of one chain
INDUCTION_HYPOTHESIS = "induction hypothesis"


@dataclass(frozen=True)
class StepShadow:
    """One accepted step: in how many worlds it was compared, and why it was not in others."""

    part: int
    number: int
    worlds: int
    reason: str = ""


@dataclass(frozen=True)
class Shadow:
    """The accepted steps of a judgement, each compared with worlds."""

    steps: tuple[StepShadow, ...]
    disputed: int = 0

    @property
    def full(self) -> int:
        """Steps that were compared in eight worlds or more."""
        return sum(s.worlds >= WORLDS for s in self.steps)

    @property
    def partial(self) -> int:
        """Steps that were compared, in fewer worlds."""
        return sum(0 < s.worlds < WORLDS for s in self.steps)

    @property
    def none(self) -> int:
        """Steps that could be compared in no world."""
        return sum(s.worlds == 0 for s in self.steps)

    @property
    def reasons(self) -> dict[str, int]:
        """Why steps have fewer than eight worlds, each with their number."""
        return dict(Counter(s.reason for s in self.steps if s.worlds < WORLDS))

    @property
    def without(self) -> tuple[str, ...]:
        """One line for each step with fewer than eight worlds: which it is, how many it has, and why no more."""
        return tuple(
            f"line {s.number} of statement {s.part + 1} ({s.worlds} worlds): {s.reason}"
            for s in self.steps
            if s.worlds < WORLDS
        )

    def plain(self) -> dict[str, Any]:
        """As numbers and strings, for JSON."""
        counts = {"steps": len(self.steps), "full": self.full, "partial": self.partial, "none": self.none}
        return {**counts, "disputed": self.disputed, "reasons": self.reasons}


def watch(judgement: Judgement) -> Judgement:
    """The judgement with its shadow; a step that a world denies is disputed, and so is the claim."""
    seen: list[StepShadow] = []
    parts = tuple(_watched(judgement.claim, n, part, seen) for n, part in enumerate(judgement.parts))
    disputes = [part.verdict for part in parts if isinstance(part.verdict, Disputed)]
    verdict: Verdict = disputes[0] if disputes else judgement.verdict
    return replace(judgement, parts=parts, verdict=verdict, shadow=Shadow(tuple(seen), len(disputes)))


def _watched(claim: Claim, number: int, part: PartReport, seen: list[StepShadow]) -> PartReport:
    found: dict[int, Disputed] = {}
    denied: Disputed | None = None
    for section in dict.fromkeys(step.section for step in part.steps):
        chain = Comparison(claim, number, part, [s for s in part.steps if s.section == section and s.verdict])
        chain.look()
        found |= chain.disputes
        seen += chain.shadows()
        denied = denied or chain.denied
    dispute = next(iter(found.values()), denied)
    if dispute is None:
        return part
    steps = tuple(replace(s, verdict=found[s.number]) if s.number in found else s for s in part.steps)
    return replace(part, steps=steps, verdict=dispute)


class Comparison:
    """The accepted lines of one chain, read in the same worlds."""

    def __init__(self, claim: Claim, number: int, part: PartReport, steps: Sequence[StepReport]) -> None:
        self.claim, self.number, self.part, self.steps = claim, number, part, steps
        self.pairs = list(itertools.pairwise(steps))
        self.compared: Counter[int] = Counter()
        self.silent: dict[int, list[str]] = {after.number: [] for _, after in self.pairs}
        self.disputes: dict[int, Disputed] = {}
        self.denied: Disputed | None = None  # the statement itself fails in a world, though each step may hold

    def shadows(self) -> list[StepShadow]:
        return [
            StepShadow(self.number, n, self.compared[n], _in_short(self.silent[n]) if self.compared[n] < WORLDS else "")
            for n in self.silent
        ]

    def look(self) -> None:
        if not self.pairs:
            return
        clock = Clock(SECONDS)
        try:
            with time_limit(SECONDS):
                for n in range(TRIES):
                    waiting = [pair for pair in self.pairs if self.compared[pair[1].number] < WORLDS]
                    if not waiting or (n >= WORLDS and not any(self.compared.values())):
                        break
                    self._look_in(n, waiting, clock)
        except (OutOfTime, StepTimeout):
            for _, after in self.pairs:
                self.silent[after.number].append(f"not compared within {SECONDS:g} s")

    def _look_in(self, n: int, pairs: Iterable[tuple[StepReport, StepReport]], clock: Clock) -> None:
        try:
            world = self.world(n, clock)
        except OutOfTime:
            raise
        except Exception as reason:  # whatever world-making trips over, no step is disputed by it
            for _, after in pairs:
                self.silent[after.number].append(_words(reason))
            return
        for before, after in pairs:
            self._compare(n, world, before, after, clock)
        if self.part.verdict and self.denied is None:
            self._ask_statement(n, world, clock)

    def _ask_statement(self, n: int, world: World, clock: Clock) -> None:
        """A proved statement must hold in the world too."""
        says = self.part.statement
        try:
            told, left, right = self._certain(says, n, world, clock)
        except OutOfTime:
            raise
        except Exception:  # that it cannot be read here is counted at its steps
            return
        if told is False:
            self.denied = Disputed(Witness(describe(world, says), left, right, "the statement itself"))

    def _certain(self, step: Statement, n: int, world: World, clock: Clock) -> tuple[bool | None, str, str]:
        """What the world tells; a disagreement only if it is there at a higher precision too."""
        told, left, right = _told(step, world)
        if told is False:
            with working(TWICE):
                again, _, _ = _told(step, self.world(n, clock))
            if again is not False:
                raise Uncomputable("the two lines differ at one precision only")
        return told, left, right

    def world(self, n: int, clock: Clock) -> World:
        """World n, in which every hypothesis of the chain holds."""
        domain, supposed = self._domain(), self._hypotheses()
        lines = [step.expression for step in self.steps]
        seed = f"{self.claim.id} {self.number} shadow"
        world = sample_for(lines, domain, supposed, seed, n)
        world.clock = clock
        suppositions.refuse(world, [h for h in supposed if h.name != INDUCTION_HYPOTHESIS], domain, lines)
        if any(h.name == INDUCTION_HYPOTHESIS for h in supposed) or self.steps[0].section.startswith("step"):
            self._refuse_another_start(world)
        return world

    def _refuse_another_start(self, world: World) -> None:
        """The step of an induction supposes the statement: a world in which that fails says nothing about the step."""
        says = self.part.statement
        told = related(says, evaluate(says.lhs, world), evaluate(says.rhs, world))
        if told is not True:
            raise Uncomputable("the statement that the induction supposes is not known to hold here")

    def _domain(self) -> Domain:
        known = getattr(self.steps[0], "domain", None)
        if known is not None:
            return known
        domain, proof = self.claim.domain_of(self.number), self.claim.proofs.get(self.number)
        if proof is None or proof.induction_on is None:
            return domain
        if not self.steps[0].section.startswith("step"):
            return domain.without(proof.induction_on)
        lo, hi = domain.indices[proof.induction_on]
        return domain.with_index(proof.induction_on, lo, hi if hi == sp.oo else hi - 1)

    def _hypotheses(self) -> tuple[Any, ...]:
        return tuple(getattr(self.steps[0], "hypotheses", self.claim.hypotheses))

    def _compare(self, n: int, world: World, before: StepReport, after: StepReport, clock: Clock) -> None:
        if after.number in self.disputes:
            return
        step = Statement(before.expression, after.relation, after.expression)  # type: ignore[arg-type]
        try:
            told, left, right = self._certain(step, n, world, clock)
            if told is None:
                raise Uncomputable("the bounds of the two lines do not tell")
        except OutOfTime:
            raise
        except Exception as reason:
            self.silent[after.number].append(_words(reason))
            return
        if told:
            self.compared[after.number] += 1
        else:
            note = f"line {after.number}, by {after.rule}"
            self.disputes[after.number] = Disputed(Witness(describe(world, step), left, right, note))


def _told(step: Statement, world: World) -> tuple[bool | None, str, str]:
    """(whether the step holds, the value before, the value after). A line without a value denies the step.

    Both sides of a theorem are defined all over its domain. Only certain evidence counts: a division by zero or the log
    of a negative number, and nothing that the world merely cannot compute.
    """
    values: list[Any] = []
    for side in (step.lhs, step.rhs):
        try:
            values.append(evaluate(side, world))
        except (Uncomputable, OutsideModel):
            raise
        except Undefined as reason:
            return False, *((show(values[0]), f"undefined: {reason}") if values else (f"undefined: {reason}", "?"))
    return related(step, *values), show(values[0]), show(values[1])


def _words(reason: Exception) -> str:
    return str(reason) if isinstance(reason, Undefined) else f"{type(reason).__name__}: {reason}"


def _in_short(reasons: Sequence[str]) -> str:
    return Counter(reasons).most_common(1)[0][0] if reasons else "no world was drawn"
