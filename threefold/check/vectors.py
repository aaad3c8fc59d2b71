"""Products of vectors as the field writes them: inner, coordinatewise, quadratic; norms; the vector of ones."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.rules import Coord, Expect, Hadamard, Inner, Norm2, Quadratic, SumTo
from threefold.check.lowering import LinkReader
from threefold.check.tokens import NotRead
from threefold.check.tree import Node, bare


def is_vector(value: Any) -> bool:
    from derivations.kernel.terms import is_vector as decide

    return bool(decide(value))


def ensure(value: Any) -> Any:
    if not is_vector(value):
        raise NotRead("a vector is expected, and this is a number")
    return value


def norm(reader: LinkReader, node: Node) -> Any:
    """|v|: the square root of Norm2, so that a square takes it away."""
    value = reader.value(node)
    if value == 0:
        return sp.S.Zero
    ensure(value)
    if type(value) in (N.mu_phi, N.std_phi):  # a latent is read by its coordinates
        return sp.sqrt(SumTo(Coord(value, N.i) ** 2, N.i, 1, N.k))
    return sp.sqrt(Norm2(value))


def product(reader: LinkReader, factors: list[Node], operators: list[str]) -> Any:
    """A product of numbers, vectors and matrices, the way its signs say."""
    if "⊙" in operators:
        place = operators.index("⊙")
        left = _of(reader, factors[: place + 1], operators[:place])
        right = _of(reader, factors[place + 1 :], operators[place + 1 :])
        if not (is_vector(left) and is_vector(right)):
            raise NotRead("⊙ between things that are no vectors")
        return _pull(left, right, Hadamard)
    for place, factor in enumerate(factors):
        if factor.kind == "pow" and factor[1].kind == "transpose":
            return _transposed(reader, factors, operators, place)
    values = [reader.value(f) for f in factors]
    if any(v.is_commutative is False for v in values):
        return sp.Mul(*values)
    at = [n for n, v in enumerate(values) if is_vector(v)]
    if len(at) <= 1:
        return sp.Mul(*values)
    if len(at) > 2:
        raise NotRead("a product of three vectors")
    scalars = sp.Mul(*[v for n, v in enumerate(values) if n not in at])
    if reader.context.chain:
        reader.note("two vectors side by side are their inner product")
        return scalars * Inner(values[at[0]], values[at[1]])
    reader.note("two vectors side by side are multiplied coordinate by coordinate")
    return scalars * _pull(values[at[0]], values[at[1]], Hadamard)


def _of(reader: LinkReader, factors: list[Node], operators: list[str]) -> Any:
    return reader.value(factors[0]) if len(factors) == 1 else product(reader, factors, operators)


def _pull(left: Any, right: Any, make: Any) -> Any:
    """make(left, right), numbers in front pulled out."""
    a, u = left.as_coeff_Mul() if isinstance(left, sp.Mul) else (sp.S.One, left)
    b, v = right.as_coeff_Mul() if isinstance(right, sp.Mul) else (sp.S.One, right)
    return a * b * make(u, v)


def _transposed(reader: LinkReader, factors: list[Node], operators: list[str], place: int) -> Any:
    """a u^T M v: what stands before the transposed vector multiplies; behind it a matrix and a vector, or a vector."""
    before, row = factors[:place], factors[place][0]
    behind = factors[place + 1 :]
    if not behind:
        raise NotRead("a transposed vector with nothing behind it")
    scale = _of(reader, before, operators[: place - 1]) if before else sp.S.One
    if before and is_vector(scale):
        raise NotRead("an outer product")
    if bare(row).kind in ("sym", "num") and _letter(row) in ("𝟏", "1"):
        column = ensure(_of(reader, behind, operators[place + 1 :]))
        return scale * SumTo(Coord(column, N.i), N.i, 1, N.k)
    u = ensure(reader.value(row))
    values = [reader.value(f) for f in behind]
    if len(values) >= 2 and values[0].is_commutative is False:
        matrices = [v for v in values if v.is_commutative is False]
        if len(matrices) != len(values) - 1 or not is_vector(values[-1]):
            raise NotRead("a quadratic form needs its vector behind the matrix")
        return scale * Quadratic(u, sp.Mul(*matrices), values[-1])
    columns = [v for v in values if is_vector(v)]
    if len(columns) != 1:
        raise NotRead("a transposed vector needs one vector behind it")
    rest = sp.Mul(*[v for v in values if not is_vector(v)])
    return scale * rest * inner(u, columns[0])


def inner(u: Any, v: Any) -> Any:
    """The inner product; a mean in one of the two is taken outside, since the product is linear."""
    for one, other in ((u, v), (v, u)):
        if isinstance(one, Expect) and not set(one.args[0].variables) & other.free_symbols:
            return Expect(one.args[0], inner(one.args[1], other))
    return Inner(u, v)


def opened(e: Any) -> Any:
    """Squares and products of sums of vectors written out, the same by algebra."""
    from derivations.kernel.algebra import linear_form

    def split(node: Any) -> Any:
        if isinstance(node, Norm2):
            u = v = linear_form(node.args[0])
        else:
            u, v = (linear_form(a) for a in node.args)
        return sp.Add(*[a * b * (Norm2(x) if x == y else inner(x, y)) for x, a in u.items() for y, b in v.items()])

    return e.replace(lambda n: isinstance(n, Norm2 | Inner), split)


def _letter(node: Node) -> str:
    node = bare(node)
    return str(node[0].letter) if node.kind == "sym" else str(node[0]) if node.kind == "num" else ""
