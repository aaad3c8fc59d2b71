"""What a witness yields and what is made of it, as plain data: comparisons in, evidence for each statement out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["numeric", "torch"]
LOOSE = 1e-8  # a deterministic float64 comparison whose bound, relative to the value, is wider is counted as loose


# --- what a witness yields --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """One value against another, which must agree. Numbers or arrays of one shape: NumPy, torch, SymPy, plain.

    standard_error: of the difference, where either side is sampled: a number, or one for each element.
    scale: what the error is relative to, where max|expected| is not it (say, terms that cancel to zero).
    tolerance, because: a bound of its own and where it comes from (float32, bfloat16); it must be derived, not fitted.
    bound: instead of scale and tolerance, the largest |value - expected| of each element, derived; needs `because`.
    gradient: an autograd derivative against the symbolic one; counted apart in a torch witness.
    part: the statement that is measured, from 0; None for what belongs to none of them.
    dtype: what the value was computed in, where that is not float64.
    """

    label: str
    value: Any
    expected: Any
    standard_error: Any = None
    scale: float | None = None
    tolerance: float | None = None
    because: str = ""
    gradient: bool = False
    part: int | None = None
    bound: Any = None
    dtype: str = "float64"


@dataclass(frozen=True)
class Differs:
    """One value against another, which must *not* agree: off by more than `gap`, relative to max|expected|.

    For what is false as printed, and for what a hypothesis is needed for.
    """

    label: str
    value: Any
    expected: Any
    gap: float = 1e-3
    part: int | None = None


# --- what is made of it -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StatementEvidence:
    """What one witness measured of one statement of a claim.

    verdict: "agrees", "disagrees", or "not applicable" with a `reason`.
    comparisons: how many values were compared with the statement, in all dtypes, gradients and samples included.
    max_error, tolerance: largest error and largest bound, relative to the value, of deterministic float64 comparisons
    whose bound is at most 1e-8 of the value; `loose` counts the others, `loosest` is the widest bound among them.
    sampled, max_sigmas: how many comparisons were sampled, and the largest distance in standard errors.
    dtypes: what the values were computed in. gradients: how many derivatives were compared.
    """

    part: int
    verdict: str
    reason: str = ""
    method: str = ""
    comparisons: int = 0
    max_error: float = 0.0
    tolerance: float = 0.0
    loose: int = 0
    loosest: float = 0.0
    sampled: int = 0
    max_sigmas: float = 0.0
    gradients: int = 0
    dtypes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What a witness found. It agrees only if `problems` is empty; the figures are those of the worst comparison.

    max_error, tolerance: of the deterministic comparisons at the witness's own tolerance; where all are sampled, the
    largest relative error and five times the largest standard error allowed.
    loose, loosest: how many deterministic comparisons have a bound beyond 1e-8 of the value, and the widest of them.
    sampled, max_sigmas: how many comparisons were sampled, and the largest distance in standard errors among them.
    gradient: "agrees", "disagrees" or "not applicable" (torch only).
    statements: the same statement by statement, in order; empty for a witness that does not say what it measures.
    """

    method: str
    cases: int
    max_error: float
    tolerance: float
    sampled: int = 0
    max_sigmas: float = 0.0
    gradient: str = ""
    gradient_reason: str = ""
    problems: tuple[str, ...] = ()
    statements: tuple[StatementEvidence, ...] = ()
    loose: int = 0
    loosest: float = 0.0

    @property
    def verdict(self) -> str:
        return "disagrees" if self.problems else "agrees"


@dataclass(frozen=True)
class NotApplicable:
    """There is nothing that this witness could measure, and why."""

    reason: str
    verdict: str = "not applicable"


@dataclass(frozen=True)
class Missing:
    """Nobody has registered a witness. Not green."""

    reason: str
    verdict: str = "missing"


Testimony = Evidence | NotApplicable | Missing


def by_statement(testimony: Testimony, statements: int) -> tuple[StatementEvidence, ...]:
    """The evidence for each of a claim's statements, whatever the testimony; a witness that does not say is 'missing'.

    What is not applicable to the claim is not applicable to any of its statements, for the same reason.
    """
    if isinstance(testimony, Evidence) and len(testimony.statements) == statements:
        return testimony.statements
    reason = "the witness does not say which statements it measures"
    if not isinstance(testimony, Evidence):
        reason = testimony.reason
    verdict = testimony.verdict if not isinstance(testimony, Evidence) else "missing"
    return tuple(StatementEvidence(part, verdict, reason) for part in range(statements))


def unmeasured(*testimonies: Iterable[StatementEvidence]) -> tuple[int, ...]:
    """The statements (from 0) that none of these witnesses has measured, each given statement by statement."""
    return tuple(
        part for part, found in enumerate(zip(*testimonies, strict=True)) if not any(one.comparisons for one in found)
    )
