"""Claims of the way from VAEs to diffusion models, and a small kernel that judges their proofs step by step."""

from derivations.kernel.claims import Claim, Statement
from derivations.kernel.judge import Judgement
from derivations.kernel.verdict import Assumed, Proved, Refuted, Supported, Undecided, Verdict, Witness
from derivations.library import DuplicateClaim, UnknownClaim, claims, judge, judge_mutants, mutants, prove

__all__ = [
    "Assumed",
    "Claim",
    "DuplicateClaim",
    "Judgement",
    "Proved",
    "Refuted",
    "Statement",
    "Supported",
    "Undecided",
    "UnknownClaim",
    "Verdict",
    "Witness",
    "claims",
    "judge",
    "judge_mutants",
    "mutants",
    "prove",
]
