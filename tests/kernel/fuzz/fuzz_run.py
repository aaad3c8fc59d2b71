"""Run the fuzzer: make claims from a seed, judge each, compare every accepted step with worlds, and count."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import sympy as sp
from fuzz_aimed import AIMED
from fuzz_exact import NotRational, value
from fuzz_kinds import KINDS
from fuzz_library import mutated
from fuzz_terms import Words
from fuzz_walks import Draft, walk

import derivations
from derivations.kernel.claims import Claim, Statement
from derivations.kernel.judge import Judge, Judgement
from derivations.kernel.terms import Malformed
from derivations.kernel.verdict import Disputed
from derivations.shadow import watch

STEP_SECONDS = 2.0


@dataclass
class Tally:
    """What one run of the fuzzer reached."""

    seed: str
    claims: int = 0
    accepted: int = 0
    seen: int = 0
    rational: int = 0
    proved: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    shapes: set[Any] = field(default_factory=set)
    silent: Counter[str] = field(default_factory=Counter)
    disputes: list[str] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def plain(self) -> dict[str, Any]:
        """As numbers and strings, for JSON."""
        return {
            "seed": self.seed,
            "claims": self.claims,
            "accepted steps": self.accepted,
            "steps compared with worlds": self.seen,
            "steps compared by fractions": self.rational,
            "proved statements": self.proved,
            "rules": len(self.rules),
            "term shapes": len(self.shapes),
            "disputes": len(self.disputes),
            "judge raised": len(self.raised),
            "seconds": round(self.seconds, 1),
            "by rule": dict(self.rules.most_common()),
            "by kind": dict(self.kinds.most_common()),
            "without a shadow": dict(self.silent.most_common(12)),
        }

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.plain(), indent=1, ensure_ascii=False) + "\n")


def draft(seed: str, number: int, kinds: float = 0.5) -> Draft | Claim | None:
    """Case `number` of a seed, of a known kind in so many cases; None where the choice cannot even be written."""
    rng = Random(f"{seed} {number}")
    words = Words(rng)
    kind = rng.random()
    try:
        if kind < kinds:
            return rng.choice((*KINDS, *AIMED))(words)
        return walk(words) if rng.random() < 0.6 else mutated(rng)
    except Exception:
        return None  # there is no such term: nothing to judge


def claim_of(made: Draft | Claim, number: int) -> Claim:
    if isinstance(made, Claim):
        return made
    lines = made.lines
    says = made.says or (lines[0][0], _composed([r for _, r, _ in lines[1:]]), lines[-1][0])
    statements = ((Statement(*made.first[0]),) if made.first else ()) + (Statement(*says),)
    claim = Claim(
        f"fuzz.{number}", "", "", "identity", statements, "", (), made.domain, tuple(dict.fromkeys(made.hypotheses))
    )

    def write(chain: Any, written: list[tuple[Any, str, Any]]) -> None:
        for place, (e, relation, rule) in enumerate(written):
            chain._add(e, relation if place else "=", rule, "")

    if made.first:
        claim.proves(0)(lambda chain: write(chain, made.first[1]))
    if made.induction_on is not None:
        claim.proves(len(statements) - 1, induction_on=made.induction_on)(
            lambda base, step: (write(base, made.base), write(step, lines))
        )
    else:
        claim.proves(len(statements) - 1)(lambda chain: write(chain, lines))
    return claim


def _composed(relations: list[str]) -> str:
    known = [r for r in relations if r != "="]
    return next((r for r in known if r in ("<", ">")), known[0] if known else "=")


def judged(claim: Claim, judge: Judge | None = None) -> Judgement:
    """Through the public entry point; with a judge of one's own where many claims are asked."""
    return derivations.judge(claim) if judge is None else judge.judge(claim)


def shape(e: Any) -> Any:
    """The skeleton of a term: its kinds of nodes, with symbols and numbers left out."""
    kind = type(e)
    head = kind.__mro__[1].__name__ if kind.__name__.startswith("fuzz_") else kind.__name__  # names of our own apart
    if not isinstance(e, sp.Basic) or not e.args:
        return "number" if getattr(e, "is_Number", False) else head
    return (head, *sorted({str(shape(arg)) for arg in e.args}))


def fuzz(
    seed: str,
    seconds: float = 1e9,
    steps: int = 10**9,
    until: Callable[[Tally], bool] = lambda _: False,
    kinds: float = 0.5,
    clock: Callable[[], float] = time.monotonic,
) -> Tally:
    """Judge cases 0, 1, 2, ... of a seed until the time, the number of accepted steps, or `until` is reached."""
    tally, number = Tally(seed), 0
    judge = Judge(derivations.claims(), None, STEP_SECONDS, watch)
    started = clock()
    while clock() - started < seconds and tally.accepted < steps and not until(tally):
        try_case(seed, number, tally, judge if number % 50 or kinds > 0.5 else None, kinds)
        number += 1
    tally.seconds = clock() - started
    return tally


def try_case(seed: str, number: int, tally: Tally, judge: Judge | None = None, kinds: float = 0.5) -> None:
    made = draft(seed, number, kinds)
    if made is None:
        return
    try:
        claim = claim_of(made, number)
    except (Malformed, ValueError, TypeError):
        return
    tally.claims += 1
    kind = made.kind if isinstance(made, Draft) else "library"
    try:
        judgement = judged(claim, judge)
    except Exception as reason:  # the judge never raises, whatever it is given
        tally.raised.append(f"{seed} {number} ({kind}): {type(reason).__name__}: {reason}")
        return
    _count(judgement, kind, tally)
    if isinstance(judgement.verdict, Disputed):
        tally.disputes.append(f"{seed} {number} ({kind}): {_words(judgement)}")


def _words(judgement: Judgement) -> str:
    steps = [step for part in judgement.parts for step in part.steps]
    marks = {True: "DISPUTED", False: ""}
    lines = [
        f"{s.relation or 'line'} {s.expression} [{s.rule}] {marks[isinstance(s.verdict, Disputed)]}" for s in steps
    ]
    return f"{judgement.verdict.witness}\n    " + "\n    ".join(lines)


def _count(judgement: Judgement, kind: str, tally: Tally) -> None:
    shadow = judgement.shadow
    if shadow is None:  # what the claim says of itself was refused before a line was looked at
        return
    tally.kinds[kind] += len(shadow.steps)
    tally.accepted += len(shadow.steps)
    tally.seen += shadow.full + shadow.partial
    for reason, count in shadow.reasons.items():
        tally.silent[reason[:80]] += count
    tally.proved += sum(bool(part.verdict) for part in judgement.parts)
    for part in judgement.parts:
        before = None
        for step in part.steps:
            if step.verdict:
                tally.shapes.add(shape(step.expression))
                if step.rule:
                    tally.rules.update([name.split(":")[0] for name in step.rule.split(", ")])
                    _compare_fractions(before, step, tally)
            before = step if step.verdict else None


def _compare_fractions(before: Any, after: Any, tally: Tally) -> None:
    """Closed rational lines once more, by an evaluator that shares nothing with the worlds."""
    if before is None or before.section != after.section:
        return
    try:
        left, right = value(before.expression), value(after.expression)
    except (NotRational, OverflowError, RecursionError):
        return
    tally.rational += 1
    holds = {"=": left == right, "<=": left <= right, ">=": left >= right, "<": left < right, ">": left > right}
    if not holds.get(after.relation, True):
        tally.disputes.append(
            f"by fractions: {before.expression} = {left} {after.relation} {after.expression} = {right}"
        )
