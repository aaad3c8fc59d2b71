"""Published statements that are wrong as printed, judged now: each must be refuted, and its correction proved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from threefold import pool, theory
from threefold.ledger import TIME_LIMIT
from threefold.theory import Setting


@dataclass(frozen=True)
class Finding:
    """One erratum and what the kernel says of it. `point`, `lhs`, `rhs` are the numbers at which it fails."""

    id: str
    source: str = ""
    severity: str = ""
    printed: str = ""
    words: str = ""
    correction: str = ""
    correction_claim: str = ""
    verdict: str = "undecided"
    reason: str = ""
    point: tuple[tuple[str, str], ...] = ()
    lhs: str = ""
    rhs: str = ""
    note: str = ""
    correction_verdict: str = "undecided"

    @property
    def good(self) -> bool:
        """Refuted with numbers, and its correction proved."""
        return self.verdict == "refuted" and bool(self.lhs and self.rhs) and self.correction_verdict == "proved"


@dataclass(frozen=True)
class Question:
    """One erratum to judge, in a worker process."""

    id: str
    setting: Setting


def refute(
    names: Sequence[str],
    *,
    jobs: int,
    setting: Setting,
    time_limit: float = TIME_LIMIT,
    on_done: Callable[[str], None] = lambda name: None,
) -> list[Finding]:
    """Judge the errata with these ids, and return the findings in the same order."""
    found: dict[str, Finding] = {}
    for done in pool.run(answer, [Question(name, setting) for name in names], jobs=jobs, limit=time_limit):
        result = done.result
        found[done.task.id] = Finding(done.task.id, reason=result.reason) if isinstance(result, pool.Failed) else result
        on_done(done.task.id)
    return [found[name] for name in names]


def answer(question: Question) -> Finding:
    """Judge one erratum; runs in a worker process."""
    source = theory.load(question.setting)
    erratum = next(erratum for erratum in source.errata() if erratum.id == question.id)
    report = source.judge_erratum(erratum)
    correction = erratum.correction
    witness = getattr(report.verdict, "witness", None)
    return Finding(
        id=erratum.id,
        source=erratum.source,
        severity=erratum.severity,
        printed=erratum.printed_text,
        words=erratum.words,
        correction=(source.claims()[correction] if isinstance(correction, str) else correction).text(),
        correction_claim=erratum.correction_claim or "",
        verdict=report.verdict.kind,
        reason=str(getattr(report.verdict, "reason", "")),
        point=tuple(witness.values) if witness is not None else (),
        lhs=witness.lhs if witness is not None else "",
        rhs=witness.rhs if witness is not None else "",
        note=witness.note if witness is not None else "",
        correction_verdict=report.correction_verdict.kind,
    )
