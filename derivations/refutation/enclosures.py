"""Real numbers that are known: exactly, as a fraction, or to lie between two bounds.

A `Fraction` is exact. An `Enclosure` is an interval with outward rounding (mpmath's), so the true value lies in it
whatever was calculated on the way. What cannot be decided at the working precision is `Uncomputable`, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from math import isqrt
from typing import Any

import mpmath
from mpmath.libmp import (
    fhalf,
    from_int,
    from_rational,
    fzero,
    mpf_abs,
    mpf_add,
    mpf_e,
    mpf_gt,
    mpf_le,
    mpf_lt,
    mpf_mul,
    mpf_pi,
    mpf_shift,
    mpf_sub,
    mpi_abs,
    mpi_add,
    mpi_div,
    mpi_exp,
    mpi_log,
    mpi_mul,
    mpi_neg,
    mpi_pow_int,
    mpi_sqrt,
    mpi_sub,
    round_ceiling,
    round_floor,
    to_float,
    to_str,
)

from derivations.refutation.undefined import Uncomputable, Undefined

BITS = 128  # of working precision
LONGEST = 1 << 16  # bits of a fraction: a longer one is rounded outward
LARGEST = 1 << 24  # exponents beyond this are not computed with
_working = [BITS]


@contextmanager
def working(bits: int) -> Iterator[None]:
    """Calculate with so many bits inside."""
    before, _working[0] = _working[0], bits
    try:
        yield
    finally:
        _working[0] = before


def working_bits() -> int:
    return _working[0]


class Enclosure:
    """A real number between two bounds."""

    __slots__ = ("ends",)

    def __init__(self, ends: tuple[Any, Any]) -> None:
        self.ends = ends

    def __repr__(self) -> str:
        return f"[{to_str(self.ends[0], 12)}, {to_str(self.ends[1], 12)}]"

    def __add__(self, other: Any) -> Any:
        ends = _ends(other)
        return NotImplemented if ends is None else Enclosure(mpi_add(self.ends, ends, _working[0]))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        ends = _ends(other)
        return NotImplemented if ends is None else Enclosure(mpi_sub(self.ends, ends, _working[0]))

    def __rsub__(self, other: Any) -> Any:
        ends = _ends(other)
        return NotImplemented if ends is None else Enclosure(mpi_sub(ends, self.ends, _working[0]))

    def __mul__(self, other: Any) -> Any:
        ends = _ends(other)
        if ends is None:
            return NotImplemented
        return Fraction(0) if ends == (fzero, fzero) else Enclosure(mpi_mul(self.ends, ends, _working[0]))

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        ends = _ends(other)
        return NotImplemented if ends is None else Enclosure(mpi_div(self.ends, _divisor(ends), _working[0]))

    def __rtruediv__(self, other: Any) -> Any:
        ends = _ends(other)
        return NotImplemented if ends is None else Enclosure(mpi_div(ends, _divisor(self.ends), _working[0]))

    def __neg__(self) -> Enclosure:
        return Enclosure(mpi_neg(self.ends))

    def __abs__(self) -> Enclosure:
        return Enclosure(mpi_abs(self.ends))

    def __pow__(self, n: int) -> Any:
        if n < 0:
            return 1 / self**-n
        return Enclosure(mpi_pow_int(self.ends, n, _working[0])) if n else Fraction(1)

    def __float__(self) -> float:
        return float(to_float(self.middle))

    @property
    def middle(self) -> Any:
        """The raw float of mpmath in the middle."""
        return mpf_mul(fhalf, mpf_add(*self.ends))

    @property
    def width(self) -> float:
        return float(to_float(mpf_sub(self.ends[1], self.ends[0], 53, round_ceiling)))


def _divisor(ends: Any) -> Any:
    if mpf_le(ends[0], fzero) and mpf_le(fzero, ends[1]):
        raise (Undefined if ends == (fzero, fzero) else Uncomputable)("division by what may be zero")
    return ends


def _ends(value: Any) -> Any:
    """The bounds of a number of any kind; None for what is no number here."""
    if isinstance(value, Enclosure):
        return value.ends
    if isinstance(value, Fraction):
        p, q = value.numerator, value.denominator
        return (from_rational(p, q, _working[0], round_floor), from_rational(p, q, _working[0], round_ceiling))
    if isinstance(value, int):
        return (from_int(value, _working[0], round_floor), from_int(value, _working[0], round_ceiling))
    return None


def between(low: Any, high: Any) -> Enclosure:
    return Enclosure((_ends(low)[0], _ends(high)[1]))


def exactly(value: Any) -> Any:
    """The number as these worlds hold it: a fraction if it is one, and a rounded float with its rounding around it."""
    if isinstance(value, Fraction | Enclosure):
        return value
    if isinstance(value, int):
        return Fraction(value)
    if hasattr(value, "_mpf_"):
        middle = value._mpf_
        rounding = mpf_shift(mpf_abs(middle), -90)
        return Enclosure((mpf_sub(middle, rounding), mpf_add(middle, rounding)))
    return Fraction(str(value))


def short(value: Any) -> Any:
    """The same number, rounded outward when its fraction has grown too long."""
    if isinstance(value, Fraction) and value.denominator.bit_length() + value.numerator.bit_length() > LONGEST:
        return Enclosure(_ends(value))
    return value


# --- what is known about a number -------------------------------------------------------------------------------------


def sign(value: Any) -> int | None:
    """1, -1, or 0 when the number certainly has that sign; None when its bounds do not tell."""
    if not isinstance(value, Enclosure):
        return (value > 0) - (value < 0)
    low, high = value.ends
    if mpf_gt(low, fzero):
        return 1
    if mpf_lt(high, fzero):
        return -1
    return 0 if low == high == fzero else None


def surely_apart(a: Any, b: Any) -> bool:
    """True when the two enclosures do not meet."""
    return sign(a - b) in (1, -1)


def known_well(value: Any) -> bool:
    """True when the bounds agree to some 15 digits, or lie as close to zero."""
    if not isinstance(value, Enclosure):
        return True
    size = max(abs(float(to_float(end))) for end in value.ends)
    return value.width <= 2.0**-50 * max(size, 2.0**-50)


# --- functions --------------------------------------------------------------------------------------------------------


def pi() -> Enclosure:
    return Enclosure((mpf_pi(_working[0], round_floor), mpf_pi(_working[0], round_ceiling)))


def euler() -> Enclosure:
    return Enclosure((mpf_e(_working[0], round_floor), mpf_e(_working[0], round_ceiling)))


def exp(value: Any) -> Any:
    if value == 0:
        return Fraction(1)
    ends = _ends(value)
    if max(abs(mpmath.mp.make_mpf(end)) for end in ends) > LARGEST:
        raise Uncomputable("the exponential of a number that large")
    return Enclosure(mpi_exp(ends, _working[0]))


def log(value: Any) -> Any:
    kind = sign(value)
    if kind is None:
        raise Uncomputable("the log of what may be zero")
    if kind <= 0:
        raise Undefined(f"log of {show(value)}")
    return Fraction(0) if value == 1 else Enclosure(mpi_log(_ends(value), _working[0]))


def sqrt(value: Any) -> Any:
    kind = sign(value)
    if kind is None:
        raise Uncomputable("the square root of what may be negative")
    if kind < 0:
        raise Undefined(f"{show(value)} under a root")
    if isinstance(value, Fraction):
        p, q = isqrt(value.numerator), isqrt(value.denominator)
        if p * p == value.numerator and q * q == value.denominator:
            return Fraction(p, q)
    return Enclosure(mpi_sqrt(_ends(value), _working[0]))


def power(base: Any, exponent: Any) -> Any:
    """base^exponent for real numbers; whole powers of any base, other powers of what is not negative."""
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        n = exponent.numerator
        if sign(base) == 0 and n < 0:
            raise Undefined("division by zero")
        if abs(n) > LARGEST:
            raise Uncomputable("a power that high")
        large = isinstance(base, Fraction) and base.numerator.bit_length() + base.denominator.bit_length() > 2
        return (Enclosure(_ends(base)) if large and abs(n) > LONGEST >> 4 else base) ** n
    kind = sign(base)
    if kind is None:
        raise Uncomputable("the root of what may be negative")
    if kind < 0 or (kind == 0 and sign(exponent) != 1):
        raise Undefined(f"{show(base)} under a root")
    if kind == 0:
        return Fraction(0)
    if isinstance(exponent, Fraction) and exponent.denominator == 2 and abs(exponent) < LONGEST:
        return sqrt(base) ** exponent.numerator
    return exp(exponent * log(base))


def show(value: Any, digits: int = 8) -> str:
    """The number with so many digits."""
    if isinstance(value, Enclosure):
        return str(to_str(value.middle, digits))
    return str(mpmath.nstr(mpmath.mpf(value.numerator) / value.denominator, digits))
