"""The body of an abbreviation looks at what it is given, or mentions something that is no argument."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.notation import integrable, q, t, z
from derivations.rules import (
    Domain,
    Entropy,
    Expect,
    LogDensity,
    Norm2,
    Normal,
    SumTo,
    algebra,
    define,
    definition,
    log_p,
    moments,
    scalar,
    scalar_function,
    vector,
)

a, b = scalar("looks_a"), scalar("looks_b")
f, u = scalar_function("looks_f"), vector("looks_u")
calls = [0]


def another_each_time(m):  # type: ignore[no-untyped-def]
    calls[0] += 1
    return m + calls[0]


hides_index = define("looks_index", "F", lambda m: m * t)
at_three = define("looks_three", "F", lambda m: sp.S.Zero if m == 3 else f(m))
whole_only = define("looks_integer", "F", lambda m: m if m.is_integer else sp.S.Zero)
a_name = define("looks_name", "F", lambda m: m * (2 if m == a else 3))
hides_vector = define("looks_vector", "F", lambda m: m * Norm2(u))
its_own_mind = define("looks_counter", "F", another_each_time)
of_a_law = define("looks_law", "F", lambda law: Expect(law, LogDensity(law)) + Norm2(z))
plain = define("looks_not", "F", lambda m: m**2 + 1)


FALSE: dict[str, Callable[[], Attack]] = {
    "an index": lambda: Attack(SumTo(hides_index(t), t, 1, 3), 6 * t, algebra, Domain(indices={t: (1, sp.oo)})),
    "a value": lambda: Attack(SumTo(at_three(t), t, 1, 3), f(1) + f(2) + f(3), algebra),
    "a value, as it is": lambda: Attack(at_three(3), 0, algebra),
    "what is an integer": lambda: Attack(whole_only(a) + 1, 1, algebra),
    "what it is called": lambda: Attack(a_name(a), 3 * a, algebra),
    "a hidden vector": lambda: Attack(Expect(Normal(u, 0, 1), hides_vector(a)), hides_vector(a), moments),
    "another body each time": lambda: Attack(its_own_mind(a), its_own_mind(a) + 0 * a, definition),
    "a law's variable by name": lambda: Attack(
        of_a_law(q(z)), of_a_law(q(z)) + 0 * a, algebra, hypotheses=(integrable,)
    ),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "a term with a parameter": lambda: Attack(SumTo(plain(t), t, 1, 3), 17, algebra),
    "of a law": lambda: Attack(Entropy(q(z)) + Expect(q(z), log_p("q", z)), 0, algebra, hypotheses=(integrable,)),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
