"""An induction leans on a hypothesis whose range shrinks as n grows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.rules import Domain, Hypothesis, algebra, given, induction_hypothesis, scalar_function

g = scalar_function("shrinking_g")
m, n = (sp.Symbol(name, integer=True, positive=True) for name in ("shrinking_m", "shrinking_n"))
UP_TO_SIX = Domain(indices={n: (1, 6)})
shrinks = Hypothesis("alike below", "", g(m + 1), g(m), {m: (sp.S.One, 10 - n)})
grows = Hypothesis("alike below", "", g(m + 1), g(m), {m: (sp.S.One, n + 10)})
starts_later = Hypothesis("alike above", "", g(m + 1), g(m), {m: (n - 5, sp.oo)})


def chain(known):  # type: ignore[no-untyped-def]
    def write(base, step):  # type: ignore[no-untyped-def]
        base(g(1))
        base(g(1))
        step(g(n + 1))
        step(g(n), by=given(known, shrinking_m=n))
        step(g(1), by=induction_hypothesis)

    return write


def constant(known):  # type: ignore[no-untyped-def]
    return Attack(g(n), g(1), algebra, UP_TO_SIX, (known,), chain=chain(known), induction_on=n)


FALSE: dict[str, Callable[[], Attack]] = {
    "from above": lambda: constant(shrinks),
    "from below": lambda: constant(starts_later),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "it grows": lambda: constant(grows),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
