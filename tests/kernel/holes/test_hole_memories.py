"""A class of somebody's own equals a term and hashes like it, and is asked about first: what is remembered of it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import sympy as sp

from derivations.kernel import binders, expansion, signs, substitution
from derivations.kernel.continuous import Granted
from derivations.kernel.domain import REAL, Domain, Interval
from derivations.kernel.memory import is_genuine, remembered
from derivations.kernel.substitution import core
from derivations.kernel.terms import Malformed, ScalarFunction, Series, SumTo, scalar, scalar_function, vector

a, t = scalar("memory_a"), scalar("memory_t", integer=True)
f, h = scalar_function("memory_f"), scalar("memory_h")
numbers = iter(range(10**6))


def stand_in(for_: Any, **attributes: Any) -> Any:
    """An object that equals the term and hashes like it, and is something else."""
    kind: Any = type(type(for_).__name__, (), {"__eq__": lambda *_: True, "__hash__": lambda _: hash(for_)})
    made = kind()
    made.__dict__.update(attributes)
    return made


class Lie(sp.Symbol):
    """A symbol that is taken for any other of its name."""


class Text(str):
    """A name that says it is another."""

    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True


def test_the_core_of_an_impostor_is_not_that_of_the_term() -> None:
    real = a + next(numbers) + sp.Rational(1, 3)
    with suppress(Exception):
        substitution.core(stand_in(real, args=(), _sympy_=lambda: sp.S.Zero))
    assert core(real) == real


def test_true_is_not_one() -> None:
    with suppress(Exception):
        core(True)
    assert core(sp.S.One) is sp.S.One
    assert core(1) is sp.S.One


def test_the_sign_of_an_impostor_is_not_that_of_the_polynomial() -> None:
    g = sp.Symbol(f"_memory{next(numbers)}")
    below = -(g**2) - 1
    with suppress(Exception):
        signs._sign_on(stand_in(below, xreplace=lambda _: sp.S.One, free_symbols={g}), ((g, REAL),))
    assert signs.polynomial_sign(below, {g: REAL}) == "-"


def test_the_height_of_an_impostor_is_not_that_of_the_sum() -> None:
    total = core(SumTo(t + next(numbers), t, 1, 3))
    for found in (binders.height, binders.loose):
        with suppress(Exception):
            found(stand_in(total, args=()))
    assert binders.height(total) == 1
    assert binders.loose(total) == frozenset()


def test_an_index_is_counted_by_an_integer() -> None:
    with pytest.raises(Malformed, match="counts no binders"):
        binders.bound(True)


def test_a_series_is_remembered_for_the_place_that_it_was_asked_for() -> None:
    e = core(Series(f(a + h), h, 2))
    nowhere = Domain({"memory_h": Interval(1, 2)})
    content = expansion._content(Domain(), Granted())
    smooth = Granted(classes={"memory_f": 5})
    asked = [expansion._Setting(content, where, smooth) for where in (Domain(), nowhere)]
    for setting in asked:
        expansion._expanded(e, setting)
    with pytest.raises(expansion.Unexpandable):
        expansion.expanded(e, Domain(), Granted())


class Elsewhere(Domain):
    """A domain that may say anything."""


class Anything(Granted):
    """What grants whatever is asked."""


class Wide(Interval):
    """An interval that may hold anything."""


def asked_twice(e: Any, setting: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often a series is worked out that is asked for twice."""
    asked: list[Any] = []
    with monkeypatch.context() as patch:
        patch.setattr(expansion, "_polynomial", lambda *given: asked.append(given) or sp.S.Zero)
        expansion._expanded.cache_clear()
        for _ in range(2):
            expansion._expanded(e, setting)
        expansion._expanded.cache_clear()
    return len(asked)


def test_a_series_is_remembered_where_all_is_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    e = core(Series(f(a + h), h, 2))

    def setting(domain: Domain, smooth: Granted) -> Any:
        return expansion._Setting(expansion._content(domain, smooth), domain, smooth)

    assert asked_twice(e, setting(Domain({"memory_h": REAL}), Granted()), monkeypatch) == 1
    assert asked_twice(e, setting(Elsewhere(), Granted()), monkeypatch) == 2
    written = Domain()
    object.__setattr__(written, "intervals", {"memory_h": Wide()})
    assert asked_twice(e, setting(written, Granted()), monkeypatch) == 2
    assert asked_twice(e, setting(Domain(), Anything()), monkeypatch) == 2
    assert asked_twice(e.func(Lie("memory_b", real=True), *e.args[1:]), setting(Domain(), Granted()), monkeypatch) == 2
    lies = expansion._Setting(expansion._content(Domain(), Granted()), Domain({"memory_h": REAL}), Granted())
    assert asked_twice(e, lies, monkeypatch) == 2


def test_a_sign_is_remembered_where_all_is_genuine() -> None:
    g, other = sp.Symbol("_memory_g"), Lie("_memory_g")
    assert signs._is_genuine(g**2, ((g, REAL),))
    assert not signs._is_genuine(g**2, ((g, Wide()),))
    assert not signs._is_genuine(other**2, ((g, REAL),))
    assert not signs._is_genuine(g**2, ((other, REAL),))


def impostors() -> Iterator[tuple[str, Any]]:
    yield "a subclass of Symbol", Lie("memory_a", real=True)
    yield "inside of a sum", sp.Add(a, Lie("memory_b", real=True))
    yield "a name that lies", sp.Symbol(Text("memory_a"), real=True)
    yield "a family that nobody declared", type("memory_g", (ScalarFunction,), {"is_real": True})(a)
    yield "a part of a tuple", (a, 1.5)
    yield "true", (True,)
    yield "a class", Lie
    yield "a number whose parts are none", _with_part(sp.Rational(next(numbers) + 10**9, 7), True)


def _with_part(number: Any, p: Any) -> Any:
    number.p = p
    return number


IMPOSTORS = dict(impostors())
GENUINE: dict[str, Callable[[], Any]] = {
    "a term": lambda: core(SumTo(t * a, t, 1, 3)),
    "a family": lambda: f,
    "a member": lambda: f(a),
    "texts and counts": lambda: ("vector", 3, None),
    "a vector": lambda: vector("memory_v"),
    "pi and e": lambda: sp.pi + sp.E,
}


@pytest.mark.parametrize("name", IMPOSTORS)
def test_it_is_not_genuine(name: str) -> None:
    assert not is_genuine(IMPOSTORS[name])


@pytest.mark.parametrize("name", GENUINE)
def test_its_true_neighbour_is(name: str) -> None:
    assert is_genuine(GENUINE[name]())


def test_a_memory_forgets_when_it_is_full() -> None:
    asked: list[int] = []

    @remembered(2)
    def double(n: int) -> int:
        asked.append(n)
        return 2 * n

    assert [double(n) for n in (1, 2, 1, 3, 3, 1)] == [2, 4, 2, 6, 6, 2]
    assert asked == [1, 2, 3, 1]
