"""Published statements that are wrong as printed, judged now: each must be refuted, and its correction proved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from threefold import pool, theory
from threefold.ledger import TIME_LIMIT
from threefold.theory import Setting, Theory

if TYPE_CHECKING:
    from derivations import Erratum


@dataclass(frozen=True)
class Finding:
    """One erratum and what the kernel says of it. `point`, `lhs`, `rhs` are the numbers at which it fails."""

    id: str
    source: str = ""
    severity: str = ""
    printed: str = ""
    words: str = ""
    right: str = ""
    correction: str = ""
    correction_claim: str = ""
    verdict: str = "undecided"
    reason: str = ""
    point: tuple[tuple[str, str], ...] = ()
    lhs: str = ""
    rhs: str = ""
    note: str = ""
    correction_verdict: str = "undecided"  # empty where the correction is words only

    @property
    def good(self) -> bool:
        """Refuted with numbers, and its correction proved unless it is words only."""
        refuted = self.verdict == "refuted" and bool(self.lhs and self.rhs)
        return refuted and self.correction_verdict in ("proved", "")


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
    source = theory.load(setting)
    found = {erratum.id: described(erratum, source) for erratum in source.errata()}
    asked = [Question(name, setting) for name in names]
    for done in pool.run(answer, asked, jobs=jobs, limit=time_limit, prepare=partial(theory.load, setting)):
        if isinstance(done.result, pool.Failed):
            found[done.task.id] = replace(found[done.task.id], reason=done.result.reason)
        else:
            found[done.task.id] = done.result
        on_done(done.task.id)
    return [found[name] for name in names]


def described(erratum: Erratum, source: Theory) -> Finding:
    """What the erratum says of itself, before anybody judged it."""
    correction = source.claims().get(erratum.correction) if isinstance(erratum.correction, str) else erratum.correction
    return Finding(
        id=erratum.id,
        source=erratum.source,
        severity=erratum.severity,
        printed=erratum.printed_text,
        words=erratum.words,
        right=erratum.right,
        correction=correction.text() if correction is not None else "",
        correction_claim=erratum.correction_claim or "",
    )


def answer(question: Question) -> Finding:
    """Judge one erratum; runs in a worker process."""
    source = theory.load(question.setting)
    erratum = next(erratum for erratum in source.errata() if erratum.id == question.id)
    report = source.judge_erratum(erratum)
    witness = getattr(report.verdict, "witness", None)
    return replace(
        described(erratum, source),
        verdict=report.verdict.kind,
        reason=str(getattr(report.verdict, "reason", "")),
        point=tuple(witness.values) if witness is not None else (),
        lhs=witness.lhs if witness is not None else "",
        rhs=witness.rhs if witness is not None else "",
        note=witness.note if witness is not None else "",
        correction_verdict=report.correction_verdict.kind if report.correction_verdict is not None else "",
    )
