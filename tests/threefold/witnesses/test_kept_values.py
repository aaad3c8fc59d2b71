"""What is read once and kept: a value lies where all that it mentions is bound, and nowhere further out."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from derivations import claims
from derivations.kernel import terms
from derivations.notation import alpha, t, x
from derivations.refutation.evaluate import evaluate
from derivations.refutation.reading import Viewpoint, mentions
from derivations.refutation.worlds import World
from threefold.witnesses.point import Point
from threefold.witnesses.registry import Cases

n, m = sp.Symbol("n", integer=True), sp.Symbol("m", integer=True)
f = terms.scalar_function("f_kept")
shifted = terms.define("shifted_kept", "s", lambda a: a + f(a))


def asked(steady: bool) -> tuple[World, list[Any]]:
    """A world with a function that says where it was asked."""
    calls: list[Any] = []

    def function(a: Any) -> Any:
        calls.append(int(a))
        return a * a + 1

    return World(1, numbers={"c": 3, "n": 7, "m": 9}, families={"f_kept": function}, steady=steady), calls


def test_a_sum_reads_once_what_its_index_does_not_move() -> None:
    body = terms.SumTo(f(m) * f(n) * f(sp.Integer(2)), n, 1, 4)
    outer = terms.SumTo(body, m, 1, 3)
    (steady, few), (plain, many) = asked(True), asked(False)
    assert evaluate(outer, steady) == evaluate(outer, plain)
    assert len(few) < len(many) / 2
    assert few.count(2) < many.count(2)


def test_an_inner_index_of_the_same_name_is_another() -> None:
    inner = terms.SumTo(f(n), n, 1, 3)
    outer = terms.SumTo(f(n) * inner, n, 1, 2)
    assert evaluate(outer, asked(True)[0]) == evaluate(outer, asked(False)[0]) == (2 + 5) * (2 + 5 + 10)


def test_what_an_abbreviation_mentions_moves_with_it() -> None:
    total = terms.SumTo(shifted(n), n, 1, 3)
    assert evaluate(total, asked(True)[0]) == evaluate(total, asked(False)[0]) == 1 + 2 + 2 + 5 + 3 + 10
    hidden = terms.define("hidden_kept", "h", lambda a: terms.SumTo(f(a), m, 1, 2))
    assert {"n", "m", "f_kept", "hidden_kept"} <= mentions(hidden(n))


def test_a_value_lies_at_the_outermost_place_that_binds_what_it_mentions() -> None:
    world, _ = asked(True)
    root = Viewpoint(world, {})
    first = root.bind({n: sp.Integer(1)})
    second = first.bind({m: sp.Integer(2), ("z",): (0,)})
    z = terms.vector("z")
    assert second.home(f(n)) is first and second.home(f(m)) is second and second.home(f(sp.Integer(3))) is root
    assert second.home(terms.Norm2(z)) is second and first.home(terms.Norm2(z)) is root
    assert second.home(f(n) + f(m)) is second


def test_a_world_that_may_still_change_keeps_nothing_of_what_is_bound() -> None:
    world, calls = asked(False)
    evaluate(terms.SumTo(f(sp.Integer(2)), n, 1, 3), world)
    assert calls == [2, 2, 2]


@pytest.mark.parametrize("place", [("x", 1), ("x", 2), ("vectors", "mu"), ("numbers", "sigma_x")])
def test_a_slope_moves_all_that_mentions_its_place(place: Any) -> None:
    """The derivative of a product in which only one factor mentions the place, the value known beforehand."""
    mu, sigma_x = terms.vector("mu"), terms.scalar("sigma_x")
    expression = terms.Norm2(x(1)) * terms.Norm2(x(2) - mu) * sigma_x**2 * alpha(t)
    x_1, x_2, m_0, size = [2.0], [0.5], [-1.0], 3.0
    point = Point(1, {"sigma_x": size, "t": 1}, betas=[0.5], x={1: x_1, 2: x_2}, vectors={"mu": m_0})
    point.value(expression)
    whole = x_1[0] ** 2 * (x_2[0] - m_0[0]) ** 2 * size**2 * 0.5
    expected = {
        ("x", 1): 2 * whole / x_1[0],
        ("x", 2): 2 * whole / (x_2[0] - m_0[0]),
        ("vectors", "mu"): -2 * whole / (x_2[0] - m_0[0]),
        ("numbers", "sigma_x"): 2 * whole / size,
    }
    assert point.slope(expression, place)[0] == pytest.approx(expected[place], rel=1e-14)


@pytest.mark.parametrize("name", ["ddpm.loss.simple", "onestep.elbo", "ddpm.elbo.decomposition", "vae.elbo.tightness"])
def test_a_statement_has_the_value_it_has_without_what_is_kept(name: str) -> None:
    """The nested averages of the library: kept values against none, to all digits."""
    from threefold.witnesses import registry

    entry = registry.load("numeric", claims()).entry(name)
    source = entry.function.runs[0][0]  # type: ignore[union-attr]
    drawn = next(iter(source.draw(Cases.seeded(3, name, "numeric", 8))))
    points = [s for s in entry.function.runs[0][1](drawn)]  # type: ignore[union-attr]
    shape = points[0]
    statement = claims()[name].says[shape.part]
    world = shape.point.world()
    kept = evaluate(statement.rhs, world)
    world.steady = False
    world.known.clear()
    plain = evaluate(statement.rhs, world)
    assert abs(kept - plain) <= abs(plain) * 10**-26
