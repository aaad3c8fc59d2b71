"""Hypotheses that hold nowhere: from them anything would follow."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.kernel.hypotheses import ASSUMPTIONS
from derivations.kernel.terms import DIM
from derivations.notation import T, i, z
from derivations.rules import (
    POSITIVE,
    At,
    AtMost,
    Domain,
    Expect,
    Hypothesis,
    LogDensity,
    Norm2,
    Normal,
    Quadratic,
    covariance,
    given,
    log_p,
    positivity,
    scalar,
    scalar_function,
    vector,
    vector_function,
)

a, b, c = (scalar(f"contra_{name}") for name in "abc")
net = vector_function("contra_net")
A, B = covariance("Contra_A"), covariance("Contra_B")
f, g, u = scalar_function("contra_f"), scalar_function("contra_g"), vector("contra_u")
ANY_T = Domain(indices={T: (1, sp.oo)})


def supposing(*equations, domain=None, of=0):  # type: ignore[no-untyped-def]
    """The last equation, used as it stands."""
    hypotheses = tuple(Hypothesis(f"mild {n}", "a mild condition", *e) for n, e in enumerate(equations))
    lhs, rhs = equations[of][:2]
    return Attack(lhs, rhs, given(hypotheses[of]), domain or Domain(), hypotheses)


def nought_below_minus_one(line):  # type: ignore[no-untyped-def]
    line(sp.S.Zero)
    line.lt(a, by=positivity)
    line(-1, by=given(negative))


negative = Hypothesis("mild", "a mild condition", a, -1)
words = ASSUMPTIONS["integrable"]
FALSE: dict[str, Callable[[], Attack]] = {
    "1 = 0": lambda: supposing((sp.S.One, sp.S.Zero)),
    "a = a + 1": lambda: supposing((a, a + 1)),
    "a square that is negative": lambda: supposing((a**2, sp.S(-1))),
    "outside of its interval": lambda: Attack(
        0, -1, domain=Domain({"contra_a": POSITIVE}), hypotheses=(negative,), relation="<", chain=nought_below_minus_one
    ),
    "outside of its range": lambda: supposing((T, sp.S(-3)), domain=ANY_T),
    "an integer that is none": lambda: supposing((T, sp.Rational(5, 2)), domain=ANY_T),
    "no dimension": lambda: supposing((DIM, sp.S.Zero)),
    "a family outside of its interval": lambda: supposing((f(1), sp.S(-1)), domain=Domain({"contra_f": POSITIVE})),
    "at every index": lambda: supposing((f(i), f(i) + 1, {i: (1, T)}), domain=ANY_T),
    "a mean of squares below 0": lambda: supposing((Expect(Normal(z, u, 1), Norm2(z)), sp.S(-1))),
    "a density that is known": lambda: supposing((LogDensity(Normal(z, 0, 1)), sp.S.Zero)),
    "two values of one number": lambda: supposing((a, sp.S.One), (a, sp.S(2))),
    "two that meet in a third": lambda: supposing((a, b), (a, b + 1)),
    "a value that denies an equation": lambda: supposing((a, sp.S(2)), (f(1), a), (f(1), sp.S(3)), of=1),
    "an assumption with an equation": lambda: Attack(
        a, a + 1, given(Hypothesis("integrable", words, a, b)), hypotheses=(Hypothesis("integrable", words, a, b),)
    ),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "two numbers": lambda: supposing((a, b)),
    "inside of its interval": lambda: supposing((a, sp.S.One), domain=Domain({"contra_a": POSITIVE})),
    "two equations": lambda: supposing((a, b), (b, c)),
    "an integer": lambda: supposing((T, sp.S(5)), domain=ANY_T),
    "a mean": lambda: supposing((Expect(Normal(z, u, 1), Norm2(z)), a)),
    "a density": lambda: supposing((log_p("q", z), LogDensity(Normal(z, 0, 1)))),
    "a network": lambda: supposing((net(z), 2 * z)),
    "a root that the algebra does not read": lambda: supposing((f(1), sp.sqrt(a**2 - 2 * a * b + b**2))),
    "a limit that would catch the value": lambda: supposing((b, a), (f(2), At(a * b, a, 1))),
    "two matrices": lambda: Attack(Quadratic(u, A, u), Quadratic(u, B, u), given(alike), hypotheses=(alike,)),
    "a proposition": lambda: Attack(AtMost(a, b), AtMost(b, c), given(order), hypotheses=(order,), relation="iff"),
}
alike = Hypothesis("alike", "two covariances agree", A, B)
order = Hypothesis("order", "two orders agree", AtMost(a, b), AtMost(b, c))


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
