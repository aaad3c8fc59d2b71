"""A claim may bring worlds of its own: one outside of the claim's domain refutes nothing."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import pytest
import sympy as sp

from derivations import Claim, Statement
from derivations.refutation.reading import Viewpoint
from derivations.refutation.refute import refute
from derivations.refutation.worlds import World
from derivations.rules import (
    POSITIVE,
    UNIT,
    Coord,
    Domain,
    Expect,
    Hypothesis,
    Normal,
    at_most,
    scalar,
    scalar_function,
    vector,
    vector_function,
)

a, b, n = scalar("own_a"), scalar("own_b"), sp.Symbol("own_n", integer=True)
f, net, u, z = scalar_function("own_f"), vector_function("own_net"), vector("own_u"), vector("own_z")
RANGE = Domain(indices={n: (1, 5)})


def world(**values: Any) -> Any:
    def made(_: Random, __: int) -> World:
        return World(**{name: dict(v) if isinstance(v, dict) else v for name, v in values.items()})

    return made


def numbers(**values: Any) -> Any:
    return world(numbers={f"own_{name}": Fraction(v) for name, v in values.items()}, admitted=True)


def found(statement: tuple[Any, str, Any], domain: Domain, own: Any, *hypotheses: Hypothesis) -> Any:
    return refute(
        Claim("own.world", "", "", "", (Statement(*statement),), "", (), domain, hypotheses, worlds=(own,)), 0
    )


OUTSIDE = {
    "a number": ((sp.exp(a), ">", 1), Domain({"own_a": POSITIVE}), numbers(a=-1)),
    "an end that is open": ((a, ">", 0), Domain({"own_a": UNIT}), numbers(a=0)),
    "an index": ((sp.exp(n), ">", 1), RANGE, numbers(n=-1)),
    "an index above": ((n, "<=", 5), RANGE, numbers(n=7)),
    "an index between": (((n - 1) * (n - 2), ">=", 0), RANGE, numbers(n=Fraction(3, 2))),
    "a condition": ((a, "<=", b), Domain(conditions=(at_most(a, b),)), numbers(a=2, b=1)),
    "a function": ((f(1), ">", 0), Domain({"own_f": POSITIVE}), world(families={"own_f": lambda *_: Fraction(-1)})),
    "a network": (
        (Coord(net(u), 1), ">", 0),
        Domain({"own_net": POSITIVE}),
        world(families={"own_net": lambda *_: (Fraction(-1),)}),
    ),
    "a vector": ((Coord(u, 1), ">", 0), Domain({"own_u": POSITIVE}), world(vectors={("own_u",): (Fraction(-1),)})),
}


class Lying(World):
    def number(self, symbol: Any) -> Any:
        return Fraction(-1)


OTHERS = {
    "of a class of its own": lambda *_: Lying(),
    "that knows what it did not find": world(
        numbers={"own_a": Fraction(1)}, known={sp.exp(a): Fraction(0)}, steady=True
    ),
}


NOISE = Normal(z, 0, 1)


def with_places(*_: Any) -> World:
    """A world that says beforehand what an average looks at."""
    made = World(1, steady=True)
    made.places[NOISE] = [(Fraction(1), Viewpoint(made, {("own_z",): (Fraction(3),)}), ())]
    return made


@pytest.mark.parametrize("name", OTHERS)
def test_a_world_that_lies_refutes_nothing(name: str) -> None:
    assert found((sp.exp(a), ">", 1), Domain({"own_a": POSITIVE}), OTHERS[name]) is None


def test_nor_one_that_averages_where_it_likes() -> None:
    assert found((Expect(NOISE, Coord(z, 1)), "=", 0), Domain(), with_places) is None


def test_a_world_that_is_handed_out_again_is_as_it_was() -> None:
    handed_out = World(1, numbers={}, families={"own_f": lambda *_: Fraction(1, 2)})
    family = handed_out.families["own_f"]
    for _ in range(300):
        assert found((f(1), ">", 0), Domain({"own_f": POSITIVE}), lambda *_: handed_out) is None
    assert handed_out.families == {"own_f": family} and not handed_out.known


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_true_statement_is_not_refuted_outside_of_its_domain(name: str) -> None:
    assert found(*OUTSIDE[name]) is None


def test_nor_where_a_hypothesis_fails() -> None:
    assert found((a, "=", b), Domain(), numbers(a=2, b=1), Hypothesis("alike", "", a, b)) is None


def test_a_false_one_is_refuted_in_a_world_of_its_own() -> None:
    assert found((a, ">", 1), Domain({"own_a": POSITIVE}), numbers(a=Fraction(1, 2))) is not None
    assert found((n, "<", 5), RANGE, numbers(n=5)) is not None
    assert found((f(1), ">", 1), Domain({"own_f": POSITIVE}), world(families={"own_f": lambda *_: Fraction(1, 2)}))
