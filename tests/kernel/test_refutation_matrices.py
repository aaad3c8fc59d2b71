"""Derivatives, series and integrals of what is made of matrices: false ones are refuted, true ones are not."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from derivations import Claim, Statement
from derivations.notation import d, k
from derivations.refutation.refute import search
from derivations.rules import (
    NONNEGATIVE,
    POSITIVE,
    D,
    Domain,
    Grad,
    IntegralTo,
    LogDet,
    Norm2,
    Quadratic,
    Series,
    Trace,
    covariance,
    matrix,
    scalar,
    vector,
)

A, W = covariance("Refuted_A"), matrix("Refuted_W")
c, u = scalar("refuted_c"), vector("refuted_u")
SIZES = {"Refuted_A": 2, "Refuted_W": (d, k)}
OPEN = Domain({"refuted_c": POSITIVE}, {k: (1, sp.oo)}, sizes=SIZES)
CLOSED = Domain({"refuted_c": NONNEGATIVE}, {k: (1, sp.oo)}, sizes=SIZES)
FALSE = {
    "of a determinant": (D(LogDet(A + c), c), 0, OPEN),
    "of a rectangular matrix's": (D(LogDet(W * W.T + c), c), 0, OPEN),
    "of a multiple": (D(LogDet(c * A), c), 1 / c, OPEN),
    "of an inverse": (D(Quadratic(u, (A + c) ** -1, u), c), 0, OPEN),
    "twice": (D(D(LogDet(A + c), c), c), 0, OPEN),
    "a gradient": (Grad(LogDet(A + Norm2(u)), u), u, OPEN),
    "a series": (Series(LogDet(A + c), c, 2), 3 * c, CLOSED),
    "an integral": (IntegralTo(LogDet(A + c), c, 0, 1), 0, CLOSED),
}
TRUE = {
    "of a determinant": (D(LogDet(A + c), c), Trace((A + c) ** -1, 2), OPEN),
    "of a multiple": (D(LogDet(c * A), c), 2 / c, OPEN),
    "of an inverse": (D(Quadratic(u, (A + c) ** -1, u), c), -Quadratic(u, (A + c) ** -2, u), OPEN),
    "a series": (Series(LogDet(A + c), c, 2), LogDet(A) + c * Trace(A**-1, 2), CLOSED),
}


def looked_for(lhs: Any, rhs: Any, domain: Domain) -> Any:
    says = (Statement(lhs, "=", rhs),)
    return search(Claim("refuted.matrices", "", "", "identity", says, "", (), domain), 0, tries=3)


@pytest.mark.parametrize("name", FALSE)
def test_a_false_one_is_refuted(name: str) -> None:
    assert looked_for(*FALSE[name]).witness is not None


@pytest.mark.parametrize("name", TRUE)
def test_a_true_one_holds_in_worlds_that_can_be_read(name: str) -> None:
    found = looked_for(*TRUE[name])
    assert found.witness is None and found.held, found.reason
