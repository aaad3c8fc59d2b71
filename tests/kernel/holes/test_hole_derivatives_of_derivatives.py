"""Second derivatives of what is known to have one; gradients of what is no function at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.notation import d, smooth
from derivations.rules import (
    D,
    Div,
    Domain,
    Grad,
    Gradient,
    Inner,
    Jvp,
    Laplacian,
    LogDensity,
    Norm2,
    Normal,
    Vjp,
    algebra,
    differentiation,
    scalar,
    scalar_function,
    smoothness,
    vector,
    vector_calculus,
    vector_function,
)

V, F = scalar_function("twice_V"), vector_function("twice_F")
z, u, a = vector("twice_z"), vector("twice_u"), scalar("twice_a")
slope = Grad(V(z), z)
SAYS: dict[str, tuple[Any, Any, int]] = {
    "Laplacian": (Laplacian(2 * V(z), z), 2 * Laplacian(V(z), z), 2),
    "Jacobian of a gradient": (Jvp(Grad(2 * V(z), z), z, u), 2 * Jvp(slope, z, u), 2),
    "a Hessian is symmetric": (Vjp(slope, z, u), Jvp(slope, z, u), 2),
    "divergence of a gradient": (Div(slope, z), Laplacian(V(z), z), 2),
    "gradient of a Laplacian": (Grad(Laplacian(2 * V(z), z), z), 2 * Grad(Laplacian(V(z), z), z), 3),
    "gradient of a Jacobian": (Grad(Inner(Jvp(F(z), z, u), u), z), Grad(Inner(u, Jvp(F(z), z, u)), z), 2),
    "gradient": (Grad(2 * V(z), z), 2 * slope, 1),
}
NOTHING: dict[str, Callable[[], Attack]] = {
    "a slope of a gradient": lambda: Attack(
        2 * D(Inner(Grad(V(a * z), z), u), a),
        D(2 * Inner(Grad(V(a * z), z), u), a),
        differentiation,
        Domain(),
        (smoothness(V, 1),),
    ),
    "a gradient of a vector": lambda: Attack(Gradient(F, z), Gradient(F, z) + 0 * u, algebra, Domain(), (smooth,)),
    "a gradient of nobody": lambda: Attack(
        Gradient(sp.Symbol("twice_nobody"), z), Gradient(sp.Symbol("twice_nobody"), z), algebra, Domain(), (smooth,)
    ),
    "a gradient of a law": lambda: Attack(
        Gradient(sp.Symbol("q"), z), Gradient(sp.Symbol("q"), z), algebra, Domain(), (smooth,)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAYS)
def test_it_needs_so_many_derivatives(name: str) -> None:
    lhs, rhs, order = SAYS[name]
    declared = lambda n: (smoothness(V, n), smoothness(F, n))  # noqa: E731
    assert_refused(lambda: Attack(lhs, rhs, vector_calculus, Domain(), declared(order - 1)))
    for enough in (declared(order), (smooth,)):
        verdict = Attack(lhs, rhs, vector_calculus, Domain(), enough).verdict()
        assert verdict, verdict


@pytest.mark.parametrize("name", NOTHING)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(NOTHING[name])


def test_what_is_written_out_needs_nobody_to_say_so() -> None:
    for lhs, rhs in (
        (Div(Grad(Norm2(z), z), z), 2 * d),
        (Laplacian(LogDensity(Normal(z, u, 1)), z), -d),
        (Grad(Laplacian(Norm2(z) ** 2, z), z), (8 + 4 * d) * 2 * z),
    ):
        verdict = Attack(lhs, rhs, vector_calculus).verdict()
        assert verdict, verdict
