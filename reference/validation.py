"""What may enter at the public border, and the words with which anything else is refused.

Every function returns the checked value in the one form that the mathematics uses (float64 arrays, plain ints), or
raises `ValueError` (a value outside its limits) or `TypeError` (not that kind of thing at all). Each message names
the value, the limit and the remedy.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import SupportsIndex, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]
Exact: TypeAlias = int | float | str | Fraction | Decimal
Betas: TypeAlias = ArrayLike | Sequence[Fraction] | Sequence[Decimal]

SYMMETRY_TOLERANCE = 1e-10


def real_array(name: str, value: ArrayLike, ndim: int | None = None) -> Array:
    """Return a float64 copy of `value`; refuse what is not real, not finite, or not of `ndim` axes."""
    try:
        raw = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not a rectangular array ({error}); give rows of equal length") from None
    if raw.dtype.kind not in "buifO":
        raise TypeError(f"{name} has dtype {raw.dtype}, but real numbers are needed; convert it to float64")
    try:
        array = np.array(raw, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} holds entries that are not real numbers; convert it to float64") from None
    if not np.isfinite(array).all():
        bad = array[~np.isfinite(array)].flat[0]
        raise ValueError(f"{name} contains {bad}, but every entry must be finite; remove or mask it first")
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} has shape {array.shape}, but {ndim} axes are needed; reshape it")
    return array


def real_number(name: str, value: float) -> float:
    """Return one finite real number as a float."""
    array = real_array(name, value)
    if array.ndim != 0:
        raise ValueError(f"{name} has shape {array.shape}, but one number is needed; pass a scalar")
    return float(array)


def positive_number(name: str, value: float) -> float:
    """Return one finite number above 0."""
    number = real_number(name, value)
    if number <= 0.0:
        raise ValueError(f"{name} is {number}, but it must be above 0; a zero width has no density")
    return number


def positive_array(name: str, value: ArrayLike, ndim: int | None = None) -> Array:
    """Return an array of finite numbers above 0."""
    array = real_array(name, value, ndim)
    if (array <= 0.0).any():
        raise ValueError(f"{name} contains {array.min()}, but every entry must be above 0; a zero width has no density")
    return array


def same_shape(**arrays: Array) -> tuple[int, ...]:
    """Return the one shape that all arrays have."""
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) != 1:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"shapes differ ({listed}), but they must be equal; broadcast them first")
    return next(iter(shapes.values()))


def integer(name: str, value: SupportsIndex, low: int, high: int | None = None) -> int:
    """Return an int in low..high."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}, but it must be an integer; pass an int")
    if number < low or (high is not None and number > high):
        limit = f"{low}..{high}" if high is not None else f"at least {low}"
        raise ValueError(f"{name} is {number}, but it must be {limit}; check the index (time runs t = 1..T)")
    return number


def noise_schedule(betas: Betas) -> Array:
    """Return betas beta_1..beta_T as float64; each in (0, 1), the last one may be exactly 1 (zero terminal SNR)."""
    array = real_array("betas", as_floats(betas), ndim=1)
    if array.size == 0:
        raise ValueError("betas is empty, but T must be at least 1; give beta_1..beta_T")
    inner, outside = array[:-1], (array <= 0.0) | (array > 1.0)
    if outside.any():
        t = int(np.argmax(outside)) + 1
        raise ValueError(f"beta_{t} is {array[t - 1]}, but it must lie in (0, 1); check the schedule")
    if (inner == 1.0).any():
        t = int(np.argmax(inner == 1.0)) + 1
        raise ValueError(
            f"beta_{t} is 1.0 with t < T = {array.size}, but only the last beta may be 1; end the chain there"
        )
    return array


def as_floats(values: Betas) -> Array:
    """Return float64 values of fractions, decimals, strings or floats, each rounded once and correctly."""
    try:
        raw = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"the sequence is not rectangular ({error}); give a flat sequence of numbers") from None
    if raw.dtype == object:
        try:
            return np.array([float(value) for value in raw.flat], dtype=np.float64).reshape(raw.shape)
        except (TypeError, ValueError):
            raise TypeError("the sequence holds entries that are not real numbers; give floats or fractions") from None
    return real_array("betas", raw)


def fraction(name: str, value: Exact) -> Fraction:
    """Return `value` as an exact fraction; a float stands for the binary number it is, a string for its decimal."""
    if isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}, but it must be a number; pass an int, float, str, Fraction or Decimal")
    try:
        return Fraction(value)
    except TypeError:
        raise TypeError(
            f"{name} is {value!r}, but it must be a number; pass an int, float, str, Fraction or Decimal"
        ) from None
    except (ValueError, OverflowError, ZeroDivisionError):
        raise ValueError(
            f"{name} is {value!r}, but it must be a finite number; write it like '0.02' or '1/3'"
        ) from None


def square_matrix(name: str, value: ArrayLike, size: int) -> Array:
    """Return a float64 matrix of shape (size, size)."""
    matrix = real_array(name, value, ndim=2)
    if matrix.shape != (size, size):
        raise ValueError(f"{name} has shape {matrix.shape}, but {(size, size)} is needed; match it to the vector")
    return matrix


def cholesky(name: str, value: ArrayLike, size: int) -> Array:
    """Return the lower Cholesky factor of a symmetric positive definite covariance of shape (size, size)."""
    matrix = square_matrix(name, value, size)
    scale = float(np.abs(matrix).max(initial=0.0))
    gap = float(np.abs(matrix - matrix.T).max(initial=0.0))
    if gap > SYMMETRY_TOLERANCE * scale:
        raise ValueError(f"{name} differs from its transpose by {gap}, but a covariance is symmetric; average the two")
    symmetric = 0.5 * (matrix + matrix.T)
    try:
        return np.asarray(np.linalg.cholesky(symmetric), dtype=np.float64)
    except np.linalg.LinAlgError:
        least = float(np.linalg.eigvalsh(symmetric)[0])
        raise ValueError(
            f"{name} has least eigenvalue {least}, but it must be positive definite; drop redundant coordinates"
        ) from None


def signal_fraction(name: str, value: float) -> float:
    """Return an abar in [0, 1]."""
    number = real_number(name, value)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"{name} is {number}, but it must lie in [0, 1]; it is a product of alphas")
    return number


def states(name: str, value: ArrayLike, size: int) -> NDArray[np.int64]:
    """Return integer states in 0..size-1."""
    raw = np.asarray(value)
    if raw.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {raw.dtype}, but states are integers; pass ints")
    if raw.size and (raw.min() < 0 or raw.max() >= size):
        raise ValueError(f"{name} holds {raw.min()}..{raw.max()}, but states are 0..{size - 1}; check the index")
    return raw.astype(np.int64)
