"""Claims of the way from VAEs to diffusion models, and a small kernel that judges their proofs step by step."""

from derivations.exercises import claims as exercises
from derivations.kernel.claims import Claim, Statement
from derivations.kernel.judge import Judgement
from derivations.kernel.verdict import Assumed, Disputed, Proved, Refuted, Supported, Undecided, Verdict, Witness
from derivations.library import DuplicateClaim, UnknownClaim, claims, judge, judge_mutants, mutants, prove
from derivations.published import Editorial, Erratum, ErratumReport, editorial, errata, judge_erratum
from derivations.refutation.mutants import MutantReport

__all__ = [
    "Assumed",
    "Claim",
    "Disputed",
    "DuplicateClaim",
    "Editorial",
    "Erratum",
    "ErratumReport",
    "Judgement",
    "MutantReport",
    "Proved",
    "Refuted",
    "Statement",
    "Supported",
    "Undecided",
    "UnknownClaim",
    "Verdict",
    "Witness",
    "claims",
    "editorial",
    "errata",
    "exercises",
    "judge",
    "judge_erratum",
    "judge_mutants",
    "mutants",
    "prove",
]
