"""Mistakes in published texts, one module a text. What can be computed is refuted; the rest is listed plainly."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from derivations.kernel.verdict import Verdict
from derivations.library import claims, judge, prove
from derivations.published.erratum import Editorial, Erratum
from derivations.published.public_quoted import QUOTED as PUBLIC

TEXTS = ("notes", "article", "slides", "journey", "staircase", "public_laws", "public_samplers")


@dataclass(frozen=True)
class ErratumReport:
    """The verdict on the printed form (refuted is expected) and on the corrected form (proved; None: words only)."""

    erratum: Erratum
    verdict: Verdict
    correction_verdict: Verdict | None


# What stands in the text where a refuted claim of the ledger is what that implies.
QUOTED = {"B1": "‖ε − ε_θ(x_t, t)‖² on average over t, called the whole weighted ELBO, and exactly an ELBO"}


@cache
def errata() -> tuple[Erratum, ...]:
    """Every erratum that the kernel can judge, text by text; the ledger's claims that are false come first."""
    listed = (e for text in TEXTS for e in importlib.import_module(f"derivations.published.{text}").ERRATA)
    listed = (replace(e, quoted=e.quoted or PUBLIC.get(e.id, "")) for e in listed)
    return (*_from_the_ledger(), *listed)


def _from_the_ledger() -> Iterator[Erratum]:
    for claim in claims().values():
        if claim.expects == "refuted" and claim.errata and claim.corrected_by:
            right = f"see {claim.corrected_by}"
            source = "; ".join(claim.sources)
            quoted = QUOTED.get(claim.errata[0], "")
            yield Erratum(claim.errata[0], source, "wrong", claim, claim.words, right, claim.corrected_by, quoted)


@cache
def editorial() -> tuple[Editorial, ...]:
    """Slips that no formula can refute: citations, lost mark-up, words."""
    return tuple(e for text in TEXTS for e in importlib.import_module(f"derivations.published.{text}").EDITORIAL)


def judge_erratum(erratum: Erratum, *, shadows: bool = True) -> ErratumReport:
    """Refute what was printed and prove what should have been; `shadows` as for `judge`."""
    corrected = None if erratum.correction is None else prove(erratum.correction, shadows=shadows)
    return ErratumReport(erratum, judge(erratum.printed, shadows=shadows).verdict, corrected)


__all__ = ["Editorial", "Erratum", "ErratumReport", "editorial", "errata", "judge_erratum"]
