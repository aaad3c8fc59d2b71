"""A term or a rule that somebody wrote into after it was made: it shows one thing, and answers another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.kernel.hypotheses import ASSUMPTIONS
from derivations.kernel.rules.base import Rule
from derivations.notation import k, q, z
from derivations.rules import (
    D,
    Density,
    Domain,
    Expect,
    Hypothesis,
    Inner,
    LogDensity,
    Quadratic,
    Series,
    SumTo,
    algebra,
    covariance,
    differentiation,
    scalar,
    scalar_function,
    trace_algebra,
    vector,
)

a, b = scalar("written_a"), scalar("written_b")
f, u, v = scalar_function("written_f"), vector("written_u"), vector("written_v")
A, B = covariance("Written_A"), covariance("Written_B")
j, n = (sp.Symbol(f"written_{name}", integer=True) for name in "jn")
smooth = Hypothesis("smooth", ASSUMPTIONS["smooth"])
COUNTED = Domain(indices={n: (0, sp.oo)})


def written(e: Any, **attributes: Any) -> Any:
    for name, value in attributes.items():
        setattr(e, name, value)
    return e


def told(e: Any, **facts: bool) -> Any:
    """A term in which SymPy remembers something that nobody found out."""
    e._assumptions = type(e._assumptions)(e._assumptions)
    for name, fact in facts.items():
        e._assumptions[name] = fact
    return e


def own(name: str, **assumptions: bool) -> Any:
    """A symbol of its own, which no other test meets."""
    return sp.Symbol.__xnew__(sp.Symbol, name, real=True, **assumptions)


class Turning(tuple[Any, ...]):
    """Rules, which are others the next time that somebody looks."""

    def __iter__(self) -> Any:
        return iter((algebra,))


def half() -> Any:
    return told(n / 2, integer=True)


def nothing(*_: Any) -> bool:
    return False


FALSE: dict[str, Callable[[], Attack]] = {
    "a sum that says where its index is bound": lambda: Attack(
        written(SumTo(f(j), j, 1, n), scope=()), n * f(j), algebra, Domain(indices={n: (0, sp.oo), j: (1, sp.oo)})
    ),
    "an exponential that says it has no variable": lambda: Attack(
        D(written(sp.exp(3 * b), has=nothing), b), 0, differentiation
    ),
    "a function that says it has none": lambda: Attack(
        D(written(f(3 * b), has=nothing), b), 0, differentiation, hypotheses=(smooth,)
    ),
    "a number that says it is a vector": lambda: Attack(
        Inner(written(Inner(u, v), vector_valued=True), u), Inner(Inner(u, v), u), algebra
    ),
    "a half that says it is an integer": lambda: Attack(SumTo(1, j, 1, half()), half(), algebra, COUNTED),
    "a symbol that says it is an integer": lambda: Attack(
        SumTo(1, j, 1, told(own("written_m"), integer=True)), told(own("written_m"), integer=True), algebra
    ),
    "matrices that say they commute": lambda: Attack(
        Quadratic(u, written(A * B, is_commutative=True), v), Quadratic(u, B * A, v), trace_algebra
    ),
    "a product without its class": lambda: Attack(sp.Basic.__new__(sp.Mul, a, b), a + b, algebra),
    "a density of nothing": lambda: Attack(
        Expect(sp.Basic.__new__(Density, q(z).args[0], sp.Tuple(), sp.Tuple()), f(z)), f(z), algebra
    ),
    "a series of no order": lambda: Attack(sp.Basic.__new__(Series, a, b, sp.S.Half), a, algebra),
    "a fraction of its own": lambda: Attack(
        f(written(sp.Basic.__new__(sp.Rational), p=3, q=3)),
        f(written(sp.Basic.__new__(sp.Rational), p=3, q=3)),
        algebra,
    ),
    "rules that turn": lambda: Attack(a, a + 1, Rule("in order", Turning((algebra,)))),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "a sum": lambda: Attack(SumTo(2 * f(j), j, 1, n), 2 * SumTo(f(k), k, 1, n), algebra, COUNTED),
    "an exponential": lambda: Attack(D(sp.exp(a), a), sp.exp(a), differentiation),
    "a term that was asked much": lambda: Attack(asked(a * b + n / 2), asked(b * a + n / 2), algebra, COUNTED),
    "a log-density": lambda: Attack(LogDensity(q(z, u)) + a, a + LogDensity(q(z, u)), algebra),
}


def asked(e: Any) -> Any:
    """The term, which now remembers what it is, and what it is not."""
    assert not any((e.is_integer, e.is_positive, e.is_zero, e.is_commutative is False))
    return e


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict


def test_what_sympy_remembers_is_found_out_again() -> None:
    """Nothing is proved by it, and nothing is refused: the term is read as it stands."""
    poisoned = told(a - b, positive=True, nonnegative=True)
    assert not Attack(sp.log(sp.Add(a, -b)), sp.log(poisoned), algebra).verdict()


@pytest.mark.parametrize("name", ["decide", "rewrite"])
def test_a_rule_has_no_room_for_a_method_of_its_own(name: str) -> None:
    with pytest.raises(AttributeError):
        object.__setattr__(Rule("algebra"), name, lambda *_: True)
