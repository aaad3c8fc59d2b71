"""Rigorous intervals with rational ends: exact arithmetic, and square roots bracketed by integer square roots."""

from __future__ import annotations

import decimal
import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from reference.validation import Exact, fraction, integer

PLACES = 60  # decimal places of a bracketed square root


@dataclass(frozen=True)
class Interval:
    """All numbers between two fractions, low <= high; every operation returns an interval that holds all results."""

    low: Fraction
    high: Fraction

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"interval from {float(self.low)} to {float(self.high)} is empty; swap its ends")

    @staticmethod
    def of(value: Exact | Interval) -> Interval:
        """Return the interval that holds one exact number (a float is the binary number it is)."""
        if isinstance(value, Interval):
            return value
        exact = fraction("value", value)
        return Interval(exact, exact)

    @property
    def width(self) -> Fraction:
        """Distance between the ends."""
        return self.high - self.low

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low)

    def __add__(self, other: Exact | Interval) -> Interval:
        right = Interval.of(other)
        return Interval(self.low + right.low, self.high + right.high)

    def __sub__(self, other: Exact | Interval) -> Interval:
        return self + -Interval.of(other)

    def __mul__(self, other: Exact | Interval) -> Interval:
        right = Interval.of(other)
        products = [a * b for a in (self.low, self.high) for b in (right.low, right.high)]
        return Interval(min(products), max(products))

    def __truediv__(self, other: Exact | Interval) -> Interval:
        right = Interval.of(other)
        if right.low <= 0 <= right.high:
            raise ZeroDivisionError(
                f"divisor from {float(right.low)} to {float(right.high)} holds 0; keep it away from 0"
            )
        return self * Interval(1 / right.high, 1 / right.low)

    def sqrt(self) -> Interval:
        """Return an interval that holds the square roots; ValueError below 0."""
        if self.low < 0:
            raise ValueError(f"square root of an interval down to {float(self.low)}; it must not reach below 0")
        return Interval(_root_below(self.low), _root_above(self.high))

    def contains(self, value: Exact) -> bool:
        """Tell whether an exact number lies inside."""
        return self.low <= fraction("value", value) <= self.high

    def rounded(self, places: int) -> Decimal:
        """Return the number to that many decimal places, if all of the interval rounds to the same one."""
        unit = Decimal(1).scaleb(-integer("places", places, 0, PLACES))
        low, high = _quantized(self.low, unit), _quantized(self.high, unit)
        if low != high:
            raise ValueError(f"the interval holds both {low} and {high} at {places} places; ask for fewer places")
        return low

    def __float__(self) -> float:
        return float((self.low + self.high) / 2)


def _root_below(value: Fraction) -> Fraction:
    scale = 10**PLACES
    return Fraction(math.isqrt(value.numerator * scale * scale // value.denominator), scale)


def _root_above(value: Fraction) -> Fraction:
    below = _root_below(value)
    return below if below * below == value else below + Fraction(1, 10**PLACES)


def _quantized(value: Fraction, unit: Decimal) -> Decimal:
    """Round half to even, exactly: the fraction is compared with the halfway point as a fraction."""
    with decimal.localcontext() as context:
        context.prec = 4 * PLACES
        return Decimal(round(value / Fraction(unit))) * unit
