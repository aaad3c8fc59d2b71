"""What terms mean, as numbers: the value of an expression in a world, written down apart from the kernel.

Vectors are tuples, matrices `Matrix`, propositions truth values; the zero vector is also written 0. Averages and
divergences are read in `averages`, derivatives and limits in `slopes`, series and integrals in `integrals`.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.refutation import averages, integrals, slopes
from derivations.refutation.arithmetic import close, surely
from derivations.refutation.matrices import Matrix, as_matrix, dot
from derivations.refutation.reading import Viewpoint, reads, unfolded
from derivations.refutation.undefined import Uncomputable, Undefined
from derivations.refutation.worlds import World

__all__ = ["averages", "close", "evaluate", "integrals", "slopes"]
LONGEST = 20_000  # terms of a sum or a product that are added up one by one


def evaluate(e: Any, world: World, env: dict[Any, Any] | None = None) -> Any:
    """The value of a scalar (a number), a vector (a tuple), or a proposition (a bool) in a world.

    `env` holds bound indices and random variables. Raises Undefined where the expression has no value.
    """
    try:
        return Viewpoint(world, env or {}).value(sp.sympify(e))
    except ZeroDivisionError as reason:
        raise Undefined(f"division by zero in {e}") from reason
    except (OverflowError, RecursionError, MemoryError, LookupError, ValueError) as reason:
        raise Uncomputable(f"not to be computed here ({type(reason).__name__}: {reason})") from reason


# --- numbers ----------------------------------------------------------------------------------------------------------


@reads(sp.Rational)
def _rational(e: Any, at: Viewpoint) -> Any:
    return at.arithmetic.number(e)


@reads(type(sp.pi))
def _pi(e: Any, at: Viewpoint) -> Any:
    return at.arithmetic.pi()


@reads(type(sp.E))
def _euler(e: Any, at: Viewpoint) -> Any:
    return at.arithmetic.euler()


@reads(sp.Symbol)
def _symbol(e: Any, at: Viewpoint) -> Any:
    if e in at.env:
        return at.env[e]
    if isinstance(e, terms.VectorSymbol):
        return at.vector((e.name,))
    if isinstance(e, terms.Covariance | terms.LinearMap):
        if e.name not in at.world.matrices:
            raise Uncomputable(f"this world gives {e.name} no value")
        return as_matrix(at.world.matrices[e.name])
    return at.world.number(e)


@reads(sp.exp)
def _exp(e: Any, at: Viewpoint) -> Any:
    return at.arithmetic.exp(at.value(e.args[0]))


@reads(sp.log)
def _log(e: Any, at: Viewpoint) -> Any:
    return at.arithmetic.log(at.value(e.args[0]))


@reads(sp.Abs)
def _abs(e: Any, at: Viewpoint) -> Any:
    return at.arithmetic.absolute(at.value(e.args[0]))


@reads(sp.Add)
def _add(e: Any, at: Viewpoint) -> Any:
    values = [at.value(a) for a in e.args]
    if matrices := [v for v in values if isinstance(v, Matrix)]:
        first, *rest = (as_matrix(v, matrices[0].size) for v in values)
        return sum(rest, first)
    vectors = [v for v in values if isinstance(v, tuple)]
    if not vectors:
        return sum(values[1:], values[0])
    if any(not isinstance(v, tuple) and v != 0 for v in values):
        raise Undefined(f"{e} adds a number to a vector")
    if len({len(v) for v in vectors}) > 1:
        raise Uncomputable(f"{e} adds vectors of two sizes in this world")
    return tuple(sum(c[1:], c[0]) for c in zip(*vectors, strict=True))


@reads(sp.Mul)
def _mul(e: Any, at: Viewpoint) -> Any:
    scalar, vector, product = at.arithmetic.number(1), None, None
    for a in e.args:
        value = at.value(a)
        if isinstance(value, tuple):
            if vector is not None:
                raise Undefined(f"{e} multiplies two vectors")
            vector = value
        elif isinstance(value, Matrix):
            product = value if product is None else product @ value
        else:
            scalar = scalar * value
    if vector is not None:
        return tuple(scalar * v for v in vector)
    return scalar if product is None else product.scaled(scalar)


@reads(sp.Pow)
def _pow(e: Any, at: Viewpoint) -> Any:
    base = at.value(e.args[0])
    if isinstance(base, Matrix):
        if not e.args[1].is_Integer:
            raise Uncomputable(f"{e} is a root of a matrix, or another power of it")
        return base.power(int(e.args[1]))
    if isinstance(base, tuple):
        raise Undefined(f"{e} is a power of a vector")
    return at.arithmetic.power(base, at.value(e.args[1]))


@reads(terms.Ratio)
def _ratio(e: Any, at: Viewpoint) -> Any:
    above, below = map(at.value, e.args)
    return above * at.arithmetic.power(below, at.arithmetic.number(-1))


@reads(terms.Rounded)
def _rounded(e: Any, at: Viewpoint) -> Any:
    return at.arithmetic.number(e.args[0])


# --- families and functions -------------------------------------------------------------------------------------------


@reads(terms.DefinedFunction)
def _defined(e: Any, at: Viewpoint) -> Any:
    return at.value(unfolded(e))


@reads(terms.ScalarFunction)
def _scalar_function(e: Any, at: Viewpoint) -> Any:
    counted = tuple(bool(a.is_integer) for a in e.args)
    return at.world.family(type(e).__name__, *map(at.value, e.args), counted=counted)


@reads(terms.VectorFunction)
def _vector_function(e: Any, at: Viewpoint) -> Any:
    name, args = type(e).__name__, tuple(map(at.value, e.args))
    is_member = len(args) == 1 and not isinstance(args[0], tuple) and e.args[0].is_integer
    if is_member and name not in at.world.classes and name not in at.world.families:
        return at.vector((name, int(args[0])))
    return at.world.network(name, *args, counted=tuple(bool(a.is_integer) for a in e.args))


@reads(terms.SumTo, terms.ProductTo)
def _sum(e: Any, at: Viewpoint) -> Any:
    body, index, lo, hi = e.args
    low, high = at.integer(lo), at.integer(hi)
    if high < low - 1:
        raise Undefined(f"{e} runs from {low} to {high}")
    if high - low > LONGEST:
        raise Uncomputable(f"a sum or a product of {high - low + 1} terms")
    values = [at.bind({index: at.arithmetic.number(n)}).value(body) for n in range(low, high + 1)]
    if isinstance(e, terms.ProductTo):
        total = at.arithmetic.number(1)
        for v in values:
            total = total * v
        return total
    if values and isinstance(values[0], tuple):
        return tuple(sum(c[1:], c[0]) for c in zip(*values, strict=True))
    return sum(values, at.arithmetic.number(0))


# --- vectors ----------------------------------------------------------------------------------------------------------


@reads(terms.Inner, terms.Norm2)
def _inner(e: Any, at: Viewpoint) -> Any:
    u, v = (at.value(a) for a in (e.args if len(e.args) == 2 else (e.args[0], e.args[0])))
    if not (isinstance(u, tuple) and isinstance(v, tuple)):
        return at.arithmetic.number(0)
    return at.arithmetic.number(0) + dot(u, v)


@reads(terms.Coord)
def _coord(e: Any, at: Viewpoint) -> Any:
    value, place = at.value(e.args[0]), at.integer(e.args[1])
    if not isinstance(value, tuple):
        return at.arithmetic.number(0)  # of the zero vector
    if place < 1:
        raise Undefined(f"coordinate {place}: they count from 1")
    if place > len(value):
        raise Uncomputable(f"coordinate {place} of a vector of {len(value)} in this world")
    return value[place - 1]


@reads(terms.Hadamard)
def _hadamard(e: Any, at: Viewpoint) -> Any:
    u, v = (at.value(a) for a in e.args)
    if not (isinstance(u, tuple) and isinstance(v, tuple)):
        return at.arithmetic.number(0)
    return tuple(a * b for a, b in zip(u, v, strict=True))


# --- matrices ---------------------------------------------------------------------------------------------------------


@reads(terms.Trace)
def _trace(e: Any, at: Viewpoint) -> Any:
    word = as_matrix(at.value(e.args[0]), at.integer(e.args[1]))
    if {word.size, word.width} != {at.integer(e.args[1])}:
        raise Uncomputable(f"{e}: the matrix is of size {word.size} in this world")
    return at.arithmetic.number(0) + sum(word.rows[n][n] for n in range(word.size))


@reads(terms.LogDet)
def _log_det(e: Any, at: Viewpoint) -> Any:
    determinant = as_matrix(at.value(e.args[0])).determinant()
    return at.arithmetic.log(at.arithmetic.absolute(determinant))


@reads(terms.Quadratic)
def _quadratic(e: Any, at: Viewpoint) -> Any:
    u, v = (at.value(e.args[place]) for place in (0, 2))
    if not (isinstance(u, tuple) and isinstance(v, tuple)):
        return at.arithmetic.number(0)  # the zero vector is written 0
    return at.arithmetic.number(0) + dot(u, as_matrix(at.value(e.args[1]), len(u)).times(v))


@reads(terms.Apply)
def _apply(e: Any, at: Viewpoint) -> Any:
    matrix, v = map(at.value, e.args)
    if not isinstance(v, tuple):
        return v  # the zero vector is written 0
    return as_matrix(matrix, len(v)).times(v)


@reads(terms.Transposed)
def _transposed(e: Any, at: Viewpoint) -> Any:
    return as_matrix(at.value(e.args[0])).transposed()


@reads(terms.Entry)
def _entry(e: Any, at: Viewpoint) -> Any:
    row, column = (at.integer(place) for place in e.args[1:])
    word = as_matrix(at.value(e.args[0]), max(row, column))
    if not (1 <= row <= word.size and 1 <= column <= word.width):
        raise Uncomputable(f"entry ({row}, {column}) of a matrix of size {word.size} in this world")
    return word.rows[row - 1][column - 1]


# --- propositions -----------------------------------------------------------------------------------------------------


@reads(terms.Equal, terms.AtMost)
def _proposition(e: Any, at: Viewpoint) -> bool:
    left, right = map(at.value, e.args)
    if not at.arithmetic.strict:
        return close(left, right) or (isinstance(e, terms.AtMost) and bool(left <= right))
    told = surely("=" if isinstance(e, terms.Equal) else "<=", left, right)
    if told is None:
        raise Uncomputable(f"whether {e} holds here, the bounds do not tell")
    return told
