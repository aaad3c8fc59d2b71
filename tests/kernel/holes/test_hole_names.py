"""Two things have one name, or print alike."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.notation import t, z
from derivations.rules import (
    POSITIVE,
    Density,
    Domain,
    Interval,
    LogDensity,
    Norm2,
    SumTo,
    algebra,
    positivity,
    rate,
    scalar,
    scalar_function,
    smoothness,
    vector,
)

one, other = scalar("alike_one", r"\kappa"), scalar("alike_other", r"\kappa")
number, vector_of_it = sp.Symbol("alike_v", real=True), vector("alike_v")
positive, free = sp.Symbol("alike_p", positive=True), sp.Symbol("alike_p", real=True)
law = Density("alike_one", z)
reserved = sp.Symbol("•1", integer=True)
a = scalar("alike_a")
curve, slope = scalar_function("alike_f", "f"), scalar_function("alike_slope", "f'")
straight = scalar_function("alike_g", "g'")


FALSE: dict[str, Callable[[], Attack]] = {
    "one LaTeX name": lambda: Attack(
        one, other, positivity, Domain({"alike_one": Interval(0, 1), "alike_other": Interval(2, 3)}), relation="<"
    ),
    "a number and a vector": lambda: Attack(number * Norm2(vector_of_it), Norm2(vector_of_it) * number, algebra),
    "two assumptions": lambda: Attack(
        sp.sqrt(positive**2) + free, positive + free, algebra, Domain({"alike_p": POSITIVE})
    ),
    "a law and a number": lambda: Attack(one * LogDensity(law), LogDensity(law) * one, algebra),
    "the kernel's own": lambda: Attack(SumTo(reserved * t, t, 1, 2), 3 * reserved, algebra),
    "a derivative, and what is named like it": lambda: Attack(
        slope(a) + rate(curve(a)), rate(curve(a)) + slope(a) + 0 * a, algebra, Domain(), (smoothness(curve, 1),)
    ),
    "a function that is shown as a stop-gradient": lambda: Attack(
        scalar_function("sg")(z) + a, a + scalar_function("sg")(z), algebra
    ),
    "a function that is shown as a Laplacian": lambda: Attack(
        scalar_function("alike_bend", r"\Delta_{z} f")(z) + a, a + scalar_function("alike_bend", r"\Delta_{z} f")(z)
    ),
    "a subscript that tells": lambda: Attack(
        SumTo(scalar("alike_sigma_t", r"\sigma_t"), t, 1, 2), 2 * scalar("alike_sigma_t", r"\sigma_t"), algebra
    ),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "two names": lambda: Attack(one + a, a + one, algebra),
    "a derivative, and what is named otherwise": lambda: Attack(
        straight(a) + rate(curve(a)), rate(curve(a)) + straight(a), algebra, Domain(), (smoothness(curve, 1),)
    ),
    "a difference": lambda: Attack(scalar("alike_dt", r"\Delta t") + a, a + scalar("alike_dt", r"\Delta t")),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict


ALIKE = [
    ("x", r"\mathit{x}"), (r"\mathbf{x}", r"\boldsymbol{x}"), (r"\bm x", r"\mathbf x"), (r"\text{ab}", r"\mathrm{ab}"),
    (r"\operatorname{loss}", r"\mathrm{loss}"), (r"\bar x", r"\overline{x}"), (r"\hat x", r"\widehat x"),
    (r"\tilde x", r"\widetilde x"), ("x'", r"x^\prime"), ("x'", r"x^{\prime}"), ("x^*", r"x^\ast"), ("x_1^a", "x^a_1"),
    (r"x_{ab}^{\star}", r"x^{\star}_{ab}"), ("x_{1}", r"x_{\,1}"), (r"\mathrm{x}", r"\mathrm x"),
]  # fmt: skip
APART = [("v", r"\nu"), (r"\phi", r"\varphi"), (r"\mathbf x", "x"), (r"\hat x", r"\bar x"), ("x_1", "x^1")]


def below_another(one: str, other: str) -> Attack:
    """The first is below the second, whatever they are called."""
    names = [f"alike_pair_{(ALIKE + APART).index((one, other))}_{n}" for n in (1, 2)]
    small, large = map(scalar, names, (one, other))
    domain = Domain({names[0]: Interval(0, 1), names[1]: Interval(2, 3)})
    return Attack(small, large, positivity, domain, relation="<")


@pytest.mark.parametrize("looks", ALIKE)
def test_two_ways_to_write_one_look_are_one(looks: tuple[str, str]) -> None:
    assert_refused(lambda: below_another(*looks))


@pytest.mark.parametrize("looks", APART)
def test_two_looks_are_two(looks: tuple[str, str]) -> None:
    assert below_another(*looks).verdict()
