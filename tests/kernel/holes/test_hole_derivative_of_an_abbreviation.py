"""A derivative takes an abbreviation for a constant."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attack import Attack, assert_refused

from derivations.notation import abar, alpha, beta, integrable, interchange_hypothesis, schedule, snr, z
from derivations.rules import (
    REAL,
    UNIT,
    D,
    Domain,
    Expect,
    Norm2,
    Normal,
    define,
    differentiation,
    interchange,
    moments,
    scalar,
)

UNITS = Domain({"alpha": UNIT, "abbreviated_phi": REAL})
phi = scalar("abbreviated_phi")
squared = define("abbreviated_square", "S", lambda a: a**2)
twice_hidden = define("abbreviated_twice", "F", lambda a: squared(a) + squared(a))
by_its_argument = define("abbreviated_slope", "G", lambda a, b: D(a * b, a))


FALSE: dict[str, Callable[[], Attack]] = {
    "a family in its body": lambda: Attack(D(beta(1), alpha(1)), 0, differentiation, UNITS),
    "two levels": lambda: Attack(D(twice_hidden(phi), phi), 0, differentiation, UNITS),
    "under a mean": lambda: Attack(
        D(Expect(Normal(z, 0, 1), Norm2(z) * squared(phi)), phi),
        0,
        [interchange, differentiation, moments],
        UNITS,
        (interchange_hypothesis, integrable),
    ),
    "a body that differentiates by what it is given": lambda: Attack(
        by_its_argument(phi, phi), 2 * phi, differentiation, UNITS
    ),
    "the signal of a step": lambda: Attack(D(snr(1), abar(1)), 0, differentiation, schedule()),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "a family in its body": lambda: Attack(D(beta(1), alpha(1)), -1, differentiation, UNITS),
    "two levels": lambda: Attack(D(twice_hidden(phi), phi), 4 * phi, differentiation, UNITS),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
