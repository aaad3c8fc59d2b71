"""A domain without a point proves anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.notation import abar
from derivations.rules import (
    UNIT,
    Domain,
    Hypothesis,
    Interval,
    Trace,
    at_most,
    covariance,
    given,
    positivity,
    scalar,
    scalar_function,
    trace_algebra,
)

a = scalar("point_a")
f = scalar_function("point_f")
n, m = (sp.Symbol(f"point_{name}", integer=True, positive=True) for name in "nm")


def below_itself(domain, x=n):  # type: ignore[no-untyped-def]
    return Attack(x, x - 1, positivity, domain, relation="<")


def small(domain):  # type: ignore[no-untyped-def]
    return Attack(n, 1, positivity, domain, relation="<")


odd = Hypothesis("later", "", f(m), a, {m: (sp.S(5), sp.S(3))})


g = scalar_function("point_g")
FALSE: dict[str, Callable[[], Attack]] = {
    "a range by the name of an index": lambda: bounded("n", (1, 2)),
    "a range of a sum": lambda: bounded(n + 1, (1, 2)),
    "a range of a number": lambda: bounded(sp.S(2), (1, 2)),
    "a range without its end": lambda: bounded(n, (1,)),
    "a range from nothing on": lambda: bounded(n, (None, 3)),
    "a range up to a matrix": lambda: bounded(n, (covariance("Point_A"), 3)),
    "an interval that holds infinity": lambda: Attack(
        n, n, domain=Domain({"point_n": Interval(0, sp.oo, False, False)})
    ),
    "an interval that holds minus infinity": lambda: Attack(
        n, n, domain=Domain({"point_n": Interval(-sp.oo, 0, False, True)})
    ),
    "a condition that runs very far": lambda: Attack(
        n, n, domain=Domain(conditions=(at_most(g(n), g(n + 1), {n: (1, 10**9)}),))
    ),
    "a condition on a function of nothing": lambda: Attack(n, n, domain=Domain(conditions=(at_most(g(), n),))),
    "no integer in an interval": lambda: small(Domain({"point_n": Interval(sp.Rational(1, 3), sp.Rational(2, 3))})),
    "no integer in a closed interval": lambda: small(
        Domain({"point_n": Interval(sp.Rational(1, 3), sp.Rational(2, 3), False, False)})
    ),
    "5..3": lambda: Attack(n, 1, positivity, Domain(indices={n: (5, 3)}), relation="<"),
    "two ranges that exclude each other": lambda: Attack(
        n, m, positivity, Domain(indices={n: (m + 1, sp.oo), m: (n + 1, sp.oo)}), relation="<"
    ),
    "an empty range between": lambda: Attack(
        n, m, positivity, Domain(indices={m: (1, 5), n: (m + 1, m - 1)}), relation="<"
    ),
    "an interval and a range": lambda: Attack(
        n, 1, positivity, Domain({"point_n": UNIT}, {n: (2, sp.oo)}), relation="<"
    ),
    "a schedule that cannot be": lambda: Attack(
        abar(1), 1, positivity, Domain({"alpha": Interval(2, 3), "abar": UNIT}, {}, {"abar": "alpha"}), relation="<"
    ),
    "a bound that is no integer": lambda: Attack(
        n, 1, positivity, Domain(indices={n: (sp.Rational(1, 2), sp.oo)}), relation=">="
    ),
    "a hypothesis about nothing": lambda: Attack(f(4), a, given(odd, point_m=4), hypotheses=(odd,)),
    "an end that is taken out": lambda: below_itself(Domain({"point_n": Interval(0, 0, False, False, nonzero=True)})),
    "a bound that lies where no integer is": lambda: Attack(
        n,
        1,
        positivity,
        Domain({"point_m": Interval(sp.Rational(1, 3), sp.Rational(2, 3))}, {n: (1, m)}),
        relation=">=",
    ),
    "a bound below": lambda: Attack(
        n, 1, positivity, Domain({"point_m": Interval(-5, 0, False, False)}, {n: (1, m)}), relation=">="
    ),
    "a size that is true": lambda: Attack(
        Trace(covariance("Point_A"), 1), Trace(covariance("Point_A"), 1), trace_algebra, Domain(sizes={"Point_A": True})
    ),
    "a matrix of size 0": lambda: Attack(
        Trace(covariance("Point_A"), 0), 0, trace_algebra, Domain(sizes={"Point_A": 0})
    ),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "one integer": lambda: Attack(
        n, 2, positivity, Domain({"point_n": Interval(sp.Rational(1, 3), sp.Rational(4, 3))}), relation="<="
    ),
    "3..5": lambda: Attack(n, 6, positivity, Domain(indices={n: (3, 5)}), relation="<="),
    "a bound far away": lambda: Attack(
        n, 1, positivity, Domain({"point_m": Interval(1000, 1001, False, False)}, {n: (1, m)}), relation=">="
    ),
    "nested ranges": lambda: Attack(n, m, positivity, Domain(indices={m: (1, sp.oo), n: (1, m)}), relation="<="),
    "a schedule": lambda: Attack(
        abar(1), 1, positivity, Domain({"alpha": UNIT, "abar": UNIT}, {}, {"abar": "alpha"}), relation="<"
    ),
}


def bounded(index, bounds):  # type: ignore[no-untyped-def]
    return Attack(n, n, domain=Domain(indices={index: bounds}))


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
