"""A law lives in a dimension that is no integer from 1 on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.kernel.terms import DIM
from derivations.notation import i, k, z
from derivations.rules import (
    KL,
    BernoulliProduct,
    Domain,
    Expect,
    Normal,
    Trace,
    algebra,
    definition,
    density,
    moments,
    scalar,
    trace_algebra,
)


def divergence(dim):  # type: ignore[no-untyped-def]
    return KL(Normal(z, 0, 1, dim), Normal(z, 0, 2, dim))


def value(dim):  # type: ignore[no-untyped-def]
    return -sp.Rational(1, 4) * dim + dim * sp.log(2) / 2


real = scalar("dimension_r")


FALSE: dict[str, Callable[[], Attack]] = {
    "-1": lambda: Attack(value(-1), divergence(-1), [definition, density, moments]),
    "1/2": lambda: Attack(value(sp.Rational(1, 2)), divergence(sp.Rational(1, 2)), [definition, density, moments]),
    "0": lambda: Attack(value(0), divergence(0), [definition, density, moments]),
    "k - 5": lambda: Attack(
        value(k - 5), divergence(k - 5), [definition, density, moments], Domain(indices={k: (1, sp.oo)})
    ),
    "a real number": lambda: Attack(value(real), divergence(real), [definition, density, moments]),
    "bits": lambda: Attack(Expect(BernoulliProduct(z, i, sp.Rational(1, 2), -2), sp.S.One), 1, algebra),
    "a trace": lambda: Attack(Trace(1, -3), -3, trace_algebra),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "1": lambda: Attack(value(1), divergence(1), [definition, density, moments]),
    "k": lambda: Attack(value(k), divergence(k), [definition, density, moments], Domain(indices={k: (1, sp.oo)})),
    "d": lambda: Attack(value(DIM), divergence(DIM), [definition, density, moments]),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
