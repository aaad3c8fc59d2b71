"""A mean of what may not exist, and of a Gaussian density read where a function puts it, are taken for finite."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.notation import eps, i, p, q, standard_normal, std, z
from derivations.rules import (
    KL,
    POSITIVE,
    AffineImage,
    Coord,
    Domain,
    Expect,
    LogDensity,
    Mean,
    Norm2,
    Normal,
    Variance,
    algebra,
    positivity,
    scalar_function,
    vector,
    vector_function,
)

u = vector("means_u")
f, net = scalar_function("means_f"), vector_function("means_net")
inner = Expect(p(z, u), f(z))
elsewhere = LogDensity(Normal(net(z), 0, 1))
here = LogDensity(Normal(2 * z, 0, 1))
spread = Domain({"std": POSITIVE})


def below(e: sp.Expr, relation: str) -> Attack:
    return Attack(e, e + 1, positivity, relation=relation)


def image(noise: int, size: int) -> sp.Expr:
    law = AffineImage(z, i, Coord(u, i), Coord(std, i), standard_normal(eps, noise), size)
    return Expect(law, Coord(z, size))


FALSE: dict[str, Callable[[], Attack]] = {
    "a density read at a function's value": lambda: below(Expect(Normal(z, 0, 1), elsewhere), "<"),
    "a variance that may not exist": lambda: below(Expect(q(u), Variance(p(z, u))), "<="),
    "exp of a mean": lambda: below(Expect(q(u), sp.exp(inner)), "<="),
    "the norm of a mean": lambda: below(Expect(q(u), Norm2(Mean(p(z, u)))), "<="),
    "the square of a mean": lambda: below(Expect(q(u), inner**2), "<="),
    "an image larger than its noise": lambda: Attack(image(3, 5), image(3, 5), algebra, domain=spread),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "a density read at a multiple": lambda: below(Expect(Normal(z, 0, 1), here), "<"),
    "a mean of divergences": lambda: below(Expect(q(u), KL(p(z, u), q(z))), "<="),
    "exp of a number": lambda: below(Expect(q(u), sp.exp(f(u))), "<="),
    "an image of its noise's size": lambda: Attack(image(3, 3), image(3, 3), algebra, domain=spread),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
