"""What is asked of the claims, put to worker processes or taken from the cache where its hash is equal."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from threefold import account, claimfile, pool, theory
from threefold.account import Condition, Heading, condition
from threefold.errors import Unusable
from threefold.ledger.cache import Cache
from threefold.ledger.rows import WITNESSES, Ledger, Mutants, Symbolic, Testimony, WitnessName, row_of
from threefold.theory import Setting
from threefold.witnesses import registry
from threefold.witnesses.registry import Evidence

if TYPE_CHECKING:
    from derivations import Claim, Judgement

Kind = Literal["symbolic", "mutants", "numeric", "torch"]  # of question: the mutants are asked about apart
TIME_LIMIT = 120.0


@dataclass(frozen=True)
class Question:
    """One thing to ask of one claim, in a worker process.

    said: what a claim of a file of one's own said of itself when it was read; it must say the same when it was judged.
    """

    claim: str
    asked: Kind
    seed: int
    setting: Setting
    said: Heading | None = None


@dataclass(frozen=True)
class Answer:
    """What was answered, how long it took, whether it is of an earlier run, and whether it stands for want of one."""

    found: Symbolic | Mutants | Testimony
    seconds: float
    reused: bool = False
    failed: bool = False


Answers = Mapping[Question, Answer]


def judge(
    ids: Sequence[str],
    *,
    witnesses: Sequence[WitnessName] = WITNESSES,
    mutants: bool = True,
    seed: int = 0,
    jobs: int = 1,
    time_limit: float = TIME_LIMIT,
    setting: Setting | None = None,
    cache: Cache | None = None,
    headings: Mapping[str, Heading] | None = None,
    on_done: Callable[[str], None] = lambda name: None,
) -> Ledger:
    """Ask the witnesses about the claims, over `jobs` processes, and keep the ledger.

    mutants: whether the symbolic witness also has to reject the mutants of each claim.
    time_limit: seconds for one question (one witness of one claim); past it the answer is 'undecided' or 'disagrees'.
    cache: where answers of earlier runs are, and new ones go; nothing is reused or kept without it.
    headings: of all the claims, where they are known already.
    on_done: called after each answer with its name; `questions` tells how many there will be.
    Raises Unusable for claims or witnesses that cannot be read.
    """
    setting = setting or Setting()
    started = time.perf_counter()
    known = headings if headings is not None else theory.headings(setting)
    asked = questions(ids, known, witnesses=witnesses, mutants=mutants, seed=seed, setting=setting)
    answers = ask(asked, jobs=jobs, time_limit=time_limit, cache=cache, headings=known, on_done=on_done)
    rows = tuple(row(known[name], answers) for name in ids)
    reused = sum(answer.reused for answer in answers.values())
    return Ledger(rows, seed, time.perf_counter() - started, reused, len(answers))


def ask(
    asked: Sequence[Question],
    *,
    jobs: int,
    time_limit: float = TIME_LIMIT,
    cache: Cache | None = None,
    headings: Mapping[str, Heading] | None = None,
    here: bool = False,
    on_done: Callable[[str], None] = lambda name: None,
) -> Answers:
    """Answer every question, from the cache or by a worker process; if only by 'it took too long'.

    here: in this process, one after the other and without a time limit, which starts sooner.
    """
    answers: dict[Question, Answer] = {}
    if cache is not None and headings is not None:
        for question in asked:
            stored = cache.get(question.claim, question.asked, question.seed, headings)
            if stored is not None:
                answers[question] = Answer(*stored, reused=True)
                on_done(f"{question.claim} · {question.asked}")
    left = [question for question in asked if question not in answers]
    for done in _answered_here(left) if here else _answered(left, jobs, time_limit):
        failed = isinstance(done.result, pool.Failed)
        found = _without_answer(done.task, done.result) if isinstance(done.result, pool.Failed) else done.result
        answers[done.task] = Answer(found, done.seconds, failed=failed)
        on_done(f"{done.task.claim} · {done.task.asked}")
    if cache is not None and headings is not None:
        for question, given in answers.items():
            if not given.reused and not given.failed and final(given.found):
                cache.put(question.claim, question.asked, question.seed, given.found, given.seconds)
        cache.save(headings)
    return {question: answers[question] for question in asked}


def _answered(asked: Sequence[Question], jobs: int, time_limit: float) -> Iterator[pool.Done[Question, Any]]:
    limit = claimfile.LIMIT if any(question.setting.file for question in asked) else math.inf
    prepared = partial(prepare, tuple({(question.setting, question.asked): None for question in asked}))
    torch = ("torch",) if any(question.asked == "torch" for question in asked) else ()
    return pool.run(answer, asked, jobs=jobs, limit=time_limit, prepare=prepared, prepare_limit=limit, imports=torch)


def _answered_here(asked: Sequence[Question]) -> Iterator[pool.Done[Question, Any]]:
    for question in asked:
        started = time.perf_counter()
        try:
            found = answer(question)
        except Unusable:
            raise
        except Exception as error:
            yield pool.Done(question, pool.Failed(f"{type(error).__name__}: {error}"), time.perf_counter() - started)
        else:
            yield pool.Done(question, found, time.perf_counter() - started)


def final(found: Symbolic | Mutants | Testimony) -> bool:
    """Whether an answer may be kept: not where time ran out or somebody may yet find more, nor where it is red."""
    if isinstance(found, Symbolic):
        return found.verdict in ("proved", "refuted", "definition")
    if isinstance(found, Mutants):
        return not (found.reason or found.survivors)
    return found.verdict in ("agrees", "not applicable")


def questions(
    ids: Sequence[str],
    headings: Mapping[str, Heading],
    *,
    witnesses: Sequence[WitnessName],
    mutants: bool,
    seed: int,
    setting: Setting,
) -> list[Question]:
    """What will be asked, in order: the proofs, the mutants of the claims that should hold, then the numbers.

    A claim that is false as printed has no mutants to reject: one of them is the right form. A file of claims need not
    register witnesses; those that it does are asked.
    """
    asked: list[Question] = []
    for name in witnesses:
        for claim in ids:
            known = headings[claim].witnesses
            if name == "symbolic" or known is None or name in known:
                said = headings[claim] if setting.file and name == "symbolic" else None
                asked.append(Question(claim, name, seed, setting, said))
        if name == "symbolic" and mutants:
            asked += [Question(claim, "mutants", seed, setting) for claim in ids if headings[claim].expects == "proved"]
    return asked


def answer(question: Question) -> Symbolic | Mutants | Testimony:
    """Answer one question; runs in a worker process and returns what travels: plain values, no SymPy."""
    if not question.setting.file:
        return _answer(question)
    with claimfile.quiet():
        return _answer(question)


def _answer(question: Question) -> Symbolic | Mutants | Testimony:
    source = theory.load(question.setting)
    claim = source.claims()[question.claim]
    if question.asked == "symbolic":
        found = symbolic(source.judge(question.claim))
        if question.said is not None:
            claimfile.refuse_other_words(question.setting.file, question.said, claim, found.parts)
        return replace(found, rests_on=_rests_on(found.uses, source), given=tuple(_conditions(claim)))
    if question.asked == "mutants":
        report = source.judge_mutants(question.claim, seed=question.seed)
        return Mutants(
            total=report.total - report.equivalent,
            rejected=report.rejected,
            equivalent=report.equivalent,
            survivors=tuple(f"{case.operator}: {case.claim.statements[case.part].text()}" for case in report.survivors),
        )
    witnesses = _registry(question.setting, question.asked)
    return witnesses.testify(question.claim, seed=question.seed, expects=claim.expects)


def prepare(asked: Sequence[tuple[Setting, Kind]]) -> None:
    """Import in a worker process, before any clock runs, what these kinds of questions need."""
    for setting, kind in asked:
        theory.load(setting)
        if kind in ("numeric", "torch"):
            _registry(setting, kind)


def _registry(setting: Setting, kind: registry.Kind) -> registry.Registry:
    try:
        if setting.file:  # what the file registers, and no witness of the package
            found = registry.REGISTRIES[kind]
            found.check(theory.load(setting).claims())
            return found
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
    found = account.outcome(judgement.verdict)
    shadow = getattr(judgement, "shadow", None)
    return Symbolic(
        verdict=found.kind,
        reason=found.reason,
        steps=sum(len(part.steps) for part in judgement.parts),
        rules=tuple(judgement.rules),
        assumptions=tuple(judgement.assumptions),
        side_conditions=tuple(judgement.side_conditions),
        uses=tuple(judgement.uses),
        seconds=judgement.seconds,
        point=found.point,
        lhs=found.lhs,
        rhs=found.rhs,
        note=found.note,
        parts=account.of_judgement(judgement),
        shadowed=0 if shadow is None else shadow.full,
        unshadowed=() if shadow is None else shadow.without,
    )


def _rests_on(uses: Iterable[str], source: theory.Theory) -> tuple[str, ...]:
    """What a proof uses, also by way of the proofs of that."""
    found: dict[str, None] = {}
    waiting = list(uses)
    while waiting:
        if (name := waiting.pop(0)) not in found:
            found[name] = None
            waiting.extend(source.judge(name).uses)
    return tuple(found)


def _conditions(claim: Claim) -> Iterable[Condition]:
    """Each hypothesis in words, and what goes wrong without it."""
    from derivations import Claim as KernelClaim
    from derivations.refutation import vacuity

    found = {}
    if isinstance(claim, KernelClaim):
        with suppress(Exception):  # what cannot be evaluated without a hypothesis says nothing about it
            found = {need.what: need for need in vacuity.needs(claim)}
    for hypothesis in claim.hypotheses:
        need = found.get(hypothesis.name)
        why = "" if need is None else f"needed: {need.because}" if need.needed else need.because
        yield condition(hypothesis, why)


def row(heading: Heading, answers: Answers) -> Any:
    """The row of one claim, from whatever was answered about it."""
    about = {question.asked: answer for question, answer in answers.items() if question.claim == heading.id}
    found: dict[str, Any] = {name: answer.found for name, answer in about.items()}
    seconds = {name: answer.seconds for name, answer in about.items()}
    reused = sum(answer.reused for answer in about.values())
    return row_of(heading, seconds=seconds, reused=reused, **found)


def used_by(claim: str, claims: Iterable[str], answers: Answers) -> list[str]:
    """Which claims rest on this one directly, by the proofs that were judged, in the order of the claims."""
    users = {q.claim for q, given in answers.items() if isinstance(given.found, Symbolic) and claim in given.found.uses}
    return [name for name in claims if name in users]


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
