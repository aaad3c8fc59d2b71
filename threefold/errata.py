"""Published statements that are wrong as printed, judged now: each must be refuted, and its correction proved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from threefold import account, pool, theory
from threefold.account import Errata, Finding, Slip
from threefold.ledger.cache import Cache
from threefold.ledger.questions import TIME_LIMIT
from threefold.theory import Setting, Theory

if TYPE_CHECKING:
    from derivations import Erratum


@dataclass(frozen=True)
class ErratumQuestion:
    """One erratum to judge, in a worker process."""

    id: str
    setting: Setting


def known(setting: Setting, cache: Cache | None = None) -> Errata:
    """What was found before, on the same sources; else the errata as they describe themselves, judged by nobody."""
    stored = cache.errata() if cache is not None else None
    if stored is not None:
        return stored
    source = theory.load(setting)
    slips = tuple(Slip(slip.id, slip.source, slip.printed, slip.correction) for slip in source.editorial())
    return Errata(tuple(described(erratum, source) for erratum in source.errata()), slips)


def refute(
    names: Sequence[str],
    *,
    jobs: int,
    setting: Setting,
    time_limit: float = TIME_LIMIT,
    cache: Cache | None = None,
    on_done: Callable[[str], None] = lambda name: None,
) -> list[Finding]:
    """Judge the errata with these ids, or take them from the cache, and return the findings in the same order."""
    before = known(setting, cache)
    found = {finding.id: finding for finding in before.findings}
    asked = [ErratumQuestion(name, setting) for name in names if not found[name].good]
    for done in pool.run(answer, asked, jobs=jobs, limit=time_limit, prepare=partial(theory.load, setting)):
        if isinstance(done.result, pool.Failed):
            found[done.task.id] = replace(found[done.task.id], reason=done.result.reason)
        else:
            found[done.task.id] = done.result
        on_done(done.task.id)
    if cache is not None and asked:
        kept = tuple(now if now.good else then for now, then in zip(found.values(), before.findings, strict=True))
        cache.put_errata(replace(before, findings=kept))
        cache.save(None)
    return [found[name] for name in names]


def described(erratum: Erratum, source: Theory) -> Finding:
    """What the erratum says of itself, before anybody judged it."""
    correction = source.claims().get(erratum.correction) if isinstance(erratum.correction, str) else erratum.correction
    return Finding(
        id=erratum.id,
        source=erratum.source,
        severity=erratum.severity,
        quoted=erratum.quoted,
        printed=erratum.printed_text,
        words=erratum.words,
        right=erratum.right,
        correction=correction.text() if correction is not None else "",
        correction_claim=erratum.correction_claim or "",
    )


def answer(question: ErratumQuestion) -> Finding:
    """Judge one erratum; runs in a worker process."""
    source = theory.load(question.setting)
    erratum = next(erratum for erratum in source.errata() if erratum.id == question.id)
    report = source.judge_erratum(erratum)
    judged = account.outcome(report.verdict)
    return replace(
        described(erratum, source),
        verdict=judged.kind,
        reason=judged.reason if not (judged.lhs or judged.rhs) else "",
        point=judged.point,
        lhs=judged.lhs,
        rhs=judged.rhs,
        note=judged.note,
        correction_verdict=report.correction_verdict.kind if report.correction_verdict is not None else "",
    )
