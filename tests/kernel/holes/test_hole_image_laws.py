"""The noise of an image has parameters that mention the image's variable."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.notation import eps, i, k, standard_normal, z
from derivations.rules import (
    KL,
    POSITIVE,
    AffineImage,
    BernoulliProduct,
    Coord,
    Density,
    DiagonalNormal,
    Domain,
    Expect,
    Hadamard,
    LogDensity,
    Norm2,
    algebra,
    jacobian,
    positivity,
    push_forward,
    vector,
)

u, w = vector("image_u"), vector("image_w")
ANY_K = Domain({"image_w": POSITIVE}, {k: (1, sp.oo)})


def image(mean):  # type: ignore[no-untyped-def]
    return AffineImage(z, i, Coord(u, i), Coord(w, i), DiagonalNormal(eps, i, mean, 1, k), k)


ONE = sp.S.One
of_z, still = image(Coord(z, i)), image(0)
moving_scale = AffineImage(z, i, Coord(u, i), Coord(z, i) ** 2 + 1, standard_normal(eps, k), k)
bits = AffineImage(z, i, Coord(u, i), sp.S.One, BernoulliProduct(eps, i, sp.Rational(1, 2), k), k)
unknown = AffineImage(z, i, Coord(u, i), sp.S.One, Density("image_q", eps), k)
twice = AffineImage(z, i, Coord(u, i), sp.S.One, AffineImage(eps, i, 0, 1, BernoulliProduct(w, i, ONE / 2, k), k), k)
own_noise = AffineImage(z, i, Coord(eps, i), Coord(w, i), standard_normal(eps, k), k)


FALSE: dict[str, Callable[[], Attack]] = {
    "a mean over it": lambda: Attack(
        Expect(of_z, Coord(z, 1)), Expect(standard_normal(eps, k), Coord(u, 1)), push_forward, ANY_K
    ),
    "its density": lambda: Attack(LogDensity(of_z), LogDensity(of_z) + 0 * Norm2(z), jacobian, ANY_K),
    "its own scale": lambda: Attack(
        Expect(moving_scale, Norm2(z)), Expect(moving_scale, Norm2(z)) + 0 * Norm2(u), push_forward, ANY_K
    ),
    "an image of bits has no density": lambda: Attack(
        LogDensity(bits) + 0 * Norm2(z), LogDensity(bits) + 0 * Norm2(u), algebra, ANY_K
    ),
    "bits diverge infinitely from a normal law": lambda: Attack(
        KL(bits, standard_normal(z, k)), KL(bits, standard_normal(z, k)) + 1, positivity, ANY_K, relation="<"
    ),
    "and a normal law from them": lambda: Attack(
        KL(standard_normal(z, k), bits), KL(standard_normal(z, k), bits) + 1, positivity, ANY_K, relation="<"
    ),
    "an image of an image of bits": lambda: Attack(
        KL(twice, standard_normal(z, k)), KL(twice, standard_normal(z, k)) + 1, positivity, ANY_K, relation="<"
    ),
    "an image of an unknown law may have no mean": lambda: Attack(
        Expect(unknown, Norm2(z)), Expect(unknown, Norm2(z)) + 1, positivity, ANY_K, relation="<"
    ),
    "its own noise": lambda: Attack(
        Expect(own_noise, Norm2(z)), Expect(own_noise, Norm2(z)) + 0 * Norm2(u), push_forward, ANY_K
    ),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "noise that knows nothing of it": lambda: Attack(
        Expect(still, Norm2(z)), Expect(standard_normal(eps, k), Norm2(u + Hadamard(w, eps))), push_forward, ANY_K
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
