"""Hypotheses that hold nowhere: from them anything would follow."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.kernel.hypotheses import ASSUMPTIONS
from derivations.kernel.rules.base import in_order
from derivations.kernel.terms import DIM
from derivations.notation import T, i, k, z
from derivations.rules import (
    KL,
    POSITIVE,
    At,
    AtMost,
    Domain,
    Expect,
    Hypothesis,
    Inner,
    LogDensity,
    Norm2,
    Normal,
    Quadratic,
    Trace,
    covariance,
    given,
    log_p,
    matrix,
    positivity,
    scalar,
    scalar_function,
    trace_algebra,
    vector,
    vector_function,
)

a, b, c = (scalar(f"contra_{name}") for name in "abc")
net = vector_function("contra_net")
A, B = covariance("Contra_A"), covariance("Contra_B")
C, R = covariance("Contra_C"), matrix("Contra_R")
f, g, u = scalar_function("contra_f"), scalar_function("contra_g"), vector("contra_u")
SIZED = Domain(indices={k: (1, sp.oo)}, sizes={"Contra_R": (DIM, k)})
ANY_T = Domain(indices={T: (1, sp.oo)})


def supposing(*equations, domain=None, of=0):  # type: ignore[no-untyped-def]
    """The last equation, used as it stands."""
    hypotheses = tuple(Hypothesis(f"mild {n}", "a mild condition", *e) for n, e in enumerate(equations))
    lhs, rhs = equations[of][:2]
    return Attack(lhs, rhs, given(hypotheses[of]), domain or Domain(), hypotheses)


def supposing_matrices(left, right):  # type: ignore[no-untyped-def]
    """Two matrices that are said to be equal, put for each other."""
    h = Hypothesis("mild", "a mild condition", left, right)
    form = Inner(u, u) * right if right.is_commutative else Quadratic(u, right, u)
    return Attack(
        Quadratic(u, left, u), form, in_order((given(h), trace_algebra)), SIZED if left.has(R) else Domain(), (h,)
    )


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
    "outside of its interval at one index": lambda: supposing(
        (f(i), i - 3, {i: (1, 5)}), domain=Domain({"contra_f": POSITIVE})
    ),
    "two values of one member": lambda: supposing((f(i), i, {i: (1, 5)}), (f(2), sp.S(5))),
    "two ranges that meet": lambda: supposing((f(i), i, {i: (1, 3)}), (f(k), sp.S.Zero, {k: (2, 4)})),
    "a recursion that stands still": lambda: supposing((f(i), f(i - 1) + 1, {i: (1, T)}), (f(1), f(0)), domain=ANY_T),
    "the opposite of the identity": lambda: supposing_matrices(A * B, -sp.S.One),
    "the opposite of another": lambda: supposing_matrices(A * B, -C),
    "the opposite of a product": lambda: supposing_matrices(A * B, -B * A),
    "an opposite of three": lambda: supposing_matrices(A * B * C, -sp.S.One),
    "an opposite of squares": lambda: supposing_matrices(A * B * A * B, -2 * sp.S.One),
    "no product": lambda: supposing_matrices(A * B, sp.S.Zero),
    "an opposite through another space": lambda: supposing_matrices(R.T * A * R * B, -sp.S.One),
    "a product and what it is turned": lambda: supposing_matrices(A * B + B * A, -C),
    "a trace": lambda: supposing((Trace(A * B, DIM), sp.S(-1))),
    "a mean that is known": lambda: supposing((Expect(Normal(z, 0, 1), Norm2(z)), sp.S.Zero)),
    "a divergence that is known": lambda: supposing((KL(Normal(z, 0, 1), Normal(z, 0, 1)), sp.S(3))),
    "a mean of what does not move": lambda: supposing((Expect(Normal(z, 0, 1), f(u)), f(u) + 1)),
    "a density that is too large": lambda: supposing((log_p("q", z), LogDensity(Normal(z, 0, 1)) + 1)),
    "another density that is too large": lambda: supposing((log_p("q", z), log_p("p", z) + sp.log(2))),
    "a formula that is no density": lambda: supposing((log_p("q", z), Norm2(z))),
    "a square of a density": lambda: supposing((log_p("q", z), 2 * LogDensity(Normal(z, 0, 1)))),
    "a product of densities": lambda: supposing(
        (log_p("q", z), LogDensity(Normal(z, 0, 1)) + LogDensity(Normal(z, 0, 2)))
    ),
    "an assumption with an equation": lambda: Attack(
        a, a + 1, given(Hypothesis("integrable", words, a, b)), hypotheses=(Hypothesis("integrable", words, a, b),)
    ),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "members of a range": lambda: supposing((f(i), i, {i: (1, 5)}), (f(2), sp.S(2)), of=1),
    "a recursion and its start": lambda: supposing((f(i), f(i - 1) + 1, {i: (1, T)}), (f(0), a), domain=ANY_T, of=1),
    "an inverse": lambda: supposing_matrices(A * B, sp.S.One),
    "the opposite of five": lambda: supposing_matrices(A * B * C * A * B, -C),
    "a matrix that is its own opposite": lambda: supposing_matrices(R.T * B * R, R.T * A * R),
    "a formula and a number that nobody knows": lambda: supposing((log_p("q", z), a - Norm2(z))),
    "a product of a marginal and a conditional": lambda: supposing(
        (log_p("q", (z, u)), log_p("p", z) + log_p("p", u, z))
    ),
    "an unknown function": lambda: supposing((log_p("q", z), f(z) + LogDensity(Normal(z, 0, 1)))),
    "a chain of densities": lambda: supposing(
        (log_p("q", (z, u)), LogDensity(Normal(z, u, 1)) + LogDensity(Normal(u, 0, 1)))
    ),
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
