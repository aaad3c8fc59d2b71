"""Draw worlds for a claim: admissible numbers, functions and laws that satisfy the hypotheses it declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.claims import Claim
from derivations.kernel.domain import Domain, Interval
from derivations.kernel.terms import unfold_all
from derivations.refutation import enclosures
from derivations.refutation.arithmetic import ENCLOSING, fraction
from derivations.refutation.drawing import Purpose, add_laws, fit_dimension
from derivations.refutation.hypotheses import settle
from derivations.refutation.matrices import Matrix
from derivations.refutation.undefined import Uncomputable, Undefined
from derivations.refutation.worlds import World, draw_in

LONGEST = 20_000  # factors of a running product
# Where formulas degenerate, if anywhere.
PLAIN = (Fraction(0), Fraction(1), Fraction(-1), Fraction(2), Fraction(1, 2), Fraction(-2), Fraction(3))


class NoWorld(Uncomputable):
    """No world of the domain was found: nothing can be said about the claim by looking."""


def sample(claim: Claim, part: int = 0, n: int = 0, without: str = "") -> World:
    """World number n for a statement: admissible numbers, and laws that satisfy its hypotheses (but `without`).

    Raises NoWorld where none was found. Whether the world satisfies the hypotheses is asked by `hypotheses.refuse`.
    """
    if claim.worlds:
        made = claim.worlds[n % len(claim.worlds)](Random(f"{claim.id} {n}"), n)
        if made is not None:
            made.arithmetic = ENCLOSING
            return made
    statement = claim.says[part]
    return sample_for(
        (statement.lhs, statement.rhs), claim.domain_of(part), claim.hypotheses, f"{claim.id} {part}", n, without
    )


def sample_for(
    expressions: Iterable[Any], domain: Domain, hypotheses: tuple[Any, ...], seed: str, n: int, without: str = ""
) -> World:
    """World number n of a domain in which all of these expressions can be read, as far as that is possible."""
    rng = Random(f"{seed} {n}")
    held = [h for h in hypotheses if h.name != without]
    equations = [side for h in held for side in (h.lhs, h.rhs) if side is not None]
    terms_read = unfold_all(sp.Tuple(*expressions))
    everything = sp.Tuple(*terms_read, *unfold_all(sp.Tuple(*equations)))
    dimension = 1 if _needs_one_dimension(everything) else 1 + n % 2
    numbers = _integers(domain, rng, n, dimension)
    numbers["k"] = numbers.get("k", 1 + n % 2)
    for symbol in sorted(scalars(everything), key=lambda s: s.name):
        if symbol.name not in numbers:
            numbers[symbol.name] = _scalar(symbol, domain.interval(symbol), rng, n)
    world = World(dimension, seed=n, numbers=numbers, arithmetic=ENCLOSING, degenerate=is_degenerate(n))
    world.smooth = frozenset(_smooth_heads(everything))
    world.coordinates = _coordinates(domain, everything, world)
    world.families = _families(domain, n, world)
    size = next(iter(domain.sizes.values()), int(numbers["k"]))
    world.sizes = dict.fromkeys(_latent_names(everything), size)
    for symbol in sorted(everything.atoms(terms.Covariance), key=lambda s: s.name):
        made = random_covariance(rng, domain.sizes.get(symbol.name, size))
        alike = [m for m in world.matrices.values() if m.size == made.size]
        world.matrices[symbol.name] = alike[0] if alike and is_degenerate(n) else made
    purpose = Purpose(terms_read, everything, hypotheses, without)
    fit_dimension(world, purpose)
    settle(world, held, domain)
    add_laws(world, purpose, rng, n)
    return world


# --- numbers ----------------------------------------------------------------------------------------------------------


def _integers(domain: Domain, rng: Random, n: int, dimension: int) -> dict[str, Any]:
    """Values of the domain's indices, each in its range: low ends first, then high ends, then any."""
    for attempt in range(12):
        numbers: dict[str, Any] = {}
        known = {terms.DIM: sp.Integer(dimension)}
        waiting = dict(domain.indices)
        while waiting:
            ready = [i for i, ends in waiting.items() if not _unknown(ends, known)]
            if not ready:
                raise NoWorld(f"the ranges of {', '.join(map(str, waiting))} refer to each other")
            index = ready[0]
            low, high = (b if b == sp.oo else b.xreplace(known) for b in map(sp.sympify, waiting.pop(index)))
            first = int(sp.ceiling(low)) if low.is_finite else -2
            last = first + 2 + attempt if high == sp.oo else int(sp.floor(high))
            if last < first:
                break
            pick = {0: first, 1: last}.get(n + attempt)
            chosen = rng.randint(first, last) if pick is None else pick
            numbers[index.name] = chosen
            known[index] = sp.Integer(chosen)
        else:
            return numbers
    raise NoWorld("no point of the domain was found: a range of its indices is empty")


def is_degenerate(n: int) -> bool:
    """One world of eight lies where formulas degenerate: closed ends of intervals, equal matrices, zero vectors."""
    return n % 8 == 5


def _unknown(ends: Any, known: dict[Any, Any]) -> bool:
    return any(b != sp.oo and sp.sympify(b).xreplace(known).free_symbols for b in ends)


def _scalar(symbol: Any, interval: Interval, rng: Random, n: int) -> Any:
    if symbol.is_integer:
        inside = [m for m in range(-4, 9) if interval.contains(sp.Integer(m)) and not (m < 1 and symbol.is_positive)]
        if not inside:
            raise NoWorld(f"no integer between -4 and 8 is a value of {symbol}")
        return rng.choice([m for m in inside if 1 <= m <= 3] or inside)
    plain = [v for v in PLAIN if interval.contains(sp.Rational(v.numerator, v.denominator))]
    if interval.lo == interval.hi:
        return fraction(interval.lo)
    ends = [(interval.lo, interval.open_lo), (interval.hi, interval.open_hi)]
    closed = [fraction(end) for end, is_open in ends if not is_open and interval.contains(end)]
    if is_degenerate(n) and (closed or PLAIN[0] in plain):
        return rng.choice(closed or [PLAIN[0]])
    if n % 8 == 7 and plain:
        return rng.choice(plain)
    return draw_in(interval, rng, edge=n % 4 == 3)


def scalars(e: Any) -> set[Any]:
    """The numbers that a world has to give: free symbols, the dimension apart."""
    return {s for s in terms.free_scalars(unfold_all(e)) if s.is_commutative and s != terms.DIM}


def _needs_one_dimension(e: Any) -> bool:
    return any(isinstance(a.args[1], sp.exp) for a in e.atoms(terms.Expect))


def random_covariance(rng: Random, size: int) -> Matrix:
    """R R^T for a lower triangular R with fractions of tenths."""
    root = [
        [Fraction(rng.randint(5, 20) if r == c else rng.randint(-9, 9) if c < r else 0, 10) for c in range(size)]
        for r in range(size)
    ]
    return Matrix.of(root) @ Matrix.of(root).transposed()


# --- families and functions -------------------------------------------------------------------------------------------


def _smooth_heads(e: Any) -> set[str]:
    """Functions that are read at a real argument somewhere: those are drawn smooth, also where that is an integer."""
    calls = e.atoms(terms.ScalarFunction, terms.VectorFunction)
    return {type(f).__name__ for f in calls for a in f.args if not terms.is_vector(a) and not a.is_integer}


def _of_vectors(e: Any) -> set[str]:
    return {type(f).__name__ for f in e.atoms(terms.ScalarFunction) if any(map(terms.is_vector, f.args))}


def _coordinates(domain: Domain, e: Any, world: World) -> dict[str, Interval]:
    """Intervals of what is no family of numbers drawn one by one: vectors, networks, smooth functions."""
    by_formula = terms.VECTORS | world.smooth | _of_vectors(e) | {a.args[0].name for a in e.atoms(terms.Gradient)}
    return {name: interval for name, interval in domain.intervals.items() if name in by_formula}


def _families(domain: Domain, n: int, world: World) -> dict[str, Any]:
    table: dict[str, Any] = {}

    def member(name: str) -> Callable[..., Any]:
        def value(*args: Any) -> Any:
            if any(not isinstance(a, Fraction) or a.denominator != 1 for a in args):
                raise Uncomputable(f"{name} is a family over the integers in this world")
            label = f"{name}({', '.join(str(int(a)) for a in args)})"
            drawn = draw_in(domain.intervals[name], Random(f"{n} {label}"), edge=n % 4 == 3)
            world.drawn[label] = str(drawn)
            return drawn

        return value

    for name in domain.intervals:
        is_family = name in terms.HEADS and issubclass(terms.HEADS[name], terms.ScalarFunction)
        if is_family and name not in world.coordinates:
            table[name] = member(name)
    for product, factor in domain.products.items():
        if factor not in table:
            table[factor] = lambda *args, name=factor: world.family(name, *args, counted=(True,) * len(args))
        table[product] = _running_product(product, table[factor], domain.intervals.get(product, Interval()))
    return table


def _running_product(name: str, factor: Callable[[Any], Any], interval: Interval) -> Callable[[Any], Any]:
    """P(n) = f(n) P(n-1) with P(0) = 1, for negative n too; refused where it leaves the interval of P."""
    known: dict[int, Any] = {0: Fraction(1)}

    def value(m: Any) -> Any:
        if m != int(m):
            raise Uncomputable(f"{name} is a family over the integers in this world")
        if abs(m) > LONGEST:
            raise Uncomputable(f"{name}({int(m)}) is a product of that many factors")
        n = int(m)
        step = 1 if n > 0 else -1
        start = n
        while start not in known:
            start -= step
        for r in range(start + step, n + step, step):
            known[r] = known[r - step] * factor(Fraction(r)) if step > 0 else known[r + 1] / factor(Fraction(r + 1))
            known[r] = enclosures.short(known[r])
        if n and isinstance(known[n], Fraction) and not interval.contains(sp.Rational(str(known[n]))):
            raise Undefined(f"there is no {name}({n}): by the recursion it would leave the interval of {name}")
        return known[n]

    return value


# --- sizes ------------------------------------------------------------------------------------------------------------
def _latent_names(e: Any) -> set[str]:
    """Names of vectors that live in R^k, because they are read by coordinates or carry a law on R^k."""
    e = unfold_all(e)
    k = sp.Symbol("k", integer=True, positive=True)
    vectors: list[Any] = []
    for law in e.atoms(terms.Normal, terms.DiagonalNormal, terms.FullNormal, terms.AffineImage):
        if law.args[-1] == k:
            vectors += [*law.variables, *(c.args[0] for c in law.atoms(terms.Coord))]
            vectors += [law.args[1]] if isinstance(law, terms.Normal | terms.FullNormal) else []
    for total in e.atoms(terms.SumTo):
        if total.args[3] == k:
            vectors += [c.args[0] for c in total.atoms(terms.Coord)]
    for pair in e.atoms(terms.Hadamard, terms.Quadratic):
        vectors += [pair.args[0], pair.args[-1]]
    return {name for v in vectors for name in _heads(v)}


def _heads(v: Any) -> set[str]:
    """Names of the vectors that v is a combination of: their arguments may live elsewhere."""
    if isinstance(v, terms.VectorSymbol):
        return {v.name}
    if isinstance(v, terms.VectorFunction):
        return {type(v).__name__}
    inner = v.args[:1] if isinstance(v, terms.D) else v.args
    return {name for a in inner if terms.is_vector(a) for name in _heads(a)}
