"""A small trace algebra: words in matrix symbols of generic size k, for full-covariance Gaussians.

`Trace`, `LogDet` and `Quadratic(u, M, v)` = u^T M v are scalars. Matrix symbols are non-commuting; each is declared
symmetric and invertible (a covariance). The normal form cancels M M^-1, rotates and transposes
traces to the least word.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.kernel.algebra import linear_form
from derivations.kernel.binders import at
from derivations.kernel.dependence import may_touch
from derivations.kernel.rules.base import Context, Rule, StepFails, at_every_node, rewriting, walk
from derivations.kernel.terms import (
    Coord,
    Covariance,
    Entry,
    FullNormal,
    LogDet,
    Malformed,
    Quadratic,
    SumTo,
    Trace,
)

# --- words ------------------------------------------------------------------------------------------------------------


def letters(word: Any) -> tuple[tuple[Any, int], ...]:
    """A word as (symbol, exponent) pairs. SymPy has merged neighbours of one symbol: M M^-1 is gone."""
    out: list[tuple[Any, int]] = []
    for factor in sp.Mul.make_args(word):
        if factor == 1:
            continue
        base, power = factor.as_base_exp()
        if not isinstance(base, Covariance) or not power.is_Integer:
            raise Malformed(f"{factor} is not a covariance symbol or an integer power of one")
        out.append((base, int(power)))
    return tuple(out)


def spell(word: tuple[tuple[Any, int], ...]) -> Any:
    return sp.Mul(*[base**power for base, power in word])


def _least_rotation(word: tuple[tuple[Any, int], ...]) -> tuple[tuple[Any, int], ...]:
    while len(word) > 1 and word[0][0] == word[-1][0]:
        word = letters(spell((*word[1:-1], (word[0][0], word[0][1] + word[-1][1]))))
    both = [word, word[::-1]]  # tr M = tr M^T, and every letter is symmetric
    return min((w[i:] + w[:i] for w in both for i in range(max(1, len(w)))), key=lambda w: [(b.name, p) for b, p in w])


@at_every_node(
    "trace algebra",
    "decided",
    "tr is linear and cyclic, (AB)^T = B^T A^T, A A^-1 = I, log|A^-1| = -log|A|, covariances symmetric and invertible",
)
def _normal_form(node: Any, _: Context) -> Any:
    if isinstance(node, Trace):
        total = sp.S.Zero
        for term in sp.Add.make_args(sp.expand(node.args[0])):
            coefficient, word = _split(term)
            word = _least_rotation(letters(word))
            total += coefficient * (Trace(spell(word), node.args[1]) if word else node.args[1])
        return total
    if isinstance(node, LogDet):
        return sp.Add(*[power * LogDet(base) for base, power in letters(node.args[0])])
    if isinstance(node, Quadratic):
        return _expand_quadratic(node)
    return node


def _split(term: Any) -> tuple[Any, Any]:
    commuting, words = term.args_cnc()
    return sp.Mul(*commuting), sp.Mul(*words)


def _expand_quadratic(node: Quadratic) -> Any:
    u, word, v = node.args
    total = sp.S.Zero
    for x, a in linear_form(u).items():
        for y, b in linear_form(v).items():
            for term in sp.Add.make_args(sp.expand(word)):
                coefficient, m = _split(term)
                forward = letters(m)
                options = [(x, forward, y), (y, forward[::-1], x)]  # a scalar is its own transpose
                left, best, right = min(
                    options, key=lambda o: (sp.default_sort_key(o[0]), [(c.name, p) for c, p in o[1]])
                )
                total += a * b * coefficient * Quadratic(left, spell(best), right)
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
    return -k * sp.log(2 * sp.pi) / 2 - LogDet(sigma) / 2 - Quadratic(x - mean, sigma**-1, x - mean) / 2


class FullNormalMoments:
    """E[x^T M x] = m^T M m + tr(M S), E[x^T M a] = m^T M a, E[x_i x_j] = m_i m_j + S_ij, for x ~ N(m, S)."""

    def __init__(self, law: FullNormal) -> None:
        self.law = law

    def expand(self, body: Any, context: Context) -> Any:
        """Quadratic forms and coordinates that involve the variable, multiplied out."""
        z = self.law.args[0]

        def change(node: Any, _: Context) -> Any:
            if isinstance(node, Quadratic) and may_touch(node, self.law.variables):
                return _expand_quadratic(node)
            if isinstance(node, Coord) and z in (form := linear_form(node.args[0])) and node.args[0] != z:
                return sp.Add(*[a * Coord(v, node.args[1]) for v, a in form.items()])
            return node

        return walk(body, change, context)

    def moment(self, factors: list[Any]) -> Any:
        z, mean, sigma, k = self.law.args
        if any(f.has(Coord) for f in factors):
            return self._coordinate_moment(factors)
        if len(factors) != 1 or not isinstance(factors[0], Quadratic):
            return None
        u, m, v = factors[0].args
        if u == z and v == z:
            return Quadratic(mean, m, mean) + Trace(m * sigma, k)
        if u == z and not may_touch(v, self.law.variables):
            return Quadratic(mean, m, v)
        if v == z and not may_touch(u, self.law.variables):
            return Quadratic(u, m, mean)
        return None

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
