"""A name that nobody declared is neither positive nor a number that commutes, unless the verdict says so."""

from __future__ import annotations

import pytest

import threefold

ANY_SIGN = [r"(a+b)^2 = a^2 + 2ab + b^2", r"a_t b_t = b_t a_t", r"\frac{a}{2} + \frac{a}{2} = a"]
POSITIVE = [r"\sqrt{a^2} = a", r"\log(ab) = \log a + \log b", r"|a| = a"]
MATRICES = [
    r"AB = BA",
    r"\Sigma_1\Sigma_2 = \Sigma_2\Sigma_1",
    r"(A+B)^2 = A^2 + 2AB + B^2",
    r"x^\top A\epsilon = \epsilon^\top Ax",
    r"Wx = xW",
]


def link(tex: str) -> threefold.check.LinkReport:
    return threefold.check(f"<!-- threefold: context: vae -->\n\n$${tex}$$\n").links[-1]


@pytest.mark.parametrize("tex", ANY_SIGN)
def test_what_holds_for_either_sign_is_proved(tex: str) -> None:
    assert link(tex).verdict == "proved"


@pytest.mark.parametrize("tex", POSITIVE)
def test_what_needs_a_positive_number_says_so(tex: str) -> None:
    found = link(tex)
    assert found.verdict == "proved as read" and "supposed to be positive" in found.notes[-1]


@pytest.mark.parametrize("tex", MATRICES)
def test_what_may_be_a_matrix_does_not_commute(tex: str) -> None:
    assert link(tex).verdict in ("undecided", "not read")


def test_an_undeclared_name_prints_as_it_was_written() -> None:
    assert link(r"(1+a)\epsilon = \epsilon + a\epsilon").reading == "(a + 1)*ε = a*ε + ε"
