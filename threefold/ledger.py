"""The ledger: every claim with what its three witnesses said, computed, never typed.

A row is good only if the symbolic verdict is the one the claim expects, no mutant survives, and every witness that was
asked agrees or says why it cannot be applied. What nobody looked at is not good.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import threefold
from threefold import pool, theory
from threefold.errors import Unusable
from threefold.theory import Setting
from threefold.witnesses import registry
from threefold.witnesses.registry import Evidence, Missing, NotApplicable

if TYPE_CHECKING:
    from derivations import Claim, Judgement

Testimony = Evidence | NotApplicable | Missing
WitnessName = Literal["symbolic", "numeric", "torch"]
WITNESSES: tuple[WitnessName, ...] = ("symbolic", "numeric", "torch")
Kind = Literal["symbolic", "mutants", "numeric", "torch"]  # of question: the mutants are asked about apart
TIME_LIMIT = 120.0
SCHEMA = 1

# A claim of one of these kinds states something that can be got wrong: it must have mutants.
KINDS_WITH_MUTANTS = ("identity", "inequality", "limit", "gradient")


@dataclass(frozen=True)
class Symbolic:
    """What the kernel says of a claim. `point`, `lhs`, `rhs` are the counterexample of a refuted one."""

    verdict: str
    reason: str = ""
    steps: int = 0
    rules: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    side_conditions: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    seconds: float = 0.0
    point: tuple[tuple[str, str], ...] = ()
    lhs: str = ""
    rhs: str = ""


@dataclass(frozen=True)
class Mutants:
    """What became of the altered statements. `total` leaves out those proved equivalent: they state the same."""

    total: int = 0
    rejected: int = 0
    equivalent: int = 0
    survivors: tuple[str, ...] = ()
    reason: str = ""  # why they were not judged, if they were not


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

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the row is not good, each starting with the witness's name; empty if it is."""
        found: list[str] = []
        if self.symbolic is not None and self.symbolic.verdict != self.expects:
            found.append(f"symbolic: {self.symbolic.verdict}, expected {self.expects}: {self.symbolic.reason}")
        if self.mutants is not None:
            found.extend(f"mutants: {problem}" for problem in self._mutant_problems(self.mutants))
        for name, testimony in (("numeric", self.numeric), ("torch", self.torch)):
            if isinstance(testimony, Missing):
                found.append(f"{name}: {testimony.verdict}: {testimony.reason}")
            elif isinstance(testimony, Evidence):
                found.extend(f"{name}: {testimony.verdict}: {problem}" for problem in testimony.problems)
        return tuple(found)

    def _mutant_problems(self, mutants: Mutants) -> Iterable[str]:
        if mutants.reason:
            yield mutants.reason
        elif mutants.survivors:
            yield f"{len(mutants.survivors)} survive: " + "; ".join(mutants.survivors)
        elif mutants.rejected != mutants.total:
            yield f"{mutants.total - mutants.rejected} of {mutants.total} are neither rejected nor named as survivors"
        elif not mutants.total and self.expects == "proved" and self.kind in KINDS_WITH_MUTANTS:
            yield f"an {self.kind} must have some, and this one has none"

    @property
    def good(self) -> bool:
        asked = (self.symbolic, self.mutants, self.numeric, self.torch)
        return any(part is not None for part in asked) and not self.problems

    def to_json(self) -> dict[str, Any]:
        row: dict[str, Any] = {
            "id": self.id,
            "tag": self.tag,
            "title": self.title,
            "statement": self.statement,
            "scope": self.scope,
            "sources": list(self.sources),
            "expects": self.expects,
            "good": self.good,
            "problems": list(self.problems),
        }
        if self.symbolic is not None:
            row["symbolic"] = _symbolic_json(self.symbolic, self.mutants)
        if self.numeric is not None:
            row["numeric"] = _testimony_json(self.numeric, gradient=False)
        if self.torch is not None:
            row["torch"] = _testimony_json(self.torch, gradient=True)
        return row


@dataclass(frozen=True)
class Ledger:
    """All rows, in the order of the claims, and the seed that gives them again."""

    rows: tuple[Row, ...]
    seed: int
    seconds: float

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
            "mutants_rejected": sum(part.rejected for part in mutants),
            "mutants_equivalent": sum(part.equivalent for part in mutants),
            "mutants_surviving": sum(len(part.survivors) for part in mutants),
        }
        for name in ("numeric", "torch"):
            verdicts = Counter(testimony.verdict for row in self.rows if (testimony := getattr(row, name)) is not None)
            counts |= {f"{name}_{verdict.replace(' ', '_')}": count for verdict, count in sorted(verdicts.items())}
        return counts

    def to_json(self) -> str:
        """The ledger as JSON (schema 1): strict JSON, the same for the same seed but for the seconds."""
        content = {
            "schema": SCHEMA,
            "versions": versions(),
            "seed": self.seed,
            "summary": self.counts() | {"assumptions": self.assumptions},
            "claims": [row.to_json() for row in self.rows],
        }
        return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


@dataclass(frozen=True)
class Question:
    """One thing to ask of one claim, in a worker process."""

    claim: str
    asked: Kind
    seed: int
    setting: Setting


Answers = Mapping[Question, tuple[Symbolic | Mutants | Testimony, float]]


def judge(
    ids: Sequence[str],
    *,
    witnesses: Sequence[WitnessName] = WITNESSES,
    mutants: bool = True,
    seed: int = 0,
    jobs: int = 1,
    time_limit: float = TIME_LIMIT,
    setting: Setting | None = None,
    on_done: Callable[[str], None] = lambda name: None,
) -> Ledger:
    """Ask the witnesses about the claims, over `jobs` processes, and keep the ledger.

    mutants: whether the symbolic witness also has to reject the mutants of each claim.
    time_limit: seconds for one question (one witness of one claim); past it the answer is 'undecided' or 'disagrees'.
    on_done: called after each answer with its name; `questions` tells how many there will be.
    Raises Unusable for claims or witnesses that cannot be read.
    """
    setting = setting or Setting()
    started = time.perf_counter()
    claims = theory.load(setting).claims()
    asked = questions(ids, claims, witnesses=witnesses, mutants=mutants, seed=seed, setting=setting)
    answers = ask(asked, jobs=jobs, time_limit=time_limit, on_done=on_done)
    return Ledger(tuple(row(claims[name], answers) for name in ids), seed, time.perf_counter() - started)


def ask(
    asked: Sequence[Question],
    *,
    jobs: int,
    time_limit: float = TIME_LIMIT,
    on_done: Callable[[str], None] = lambda name: None,
) -> Answers:
    """Put the questions to worker processes; every one has an answer in the end, if only 'it took too long'."""
    answers: dict[Question, tuple[Symbolic | Mutants | Testimony, float]] = {}
    imports = partial(prepare, tuple({(question.setting, question.asked): None for question in asked}))
    for done in pool.run(answer, asked, jobs=jobs, limit=time_limit, prepare=imports):
        found = _without_answer(done.task, done.result) if isinstance(done.result, pool.Failed) else done.result
        answers[done.task] = (found, done.seconds)
        on_done(f"{done.task.claim} · {done.task.asked}")
    return answers


def questions(
    ids: Sequence[str],
    claims: Mapping[str, Claim],
    *,
    witnesses: Sequence[WitnessName],
    mutants: bool,
    seed: int,
    setting: Setting,
) -> list[Question]:
    """What will be asked, in order: the proofs, the mutants of the claims that should hold, then the numbers.

    A claim that is false as printed has no mutants to reject: one of them is the right form.
    """
    asked: list[Question] = []
    for name in witnesses:
        asked += [Question(claim, name, seed, setting) for claim in ids]
        if name == "symbolic" and mutants:
            asked += [Question(claim, "mutants", seed, setting) for claim in ids if claims[claim].expects == "proved"]
    return asked


def answer(question: Question) -> Symbolic | Mutants | Testimony:
    """Answer one question; runs in a worker process and returns what travels: plain values, no SymPy."""
    source = theory.load(question.setting)
    if question.asked == "symbolic":
        return symbolic(source.judge(question.claim))
    if question.asked == "mutants":
        report = source.judge_mutants(question.claim, seed=question.seed)
        return Mutants(
            total=report.total - report.equivalent,
            rejected=report.rejected,
            equivalent=report.equivalent,
            survivors=tuple(f"{case.operator}: {case.claim.statements[case.part].text()}" for case in report.survivors),
        )
    expects = source.claims()[question.claim].expects
    return _registry(question.setting, question.asked).testify(question.claim, seed=question.seed, expects=expects)


def prepare(asked: Sequence[tuple[Setting, Kind]]) -> None:
    """Import in a worker process, before any clock runs, what these kinds of questions need."""
    for setting, kind in asked:
        theory.load(setting)
        if kind in ("numeric", "torch"):
            _registry(setting, kind)


def _registry(setting: Setting, kind: registry.Kind) -> registry.Registry:
    try:
        return registry.load(kind, theory.load(setting).claims(), package=setting.witnesses)
    except registry.RegistryError as error:
        raise Unusable(f"the {kind} witnesses cannot be used: {error}") from error
    except Exception as error:  # whatever a module may raise while it is imported
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise Unusable(
            f"the {kind} witnesses cannot be imported: {type(error).__name__}: {error} ({place.filename}, line "
            f"{place.lineno}); mend that module"
        ) from error


def symbolic(judgement: Judgement) -> Symbolic:
    """A judgement without its expressions: what is counted, printed and written as JSON."""
    verdict = judgement.verdict
    witness = getattr(verdict, "witness", None)
    return Symbolic(
        verdict=verdict.kind,
        reason=str(witness) if witness is not None else str(getattr(verdict, "reason", "")),
        steps=sum(len(part.steps) for part in judgement.parts),
        rules=tuple(judgement.rules),
        assumptions=tuple(judgement.assumptions),
        side_conditions=tuple(judgement.side_conditions),
        uses=tuple(judgement.uses),
        seconds=judgement.seconds,
        point=tuple(witness.values) if witness is not None else (),
        lhs=witness.lhs if witness is not None else "",
        rhs=witness.rhs if witness is not None else "",
    )


def row(claim: Claim, answers: Answers) -> Row:
    """The row of one claim, from whatever was answered about it."""
    about = {question.asked: found for question, found in answers.items() if question.claim == claim.id}
    parts: dict[str, Any] = {name: found for name, (found, _) in about.items()}
    return Row(
        id=claim.id,
        tag=claim.tag,
        title=claim.title,
        kind=claim.kind,
        statement=claim.latex(),
        scope=claim.scope,
        sources=tuple(claim.sources),
        expects=claim.expects,
        seconds={name: seconds for name, (_, seconds) in about.items()},
        **parts,
    )


def used_by(claim: str, claims: Iterable[str], answers: Answers) -> list[str]:
    """Which claims rest on this one directly, by the proofs that were judged, in the order of the claims."""
    users = {q.claim for q, (found, _) in answers.items() if isinstance(found, Symbolic) and claim in found.uses}
    return [name for name in claims if name in users]


def versions() -> dict[str, str]:
    """The versions that the figures were obtained with; asking imports none of them."""
    found = {"threefold": threefold.__version__}
    for name in ("sympy", "numpy", "torch"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _without_answer(question: Question, failed: pool.Failed) -> Symbolic | Mutants | Testimony:
    """What a question counts as when its worker failed, crashed or ran out of time: never green."""
    if question.asked == "symbolic":
        return Symbolic("undecided", reason=failed.reason)
    if question.asked == "mutants":
        return Mutants(reason=f"not judged: {failed.reason}")
    return Evidence(
        method="",
        cases=0,
        max_error=math.inf,
        tolerance=0.0,
        gradient="disagrees" if question.asked == "torch" else "",
        problems=(failed.reason,),
    )


def _symbolic_json(evidence: Symbolic, mutants: Mutants | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "verdict": evidence.verdict,
        "steps": evidence.steps,
        "rules": list(evidence.rules),
        "assumptions": list(evidence.assumptions),
        "side_conditions": list(evidence.side_conditions),
        "uses": list(evidence.uses),
        "seconds": round(evidence.seconds, 4),
        "mutants": {"total": 0, "rejected": 0, "equivalent": 0},
    }
    if mutants is not None:
        row["mutants"] = {"total": mutants.total, "rejected": mutants.rejected, "equivalent": mutants.equivalent}
        if mutants.survivors:
            row["mutants"]["survivors"] = list(mutants.survivors)
    if evidence.lhs or evidence.rhs:
        row["witness"] = {"values": dict(evidence.point), "lhs": evidence.lhs, "rhs": evidence.rhs}
    elif evidence.reason:
        row["reason"] = evidence.reason
    return row


def _testimony_json(testimony: Testimony, *, gradient: bool) -> dict[str, Any]:
    if not isinstance(testimony, Evidence):
        return {"verdict": testimony.verdict, "reason": testimony.reason}
    row: dict[str, Any] = {
        "verdict": testimony.verdict,
        "method": testimony.method,
        "cases": testimony.cases,
        "max_error": testimony.max_error if math.isfinite(testimony.max_error) else None,
        "tolerance": testimony.tolerance,
    }
    if gradient:
        row["gradient"] = testimony.gradient
        if testimony.gradient_reason:
            row["gradient_reason"] = testimony.gradient_reason
    if testimony.sampled:
        row["sampled"] = {"cases": testimony.sampled, "max_standard_errors": testimony.max_sigmas}
    if testimony.problems:
        row["problems"] = list(testimony.problems)
    return row
