"""The ledger as JSON, schema 1: strict JSON, the same for the same seed but for the seconds and what was reused."""

from __future__ import annotations

import importlib.metadata
import json
import math
from typing import Any

import threefold
from threefold.ledger.rows import Ledger, Measured, Mutants, Row, StatementRow, Symbolic, Testimony
from threefold.witnesses.registry import Evidence

SCHEMA = 1


def text(ledger: Ledger) -> str:
    """The whole ledger."""
    content = {
        "schema": SCHEMA,
        "versions": versions(),
        "seed": ledger.seed,
        "reused": {"answers": ledger.reused, "of": ledger.answers},
        "summary": ledger.counts()
        | {
            "assumptions": ledger.assumptions,
            "statements": ledger.statement_counts(),
            "steps_by_tier": ledger.steps_by_tier(),
            "shadows": ledger.shadows(),
        },
        "claims": [of_row(row) for row in ledger.rows],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def of_row(row: Row) -> dict[str, Any]:
    """One claim: its statement, what each witness that was asked says, and the same statement by statement."""
    found: dict[str, Any] = {
        "id": row.id,
        "tag": row.tag,
        "title": row.title,
        "statement": row.statement,
        "scope": row.scope,
        "sources": list(row.sources),
        "expects": row.expects,
        "good": row.good,
        "problems": list(row.problems),
        "reused": row.reused > 0,
    }
    if row.order is not None:
        claimed, leading = row.order
        held = row.symbolic is not None and row.symbolic.verdict == "proved"
        found["order"] = {"claimed": claimed, "proved": claimed if held else None, "leading": leading}
    if row.symbolic is not None:
        found["symbolic"] = _symbolic(row.symbolic, row.mutants)
    if row.numeric is not None:
        found["numeric"] = _testimony(row.numeric, gradient=False)
    if row.torch is not None:
        found["torch"] = _testimony(row.torch, gradient=True)
    found["statements"] = [_statement(statement) for statement in row.by_statement()]
    return found


def versions() -> dict[str, str]:
    """The versions that the figures were obtained with; asking imports none of them."""
    found = {"threefold": threefold.__version__}
    for name in ("sympy", "numpy", "torch"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def _symbolic(evidence: Symbolic, mutants: Mutants | None) -> dict[str, Any]:
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
    if evidence.shadowed or evidence.unshadowed:
        row["shadow"] = {"steps": evidence.shadowed, "without": list(evidence.unshadowed)}
    if evidence.lhs or evidence.rhs:
        row["witness"] = {"values": dict(evidence.point), "lhs": evidence.lhs, "rhs": evidence.rhs}
    elif evidence.reason:
        row["reason"] = evidence.reason
    return row


def _testimony(testimony: Testimony, *, gradient: bool) -> dict[str, Any]:
    if not isinstance(testimony, Evidence):
        return {"verdict": testimony.verdict, "reason": testimony.reason}
    row: dict[str, Any] = {
        "verdict": testimony.verdict,
        "method": testimony.method,
        "cases": testimony.cases,
        "max_error": _finite(testimony.max_error),
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


def _statement(row: StatementRow) -> dict[str, Any]:
    found: dict[str, Any] = {"name": row.said.name, "latex": row.said.latex}
    if row.symbolic is not None:
        found["symbolic"] = row.symbolic
    for name, measured in (("numeric", row.numeric), ("torch", row.torch)):
        if measured is not None:
            found[name] = _measured(measured)
    return found


def _measured(measured: Measured) -> dict[str, Any]:
    found: dict[str, Any] = {"verdict": measured.verdict}
    if measured.comparisons:
        found |= {
            "comparisons": measured.comparisons,
            "max_error": _finite(measured.max_error),
            "tolerance": measured.tolerance,
            "dtypes": list(measured.dtypes),
        }
        if measured.sampled:
            found["sampled"] = measured.sampled
        if measured.loose:
            found["loose"] = {"comparisons": measured.loose, "widest_bound": _finite(measured.loosest)}
    if measured.reason:
        found["reason"] = measured.reason
    return found


def _finite(figure: float | None) -> float | None:
    return figure if figure is not None and math.isfinite(figure) else None
