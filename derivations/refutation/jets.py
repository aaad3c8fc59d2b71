"""Numbers that depend on a small variable: power series with exact or enclosed coefficients, known to some order.

A `Jet` is sum c_k x^k for k from `low` on, known below `end`; what is beyond is only known to be O(x^end), and every
operation keeps track of that. Coefficients are numbers of any kind, also jets in variables of a lower level.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from derivations.refutation.enclosures import Enclosure, sign
from derivations.refutation.undefined import Uncomputable, Undefined

_levels = itertools.count(1)
Numeric = Callable[[Any], Any]
ZERO = Fraction(0)


class Jet:
    """A power series in the variable of its level, with finitely many negative powers."""

    __slots__ = ("coefficients", "level", "low")

    def __init__(self, level: int, low: int, coefficients: list[Any]) -> None:
        self.level, self.low, self.coefficients = level, low, coefficients

    def __repr__(self) -> str:
        return f"Jet({self.low}, {self.coefficients})"

    def __float__(self) -> float:
        """What it tends to, where it tends to a number."""
        if any(float(self[k]) for k in range(self.low, 0)):
            return float("inf")
        return float(self[0])

    @property
    def end(self) -> int:
        return self.low + len(self.coefficients)

    def __getitem__(self, k: int) -> Any:
        """The coefficient of x^k."""
        if k >= self.end:
            raise Uncomputable(f"a series that is known below x^{self.end} only")
        return self.coefficients[k - self.low] if k >= self.low else Fraction(0)

    def map(self, change: Numeric) -> Jet:
        return Jet(self.level, self.low, [change(c) for c in self.coefficients])

    def below(self, end: int) -> Jet:
        """The same, known below `end` only."""
        return Jet(self.level, self.low, self.coefficients[: max(0, end - self.low)])

    def _is_inner(self, other: Any) -> bool:
        return isinstance(other, Jet) and other.level > self.level

    def __add__(self, other: Any) -> Any:
        if self._is_inner(other):
            return other + self
        if not (isinstance(other, Jet) and other.level == self.level):
            if self.end <= 0:
                return self
            other = Jet(self.level, 0, [other, *[Fraction(0)] * (self.end - 1)])
        low, end = min(self.low, other.low), min(self.end, other.end)
        return Jet(self.level, low, [self[k] + other[k] for k in range(low, end)])

    __radd__ = __add__

    def __neg__(self) -> Jet:
        return self.map(lambda c: -c)

    def __sub__(self, other: Any) -> Any:
        return self + (-1) * other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if self._is_inner(other):
            return other * self
        if not (isinstance(other, Jet) and other.level == self.level):
            return self.map(lambda c: c if _is_plainly_zero(c) and not _is_float(other) else c * other)
        count = min(len(self.coefficients), len(other.coefficients))
        made: list[Any] = [ZERO] * count
        # Most series are short polynomials, so most coefficients are exact zeros: only the others are multiplied.
        terms = [(j, b) for j, b in enumerate(other.coefficients[:count]) if not _is_plainly_zero(b)]
        for i, a in enumerate(self.coefficients[:count]):
            if _is_plainly_zero(a):
                continue
            for j, b in terms:
                if i + j >= count:
                    break
                made[i + j] = a * b if made[i + j] is ZERO else made[i + j] + a * b
        if floats := [c for c in made if _is_float(c)]:  # the gaps are then floats, too
            made = [type(floats[0])() if c is ZERO else c for c in made]
        return Jet(self.level, self.low + other.low, made)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self * _inverse(other)

    def __rtruediv__(self, other: Any) -> Any:
        return other * self.reciprocal()

    def __pow__(self, n: int) -> Any:
        if n < 0:
            return self.reciprocal() ** -n
        if n < 2:
            return self if n else Fraction(1)
        half = self ** (n // 2)
        return half * half * self if n % 2 else half * half

    def stripped(self) -> Jet:
        """The same from its first coefficient on that is not 0."""
        for n, c in enumerate(self.coefficients):
            if not _is_zero(c):
                return Jet(self.level, self.low + n, self.coefficients[n:])
        raise Uncomputable("a series of which only zeros are known")

    def reciprocal(self) -> Jet:
        first, *rest = (known := self.stripped()).coefficients
        made = [_inverse(first)]
        for k in range(1, len(rest) + 1):
            made.append(-made[0] * _total(rest[i - 1] * made[k - i] for i in range(1, k + 1)))
        return Jet(self.level, -known.low, made)

    def tending(self) -> Jet:
        """The same without negative powers, which must vanish; Undefined where it grows beyond all bounds."""
        for k in range(self.low, 0):
            if not _is_zero(self[k]):
                raise Undefined("a series with negative powers under a function: it does not tend to a limit")
        return self if self.low == 0 else Jet(self.level, 0, [self[k] for k in range(self.end)])


def _total(values: Iterable[Any]) -> Any:
    total: Any = ZERO
    for v in values:
        total = v if total is ZERO else total + v
    return total


def _present(coefficients: list[Any]) -> list[int]:
    """Which of the coefficients after the first are not plainly 0."""
    return [i for i, c in enumerate(coefficients) if i and not _is_plainly_zero(c)]


def _is_plainly_zero(c: Any) -> bool:
    """Is this the number 0, whatever stands beside it? Bounds around 0 are not."""
    return type(c) is Fraction and not c.numerator


def _is_float(c: Any) -> bool:
    """One of mpmath's, which do not mix with fractions in every way."""
    return hasattr(c, "_mpf_")


def _inverse(c: Any) -> Any:
    """1/c, exactly for whole numbers."""
    if isinstance(c, Jet):
        return c.reciprocal()
    return Fraction(1, c) if isinstance(c, int) else 1 / c


def _is_zero(c: Any) -> bool:
    """Is a coefficient exactly 0? Uncomputable when its bounds do not tell."""
    if isinstance(c, Jet):
        return False if any(not _is_zero(a) for a in c.coefficients) else _unknown()
    if isinstance(c, Enclosure):
        kind = sign(c)
        return _unknown() if kind is None else kind == 0
    return bool(c == 0)


def _unknown() -> bool:
    raise Uncomputable("whether a coefficient of a series is 0, its bounds do not tell")


def variable(terms: int) -> Jet:
    """A new small variable, of a level above all others, known so far."""
    return Jet(next(_levels), 1, [Fraction(1), *[Fraction(0)] * (terms - 2)])


def coefficient(value: Any, level: int, k: int) -> Any:
    """The coefficient of the k-th power of the variable of this level."""
    if isinstance(value, tuple):
        return tuple(coefficient(v, level, k) for v in value)
    if isinstance(value, Jet) and value.level == level:
        return value[k]
    if isinstance(value, Jet) and value.level > level:
        return value.map(lambda c: coefficient(c, level, k))
    return value if k == 0 else Fraction(0)


# --- functions --------------------------------------------------------------------------------------------------------


def lifted_exp(exp: Numeric) -> Numeric:
    def function(value: Any) -> Any:
        if not isinstance(value, Jet):
            return exp(value)
        c = value.tending().coefficients
        made = [function(c[0])] if c else []
        rates = [(i, i * c[i]) for i in _present(c)]
        for k in range(1, len(c)):
            made.append((_total(rate * made[k - i] for i, rate in rates if i <= k) + ZERO * made[0]) / k)
        return Jet(value.level, 0, made)

    return function


def lifted_log(log: Numeric) -> Numeric:
    def function(value: Any) -> Any:
        if not isinstance(value, Jet):
            return log(value)
        c = value.tending().coefficients
        made = [function(c[0])] if c else []
        present = _present(c)
        for k in range(1, len(c)):
            total = _total((k - j) * made[k - j] * c[j] for j in present if j < k) + ZERO * c[0]
            made.append((-total / k + c[k]) / c[0])
        return Jet(value.level, 0, made)

    return function


def lifted_power(power: Callable[[Any, Any], Any], exp: Numeric, log: Numeric) -> Callable[[Any, Any], Any]:
    lift_exp, lift_log = lifted_exp(exp), lifted_log(log)

    def function(base: Any, exponent: Any) -> Any:
        if isinstance(exponent, Jet):
            return lift_exp(exponent * lift_log(base))
        if not isinstance(base, Jet):
            return power(base, exponent)
        if exponent == int(exponent):
            return base ** int(exponent)
        c = base.tending().coefficients
        made = [function(c[0], exponent)] if c else []
        present = _present(c)
        for k in range(1, len(c)):
            total = _total((exponent * i - (k - i)) * c[i] * made[k - i] for i in present if i <= k) + ZERO * c[0]
            made.append(total / (k * c[0]))
        return Jet(base.level, 0, made)

    return function


def lifted_absolute(absolute: Numeric) -> Numeric:
    def function(value: Any) -> Any:
        if not isinstance(value, Jet):
            return absolute(value)
        first = value.stripped().coefficients[0]
        if not isinstance(first, Fraction | Enclosure) or value.low > 0:
            raise Uncomputable("the absolute value of a series")
        return value * (sign(first) or 1)

    return function
