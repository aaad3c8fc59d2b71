"""What the pages show beyond the ledger, as plain data: it is computed in a process of its own, beside the judging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import derivations
from derivations import Verdict
from derivations.refutation import vacuity
from threefold.errors import Unusable
from threefold.site import marked

# Claims whose mutants the "break it" widget offers: short enough to read, each from another chapter.
SHOWN_MUTANTS = (
    "gaussian.kl.isotropic",
    "ddpm.forward.marginal",
    "ddpm.posterior.mean",
    "ddpm.mean.eps_form",
    "ddpm.elbo.decomposition",
    "ddpm.loss.eps_x0_equivalence",
)


@dataclass(frozen=True)
class Broken:
    """A mutant and what became of it: its TeX, the same with marks, the witness, or why it says the same."""

    operator: str
    part: int
    tex: str
    marks: str
    outcome: str
    point: tuple[tuple[str, str], ...]
    lhs: str
    rhs: str


@dataclass(frozen=True)
class Evidence:
    """By claim: whether its domain has a point, what its hypotheses are needed for, and mutants to look at."""

    inhabited: Mapping[str, bool]
    needs: Mapping[str, tuple[tuple[str, bool, str], ...]]
    mutants: Mapping[str, tuple[Broken, ...]]


def errata() -> dict[str, tuple[Verdict, str]]:
    """By id, the verdict on the printed form and the word for the corrected one ("" for words only).

    Raises Unusable when an erratum is not refuted: nothing may be called wrong that was not shown wrong.
    """
    found: dict[str, tuple[Verdict, str]] = {}
    for erratum in derivations.errata():
        report = derivations.judge_erratum(erratum, shadows=False)
        if report.verdict.kind != "refuted":
            raise Unusable(f"erratum {erratum.id} is {report.verdict.kind}, not refuted; see `threefold errata`")
        corrected = report.correction_verdict
        found[erratum.id] = (report.verdict, corrected.kind if corrected is not None else "")
    return found


def gather() -> Evidence:
    """All of it, for every claim."""
    claims = derivations.claims()
    return Evidence(
        inhabited={name: vacuity.inhabited(claim) for name, claim in claims.items()},
        needs={
            name: tuple((need.what, need.needed, need.because) for need in vacuity.needs(claim))
            for name, claim in claims.items()
        },
        mutants={name: _broken(name) for name in SHOWN_MUTANTS if name in claims},
    )


def _broken(name: str) -> tuple[Broken, ...]:
    found = []
    for case in derivations.judge_mutants(name).cases:
        witness = case.witness
        found.append(
            Broken(
                case.operator,
                case.part,
                case.claim.says[case.part].latex(),
                marked.statement(case.claim.says[case.part]),
                case.outcome,
                witness.values if witness else (),
                witness.lhs if witness else "",
                witness.rhs if witness else "",
            )
        )
    return tuple(found)
