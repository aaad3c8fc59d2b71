"""A law is written for another whose density is the same, but whose mean depends on the law's own variable."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.kernel.terms import DIM
from derivations.notation import i, integrable, k, q, standard_normal, z
from derivations.rules import (
    KL,
    NONNEGATIVE,
    Coord,
    DiagonalNormal,
    Domain,
    Expect,
    Hypothesis,
    LinearSDE,
    LogDensity,
    Mean,
    Norm2,
    Normal,
    Variance,
    algebra,
    density,
    given,
    identify,
    linear_sde,
    moments,
    scalar,
    vector,
)

u = vector("self_u")
plain, moving = Normal(z, 0, 1), Normal(z, 2 * z, 1)
spread = Normal(z, 0, 1 + Norm2(z))
said = Hypothesis("what q is", "", LogDensity(q(z)), LogDensity(moving))
coordinates = DiagonalNormal(z, i, 3 * Coord(z, i), 1, k)
ANY_K = Domain(indices={k: (1, sp.oo)})
w = scalar("self_w")
RUN = Domain({"self_w": NONNEGATIVE})


def moved(slope, noise, start, time=sp.S.One):  # type: ignore[no-untyped-def]
    return LogDensity(LinearSDE(z, w, start, slope, noise, time))


def solved(noise):  # type: ignore[no-untyped-def]
    return linear_sde(sp.S.One, noise * w)


FALSE: dict[str, Callable[[], Attack]] = {
    "isotropic": lambda: Attack(
        Expect(plain, Norm2(z)), 4 * Norm2(z) + DIM, [identify(plain, moving, density), moments]
    ),
    "its variance": lambda: Attack(Variance(plain), 1 + Norm2(z), [identify(plain, spread, density), moments]),
    "its mean": lambda: Attack(Mean(plain), 2 * z, [identify(plain, moving, density), moments]),
    "by a hypothesis": lambda: Attack(
        Expect(q(z), Norm2(z)),
        4 * Norm2(z) + DIM,
        [identify(q(z), moving, given(said)), moments],
        hypotheses=(said, integrable),
    ),
    "coordinate by coordinate": lambda: Attack(
        Expect(standard_normal(z, k), Coord(z, 1)),
        3 * Coord(z, 1),
        [identify(standard_normal(z, k), coordinates, density), moments],
        ANY_K,
    ),
    "an average over it": lambda: Attack(Expect(moving, Norm2(z)), 4 * Norm2(z) + DIM, moments),
    "an equation that looks linear": lambda: Attack(
        moved(sp.S.Zero, 1 + Norm2(z), u), LogDensity(Normal(z, u, 1 + Norm2(z))), solved(1 + Norm2(z)), RUN
    ),
    "an equation that starts where it ends": lambda: Attack(
        moved(sp.S.Zero, sp.S.One, z), LogDensity(Normal(z, z, 1)), solved(sp.S.One), RUN
    ),
    "an equation whose time depends on it": lambda: Attack(
        moved(sp.S.Zero, sp.S.One, u, 1 + Norm2(z)), LogDensity(Normal(z, u, 1 + Norm2(z))), solved(sp.S.One), RUN
    ),
    "a divergence from it": lambda: Attack(KL(moving, plain), KL(moving, plain) + 0 * DIM),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "its own moments": lambda: Attack(Expect(plain, Norm2(z)), DIM, moments),
    "an equation of another start": lambda: Attack(
        moved(sp.S.Zero, 1 + Norm2(u), u), LogDensity(Normal(z, u, 1 + Norm2(u))), solved(1 + Norm2(u)), RUN
    ),
    "the same law, written otherwise": lambda: Attack(
        Expect(Normal(z, u / 2 + u / 2, 1), Norm2(z)),
        Norm2(u) + DIM,
        [identify(Normal(z, u, 1), Normal(z, u, 1), algebra), moments],
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
