"""Answers of the kernel are kept: by all that they depend on, of genuine terms, and never under another's name."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import sympy as sp

from derivations.kernel import quotients, spaces, theorem
from derivations.kernel.definedness import Undischarged, holds
from derivations.kernel.domain import POSITIVE, REAL, Domain, Interval
from derivations.kernel.places import place
from derivations.kernel.rules.base import StepFails
from derivations.kernel.terms import Malformed, Normal, scalar, vector

a, b = scalar("kept_a"), scalar("kept_b")
v = vector("kept_v")
numbers = iter(range(10**6))


def stand_in(for_: Any, **attributes: Any) -> Any:
    """An object that equals the term and hashes like it, and is something else."""
    kind: Any = type(type(for_).__name__, (), {"__eq__": lambda *_: True, "__hash__": lambda _: hash(for_)})
    made = kind()
    made.__dict__.update(attributes)
    return made


class Wide(Interval):
    """An interval that is taken for another."""


class Elsewhere(Domain):
    """A domain that could say anything."""


class Yes(int):
    """A flag that is taken for another."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


def test_a_condition_is_met_in_the_domain_that_was_asked() -> None:
    e = a + next(numbers)
    assert holds("> 0", e, Domain({"kept_a": POSITIVE}))
    assert not holds("> 0", e, Domain({"kept_a": REAL}))
    assert not holds("> 0", e, Domain())
    assert not holds("> 0", e, Domain({"kept_b": POSITIVE}))
    assert holds(">= 0", e, Domain({"kept_a": Interval(0, 1, False, False)}))
    assert not holds(">= 0", e - next(numbers) - 2, Domain({"kept_a": Interval(0, 1, False, False)}))


@pytest.mark.parametrize("order", [1, -1])
def test_an_end_that_belongs_to_an_interval_is_no_end_that_does_not(order: int) -> None:
    e = a * (next(numbers) + 1)
    for closed in (False, True)[::order]:
        assert holds("> 0", e, Domain({"kept_a": Interval(0, 1, not closed, True)})) is not closed


def written_into(domain: Domain, **parts: Any) -> Domain:
    for part, said in parts.items():
        domain.__dict__[part] = said
    return domain


@pytest.mark.parametrize(
    "liar",
    [
        lambda: written_into(Domain({"kept_a": POSITIVE}), content=Domain().content),
        lambda: written_into(Domain({"kept_a": POSITIVE}), content=Domain({"kept_a": REAL}).content),
        lambda: written_into(Domain({"kept_a": REAL}), intervals={"kept_a": Wide(0)}),
        lambda: Elsewhere({"kept_a": POSITIVE}),
    ],
    ids=["says nothing", "says less", "an interval of its own class", "a domain of its own class"],
)
def test_what_a_liar_was_told_is_not_told_to_others(liar: Any) -> None:
    e = a + next(numbers)
    with suppress(Exception):
        holds("> 0", e, liar())
    assert not holds("> 0", e, Domain())
    assert not holds("> 0", e, Domain({"kept_a": REAL}))


def test_a_flag_of_its_own_class_is_refused() -> None:
    flagged = Interval(0, 1, True, True)
    object.__setattr__(flagged, "open_lo", Yes(0))
    with pytest.raises(Malformed, match="True or False"):
        holds("> 0", a + next(numbers), written_into(Domain(), intervals={"kept_a": flagged}))


def test_what_was_found_of_an_impostor_is_not_told_of_the_term() -> None:
    below, domain = -(a**2) - 1 - next(numbers), Domain({"kept_a": REAL})
    with suppress(Exception):
        holds("> 0", stand_in(below, _sympy_=lambda: sp.S.One), domain)
    assert not holds("> 0", below, domain)
    g = sp.Symbol(f"_kept{next(numbers)}")
    quotient = (g**2 - 1) / (g - 1)
    for found in (quotients.lowest_terms, quotients.factored):
        with suppress(Exception):
            found(stand_in(quotient, _sympy_=lambda: sp.S.One))
    assert quotients.lowest_terms(quotient) == (g + 1, 1)
    assert quotients.factored(g**2 - 1)[1] == ((g - 1, 1), (g + 1, 1))


def test_a_factor_is_not_one_with_another_symbol_of_its_name() -> None:
    name = f"_kept{next(numbers)}"
    plain, positive = sp.Symbol(name), sp.Symbol(name, positive=True)
    assert quotients.lowest_terms(plain / plain**2)[1] == plain
    assert quotients.lowest_terms(positive / positive**2)[1] == positive


def test_the_space_of_an_impostor_is_not_that_of_the_law() -> None:
    law = Normal(v, 0, next(numbers) + 1, 2)
    with suppress(Exception):
        spaces._said(stand_in(law, args=(), atoms=lambda *_: set()))
    assert spaces.Spaces.of([law], {}).size(v) == 2


def test_a_line_means_something_where_it_is_started_and_nowhere_else() -> None:
    e = 1 / (a + next(numbers))
    inside, outside = place(Domain({"kept_a": POSITIVE}), (), [e]), place(Domain({"kept_a": REAL}), (), [e])
    for _ in range(2):
        theorem.start(inside, e)
        with pytest.raises(Undischarged):
            theorem.start(outside, e)


def test_a_line_equal_to_one_that_was_started_is_that_one() -> None:
    e = a + next(numbers) + 1
    here = place(Domain({"kept_a": REAL}), (), [e])
    with suppress(Exception):
        theorem.start(here, stand_in(e, _sympy_=lambda: sp.S.One))
    made = theorem.start(here, e)
    assert theorem._facts(made).rhs == e
    with suppress(Exception):
        assert theorem._facts(theorem.start(here, stand_in(e))).rhs is theorem._facts(made).rhs


def test_a_place_that_was_written_into_is_refused_though_its_lines_are_kept() -> None:
    e = 1 / (a + next(numbers))
    here = place(Domain({"kept_a": POSITIVE}), (), [e])
    theorem.start(here, e)
    here.domain.__dict__["content"] = Domain({"kept_a": POSITIVE, "kept_b": POSITIVE}).content
    with pytest.raises(StepFails, match="a place that the kernel made"):
        theorem.start(here, e)
    with pytest.raises(StepFails, match="a place that the kernel made"):
        theorem.start(here, 1 / b)


def test_only_the_last_places_are_kept() -> None:
    e = a + next(numbers)
    here = place(Domain({"kept_a": REAL}), (), [e])
    first = theorem.start(here, e)
    assert theorem.start(here, e) is first
    for _ in range(theorem.MOST_PLACES):
        theorem.start(place(Domain({"kept_a": REAL}), (), [e]), e)
    again = theorem.start(here, e)
    assert again is not first
    assert theorem._facts(again).rhs == theorem._facts(first).rhs
