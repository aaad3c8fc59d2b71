"""Noise schedules in exact arithmetic: fractions where the formula is rational, decimals where it is not.

Time is t = 1..T and abar_0 = 1. A float beta is taken as the binary number it is, so that its products are exact
integers over a power of two and are rounded to float64 once, at the end.
"""

from __future__ import annotations

import decimal
import itertools
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np

from reference.validation import Array, Betas, Exact, as_floats, fraction, integer, noise_schedule

DIGITS = 60  # working precision of decimal schedules; forty digits of the result are safe for T up to 10^6
MAX_BETA = Fraction(999, 1000)

__all__ = [
    "alpha_bar_decimal",
    "alpha_bars",
    "as_floats",
    "betas_of_alpha_bars",
    "cosine_alpha_bars",
    "exact_alpha_bars",
    "linear_betas",
    "noise_variances",
    "scaled_linear_betas",
    "sigmoid_alpha_bars",
]


def alpha_bars(betas: Betas) -> Array:
    """Return abar_0..abar_T, shape (T+1,), the running product of 1 - beta_t with abar_0 = 1.

    Each entry is the float64 nearest to the exact product over the given betas (rounded to float64 first when they
    are fractions or decimals). Claims: ddpm.forward.marginal, ddpm.schedule.abar_values.
    """
    return np.array([numerator / (1 << shift) for numerator, shift in _products(noise_schedule(betas))])


def noise_variances(betas: Betas) -> Array:
    """Return 1 - abar_0..1 - abar_T, shape (T+1,), each correctly rounded: no cancellation where abar is near 1."""
    return np.array([((1 << shift) - n) / (1 << shift) for n, shift in _products(noise_schedule(betas))])


def _products(betas: Array) -> list[tuple[int, int]]:
    """Return abar_t as exact dyadic numbers (numerator, binary places), t = 0..T."""
    products = [(1, 0)]
    for beta in betas:
        over, under = (1 - Fraction(float(beta))).as_integer_ratio()
        numerator, shift = products[-1]
        products.append((numerator * over, shift + under.bit_length() - 1))
    return products


def exact_alpha_bars(betas: Sequence[Exact]) -> list[Fraction]:
    """Return abar_0..abar_T as fractions, betas taken exactly (floats as binary numbers, strings as decimals)."""
    products = [Fraction(1)]
    for t, beta in enumerate(_exact_schedule(betas), start=1):
        products.append(products[t - 1] * (1 - beta))
    return products


def alpha_bar_decimal(betas: Sequence[Exact], t: int, digits: int = 40) -> Decimal:
    """Return abar_t of exactly taken betas, correctly rounded to `digits` significant decimal digits."""
    schedule = _exact_schedule(betas)
    t = integer("t", t, 0, len(schedule))
    digits = integer("digits", digits, 1, 1000)
    numerator, denominator = 1, 1
    for beta in schedule[:t]:
        numerator *= beta.denominator - beta.numerator
        denominator *= beta.denominator
    with decimal.localcontext() as context:
        context.prec = digits
        return Decimal(numerator) / Decimal(denominator)


def linear_betas(T: int, beta_min: Exact = "1e-4", beta_max: Exact = "0.02") -> list[Fraction]:
    """Return beta_t = beta_min + (t-1)/(T-1) (beta_max - beta_min), t = 1..T, as fractions; T = 1 gives beta_max.

    Claim: ddpm.schedule.linear (Ho et al. 2020, section 4).
    """
    T, low, high = _ends(T, beta_min, beta_max)
    return [low + Fraction(t - 1, T - 1) * (high - low) for t in range(1, T + 1)] if T > 1 else [high]


def scaled_linear_betas(T: int, beta_min: Exact = "0.00085", beta_max: Exact = "0.012") -> list[Decimal]:
    """Return betas whose square roots are equally spaced from sqrt(beta_min) to sqrt(beta_max), as decimals.

    T = 1 gives beta_max.
    """
    T, low, high = _ends(T, beta_min, beta_max)
    with decimal.localcontext() as context:
        context.prec = DIGITS
        first, last = _decimal(low).sqrt(), _decimal(high).sqrt()
        steps = [Decimal(t - 1) / (T - 1) for t in range(1, T + 1)] if T > 1 else [Decimal(1)]
        return [(first + step * (last - first)) ** 2 for step in steps]


def cosine_alpha_bars(T: int, offset: Exact = "0.008") -> list[Decimal]:
    """Return abar_t = f(t/T) / f(0), f(u) = cos^2(pi/2 (u + s)/(1 + s)), t = 0..T (Nichol and Dhariwal 2021, eq. 17).

    abar_T is cos^2(pi/2) = 0; `betas_of_alpha_bars` holds the betas below its limit.
    """
    T = integer("T", T, 1)
    s = fraction("offset", offset)
    if s < 0:
        raise ValueError(f"offset is {s}, but it must be at least 0; the usual value is 0.008")
    with decimal.localcontext() as context:
        context.prec = DIGITS
        half_pi = _pi() / 2
        start = _cosine(half_pi * _decimal(s / (1 + s))) ** 2
        inner = [_cosine(half_pi * _decimal((Fraction(t, T) + s) / (1 + s))) ** 2 / start for t in range(T)]
        return [*inner, Decimal(0)]


def sigmoid_alpha_bars(T: int, start: Exact = -3, end: Exact = 3, tau: Exact = 1) -> list[Decimal]:
    """Return abar_t = (g(end) - g(start + t/T (end - start))) / (g(end) - g(start)), g(u) = 1/(1 + exp(-u/tau)).

    t = 0..T, abar_T = 0 (Jabri et al. 2022, algorithm 1, with the argument reversed).
    """
    T = integer("T", T, 1)
    first, last, width = fraction("start", start), fraction("end", end), fraction("tau", tau)
    if first >= last or width <= 0:
        raise ValueError(
            f"start {first}, end {last}, tau {width}: need start < end and tau > 0; the usual are -3, 3, 1"
        )
    with decimal.localcontext() as context:
        context.prec = DIGITS
        values = [1 / (1 + (-_decimal((first + Fraction(t, T) * (last - first)) / width)).exp()) for t in range(T + 1)]
        return [(values[-1] - value) / (values[-1] - values[0]) for value in values]


def betas_of_alpha_bars(abars: Sequence[Exact], max_beta: Exact = MAX_BETA) -> list[Fraction]:
    """Return beta_t = min(1 - abar_t/abar_{t-1}, max_beta) for 1 = abar_0 > abar_1 > ... > abar_T >= 0."""
    values = [fraction(f"abar_{t}", abar) for t, abar in enumerate(abars)]
    limit = fraction("max_beta", max_beta)
    if len(values) < 2 or values[0] != 1:
        raise ValueError("abars must start with abar_0 = 1 and hold at least abar_1; prepend a 1")
    if not 0 < limit <= 1:
        raise ValueError(f"max_beta is {limit}, but it must lie in (0, 1]; the usual value is 0.999")
    for t in range(1, len(values)):
        if not 0 <= values[t] < values[t - 1]:
            raise ValueError(f"abar_{t} does not fall from abar_{t - 1} towards 0; abars must strictly decrease")
    return [min(1 - late / early, limit) for early, late in itertools.pairwise(values)]


def _exact_schedule(betas: Sequence[Exact]) -> list[Fraction]:
    schedule = [fraction(f"beta_{t}", beta) for t, beta in enumerate(betas, start=1)]
    noise_schedule(schedule)
    for t, beta in enumerate(schedule, start=1):
        if not (0 < beta < 1 or (beta == 1 and t == len(schedule) > 1)):
            raise ValueError(f"beta_{t} is {float(beta)}, but it must lie in (0, 1); check the schedule")
    return schedule


def _ends(T: int, beta_min: Exact, beta_max: Exact) -> tuple[int, Fraction, Fraction]:
    T = integer("T", T, 1)
    low, high = fraction("beta_min", beta_min), fraction("beta_max", beta_max)
    if not 0 < low <= high < 1:
        raise ValueError(
            f"beta_min {float(low)}, beta_max {float(high)}: need 0 < beta_min <= beta_max < 1; swap or shrink"
        )
    return T, low, high


def _decimal(value: Fraction) -> Decimal:
    """Round a fraction to the current decimal precision."""
    return Decimal(value.numerator) / Decimal(value.denominator)


def _pi() -> Decimal:
    """Return pi by Machin's formula, to the current precision."""
    return 4 * (4 * _inverse_tangent_of_reciprocal(5) - _inverse_tangent_of_reciprocal(239))


def _inverse_tangent_of_reciprocal(n: int) -> Decimal:
    power, total, k = Decimal(1) / n, Decimal(0), 0
    while abs(power) > Decimal(10) ** -(DIGITS + 5):
        total += power / (2 * k + 1) * (-1 if k % 2 else 1)
        power /= n * n
        k += 1
    return total


def _cosine(angle: Decimal) -> Decimal:
    """Return cos(angle) for 0 <= angle <= pi/2 by its Taylor series; an absolute error below 10^-50."""
    term, total, k = Decimal(1), Decimal(0), 0
    while abs(term) > Decimal(10) ** -(DIGITS + 5):
        total += term
        k += 2
        term *= -angle * angle / (k * (k - 1))
    return total
