"""What only floats need: averages of exponentials, in closed form where it is known, else by quadrature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derivations.refutation.arithmetic import mp
from derivations.refutation.undefined import Undefined

PIECES = [mp.mpf(p) for p in (-12, -6, -3, -1.5, -0.5, 0.5, 1.5, 3, 6, 12)]


def exp_of_quadratic(exponent: Callable[[Any], Any]) -> Any:
    """E exp(exponent(e)), e ~ N(0, 1), in closed form for a quadratic exponent a e^2 + b e + c; None for any other."""
    low, c, high, check = (exponent(mp.mpf(e)) for e in (-1, 0, 1, 2))
    a, b = (low + high) / 2 - c, (high - low) / 2
    if abs(4 * a + 2 * b + c - check) > mp.mpf(10) ** -18 * (1 + abs(check)):
        return None
    if 2 * a >= 1:
        raise Undefined("the average of this exponential is infinite")
    return mp.exp(c + b**2 / (2 * (1 - 2 * a))) / mp.sqrt(1 - 2 * a)


def mean_of_exponential(mean: Any, variance: Any, exponent: Callable[[Any], Any]) -> Any:
    """E exp(exponent(v)) over v ~ N(mean, variance), a number."""
    scale = mp.sqrt(variance)
    exact = exp_of_quadratic(lambda u: exponent(mean + scale * u))
    if exact is not None:
        return exact
    return mp.quad(lambda u: mp.npdf(u) * mp.exp(exponent(mean + scale * u)), PIECES)
