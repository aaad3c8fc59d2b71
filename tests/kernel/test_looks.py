"""A name has one look, and who declares it with another is told so where it is declared."""

from __future__ import annotations

import pytest
import sympy as sp

from derivations.kernel.symbols import LATEX, Looks
from derivations.kernel.terms import Malformed
from derivations.rules import covariance, scalar, scalar_function, vector


@pytest.mark.parametrize("declare", [scalar, vector, covariance])
def test_a_second_look_is_refused(declare) -> None:  # type: ignore[no-untyped-def]
    name = f"second_look_{declare.__name__}"
    first = declare(name, r"\kappa")
    assert declare(name) is declare(name) and LATEX[name] == r"\kappa"
    assert declare(name, r"\kappa") == first == declare(name)
    with pytest.raises(Malformed, match="give the other another name"):
        declare(name, r"\lambda")


def test_a_family_and_a_symbol_of_one_name_have_one_look() -> None:
    scalar_function("looks_family", "f")
    with pytest.raises(Malformed, match="'looks_family' is shown as 'f' already"):
        scalar("looks_family", "g")


def test_a_name_without_a_look_is_given_one_once() -> None:
    looks = Looks()
    looks.declare("plain", "")
    assert looks["plain"] == "plain"
    looks.update({"plain": "p"})
    looks.declare("plain", "")
    assert looks["plain"] == "p"
    with pytest.raises(Malformed):
        looks["plain"] = "q"


@pytest.mark.parametrize("look", [3, None, sp.Symbol("q"), type("Text", (str,), {})("q")])
def test_a_look_is_plain_text(look) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Malformed, match="plain text"):
        Looks()["kept"] = look
    with pytest.raises(Malformed, match="plain text"):
        Looks().declare("kept", look)


@pytest.mark.parametrize(
    "take",
    [
        lambda looks: looks.pop("kept"),
        lambda looks: looks.clear(),
        lambda looks: looks.popitem(),
        lambda looks: looks.__delitem__("kept"),
        lambda looks: looks.__ior__({"kept": "other"}),
    ],
)
def test_nothing_is_taken_away(take) -> None:  # type: ignore[no-untyped-def]
    looks = Looks()
    looks["kept"] = "k"
    with pytest.raises(Malformed, match="keeps its look"):
        take(looks)
    assert looks["kept"] == "k"
