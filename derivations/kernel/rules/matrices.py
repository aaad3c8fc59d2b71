"""A small trace algebra: words in matrices of generic size (`words`), and the moments of Gaussians of any covariance.

`Trace`, `LogDet` and `Quadratic(u, M, v)` = u^T M v are numbers, `Apply(M, v)` is a vector. The normal form cancels
M M^-1, multiplies out, and turns and transposes traces to the least word.
"""

from __future__ import annotations

import itertools
from typing import Any

import sympy as sp

from derivations.kernel.algebra import Algebra, linear_form
from derivations.kernel.binders import at
from derivations.kernel.dependence import may_touch
from derivations.kernel.rules.base import Context, Rule, StepFails, at_every_node, rewriting, walk
from derivations.kernel.spaces import Spaces
from derivations.kernel.terms import (
    Apply,
    Coord,
    Covariance,
    Entry,
    FullNormal,
    Inner,
    LogDet,
    Malformed,
    Norm2,
    Quadratic,
    SumTo,
    Trace,
)
from derivations.kernel.words import Sum, Word, inverse, reduced, spelled, times, turned, words

# --- words ------------------------------------------------------------------------------------------------------------


def letters(word: Any) -> tuple[tuple[Any, int], ...]:
    """A product as (symbol, exponent) pairs. SymPy has merged neighbours of one symbol: M M^-1 is gone."""
    out: list[tuple[Any, int]] = []
    for factor in sp.Mul.make_args(word):
        if factor == 1:
            continue
        base, power = factor.as_base_exp()
        if not isinstance(base, Covariance) or not power.is_Integer:
            raise Malformed(f"{factor} is not a covariance symbol or an integer power of one")
        out.append((base, int(power)))
    return tuple(out)


def _split(term: Any) -> tuple[Any, Any]:
    commuting, words_of = term.args_cnc()
    return sp.Mul(*commuting), sp.Mul(*words_of)


@at_every_node(
    "trace algebra",
    "decided",
    "tr is linear and cyclic, (AB)^T = B^T A^T, M M^-1 = I, log|M^-1| = -log|M|, covariances symmetric",
)
def _normal_form(node: Any, context: Context) -> Any:
    if isinstance(node, Trace):
        return _trace(reduced(words(node.args[0])), node.args[1], context)
    if isinstance(node, LogDet):
        return _log_det(node, context)
    if isinstance(node, Entry):
        return _entry(node)
    if isinstance(node, Apply):
        return sp.Add(*[c * (Apply(spelled({word: sp.S.One}), v) if word else v) for v, word, c in strands(node)])
    if isinstance(node, Quadratic) or (isinstance(node, Inner | Norm2) and node.has(Apply)):
        return expand_quadratic(node)
    return node


def _trace(found: Sum, size: Any, context: Context) -> Any:
    """The trace of a sum of words, each turned to the least of its kind; a turned word may have another size."""
    total = sp.S.Zero
    for word, c in found.items():
        spaces = Spaces.of([spelled({word: sp.S.One})], context.domain.sizes)
        turns = {one[i:] + one[:i]: None for one in (word, turned(word)) for i in range(len(one))}
        sizes = {turn: spaces.shape(turn[0])[0] or size for turn in turns}  # without a size, all are square alike
        shorter = next((t for t in turns if reduced(times({t[:1]: sp.S.One}, {t[1:]: sp.S.One})) != {t: 1}), None)
        if not word:
            total += c * size
        elif shorter is not None:
            one = reduced(times({shorter[:1]: sp.S.One}, {shorter[1:]: sp.S.One}))
            total += c * _trace(one, sizes[shorter], context)
        else:
            least = min(turns, key=lambda t: [str(letter) for letter in t])
            total += c * Trace(spelled({least: sp.S.One}), sizes[least])
    return total


def _log_det(node: Any, context: Context) -> Any:
    """log |c M N^-1| = n log c + log |M| - log |N|, where the domain gives the size n."""
    number, word = _split(node.args[0])
    total = sp.S.Zero
    for factor in sp.Mul.make_args(word):
        base, power = factor.as_base_exp()
        total += power * LogDet(base if isinstance(base, Covariance) else spelled(words(base)))
    if number == 1:
        return total
    size = Spaces.of([word], context.domain.sizes).shape(word)[0]
    if size is None or Algebra(context.domain).sign(number) != "+":
        raise StepFails(f"{node}: the domain does not give the size of {word}, or {number} may be negative")
    return size * sp.log(number) + total


def _entry(node: Any) -> Any:
    """An entry of a sum, as the sum of entries; the identity has entries of 1 and 0, where it is known which."""
    matrix, row, column = node.args
    found = reduced(words(matrix))
    if () in found and row != column:
        return node
    total = found.pop((), sp.S.Zero)
    for word, c in found.items():
        options = [(word, row, column), (turned(word), column, row)]
        least, r, s = min(options, key=lambda o: [str(part) for part in (*o[0], *o[1:])])
        total += c * Entry(spelled({least: sp.S.One}), r, s)
    return total


def form(u: Any, matrix: Any, v: Any) -> Any:
    """u^T M v; of the identity, the inner product."""
    return Inner(u, v) if matrix == 1 else Quadratic(u, matrix, v)


def strands(v: Any) -> list[tuple[Any, Word, Any]]:
    """A vector as a sum of c W u: (u, W, c), with no matrix left in u."""
    out: list[tuple[Any, Word, Any]] = []
    for atom, c in linear_form(v).items():
        if not isinstance(atom, Apply):
            out.append((atom, (), c))
            continue
        matrix = words(atom.args[0])
        for u, word, b in strands(atom.args[1]):
            out += [(u, w, a * b * c) for w, a in reduced(times(matrix, {word: sp.S.One})).items()]
    return out


def expand_quadratic(node: Any) -> Any:
    """u^T M v, an inner product or a square, multiplied out; a scalar is its own transpose."""
    u, matrix, v = (node.args[0], sp.S.One, node.args[-1]) if isinstance(node, Inner | Norm2) else node.args
    total = sp.S.Zero
    for (x, left, a), (y, right, b) in itertools.product(strands(u), strands(v)):
        inside = times(times({turned(left): sp.S.One}, words(matrix)), {right: sp.S.One})
        for word, c in reduced(inside).items():
            options = [(x, word, y), (y, turned(word), x)]
            one, best, other = min(options, key=lambda o: (sp.default_sort_key(o[0]), [str(m) for m in o[1]]))
            total += a * b * c * form(one, spelled({best: sp.S.One}), other)
    return total


trace_algebra = Rule("trace algebra")

LARGEST = 12  # rows and columns that are written out entry by entry

# --- entries, at a numeric size ---------------------------------------------------------------------------------------


@rewriting(
    "entries",
    "decided",
    "u^T M v, traces and products as sums over rows and columns; covariances are symmetric",
)
def _write_out(e: Any, context: Context) -> Any:
    """Traces, entries and u^T M v of matrices whose numeric size the domain gives, as sums over entries."""

    def explicit(word: Any) -> Any:
        size = _size_of(word, context)
        total = sp.zeros(size, size)
        for term in sp.Add.make_args(sp.expand(word)):
            coefficient, m = _split(term)
            product = sp.eye(size)
            for base, power in letters(m):
                product = product * _table(base**power, size)
            total += coefficient * product
        return total

    def change(node: Any, _: Context) -> Any:
        if (
            isinstance(node, Trace)
            and node.args[0].atoms(Covariance)
            and node.args[1] == _size_of(node.args[0], context)
        ):
            return sp.Add(*explicit(node.args[0]).diagonal())
        if isinstance(node, Entry) and node.args[1].is_Integer and node.args[2].is_Integer:
            m, (row, column) = explicit(node.args[0]), map(int, node.args[1:])
            if not (1 <= row <= m.rows and 1 <= column <= m.cols):
                raise StepFails(f"{node} lies outside the matrix")
            return m[row - 1, column - 1]
        if isinstance(node, Quadratic):
            u, word, v = node.args
            m = explicit(word)
            return sp.Add(*[Coord(u, r + 1) * m[r, c] * Coord(v, c + 1) for r in range(m.rows) for c in range(m.cols)])
        if isinstance(node, SumTo) and node.args[2].is_Integer and node.args[3].is_Integer:
            places = [at(node, sp.Integer(n)) for n in range(int(node.args[2]), int(node.args[3]) + 1)]
            return sp.Add(*[walk(term, change, context) for term in places])
        return node

    return walk(e, change, context)


def _size_of(word: Any, context: Context) -> int:
    sizes = {context.domain.sizes.get(symbol.name) for symbol in word.atoms(Covariance)}
    if len(sizes) != 1 or None in sizes:
        raise StepFails(f"the domain gives {word} no numeric size, so it has no finite list of entries")
    if (size := int(sizes.pop() or 0)) > LARGEST:
        raise StepFails(f"{word} has {size} rows, and entries are written out up to {LARGEST}")
    return size


def _table(word: Any, size: int) -> Any:
    return sp.Matrix(size, size, lambda r, c: Entry(word, r + 1, c + 1))


entries = Rule("entries")


def cofactors(symbol: Covariance) -> Rule:
    """Entries of the inverse of one covariance, of numeric size, as cofactors over the determinant."""
    return Rule("cofactors", (symbol,))


@rewriting("cofactors", "decided", "an inverse is the matrix of cofactors over the determinant")
def _by_cofactors(e: Any, context: Context, symbol: Covariance) -> Any:
    size = _size_of(symbol, context)
    m = _table(symbol, size)
    inverse = m.adjugate(method="berkowitz") / m.det(method="berkowitz")

    def change(node: Any, _: Context) -> Any:
        if (
            isinstance(node, Entry)
            and node.args[0] == symbol**-1
            and node.args[1].is_Integer
            and node.args[2].is_Integer
        ):
            return inverse[int(node.args[1]) - 1, int(node.args[2]) - 1]
        return node

    return walk(e, change, context)


# --- the full-covariance normal law -----------------------------------------------------------------------------------


def full_log_density(law: FullNormal) -> Any:
    x, mean, sigma, k = law.args
    precision = spelled(inverse(sigma))
    return -k * sp.log(2 * sp.pi) / 2 - LogDet(sigma) / 2 - Quadratic(x - mean, precision, x - mean) / 2


class FullNormalMoments:
    """E[x^T M x] = m^T M m + tr(M S), E[x^T M a] = m^T M a, E[x_i x_j] = m_i m_j + S_ij, for x ~ N(m, S).

    S may be a number, so many times the identity: of an isotropic law.
    """

    def __init__(self, law: Any) -> None:
        self.law = law

    def expand(self, body: Any, context: Context) -> Any:
        """Quadratic forms and coordinates that involve the variable, multiplied out."""
        z = self.law.args[0]

        def change(node: Any, _: Context) -> Any:
            if isinstance(node, Quadratic | Inner | Norm2) and may_touch(node, self.law.variables):
                return expand_quadratic(node)
            if isinstance(node, Coord) and z in (form := linear_form(node.args[0])) and node.args[0] != z:
                return sp.Add(*[a * Coord(v, node.args[1]) for v, a in form.items()])
            return node

        return walk(body, change, context)

    def moment(self, factors: list[Any]) -> Any:
        z, mean, sigma, k = self.law.args
        if any(f.has(Coord) for f in factors):
            return self._coordinate_moment(factors)
        if len(factors) != 1 or not isinstance(factors[0], Quadratic | Inner):
            return None
        u, m, v = (factors[0].args[0], sp.S.One, factors[0].args[-1]) if len(factors[0].args) == 2 else factors[0].args
        if any(a != z and may_touch(a, self.law.variables) for a in (u, m, v)):
            return None
        if u == z and v == z:
            return form(mean, m, mean) + Trace(m * sigma, k)
        return form(mean, m, v) if u == z else form(u, m, mean) if v == z else None

    def _coordinate_moment(self, factors: list[Any]) -> Any:
        z, mean, sigma, _ = self.law.args
        places: list[Any] = []
        for base, power in (f.as_base_exp() for f in factors):
            if not (isinstance(base, Coord) and base.args[0] == z and power.is_Integer and power > 0):
                return None
            places += [base.args[1]] * int(power)
        if len(places) == 1:
            return Coord(mean, places[0])
        if len(places) == 2:
            return Coord(mean, places[0]) * Coord(mean, places[1]) + Entry(sigma, *places)
        return None
