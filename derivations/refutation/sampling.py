"""Draw worlds for a claim: admissible numbers, functions and laws that satisfy the hypotheses it declares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.claims import Claim
from derivations.kernel.continuous import Granted
from derivations.kernel.domain import Domain, Interval
from derivations.kernel.points import refuse_shape
from derivations.kernel.spaces import Spaces
from derivations.kernel.substitution import core
from derivations.refutation import enclosures, joint
from derivations.refutation.arithmetic import ENCLOSING, fraction
from derivations.refutation.drawing import Purpose, add_laws, fit_dimension
from derivations.refutation.hypotheses import settle, settle_means
from derivations.refutation.inside import refuse_outside
from derivations.refutation.matrices import Matrix
from derivations.refutation.studies import study
from derivations.refutation.undefined import OutsideModel, Uncomputable, Undefined
from derivations.refutation.worlds import World, draw_in

ATTEMPTS = 60  # worlds that are drawn to meet the conditions of a domain
SHAPES = ("", "falls", "", "rises")  # of families, where numbers drawn one by one would hardly ever be in order
LONGEST = 20_000  # factors of a running product
LARGEST = 40  # rows and columns of a matrix, and coordinates of the vectors beside it
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
            if type(made) is not World:
                raise NoWorld(f"{type(made).__name__} is no World: a class of its own could say anything")
            made = replace(made, arithmetic=ENCLOSING, admitted=False, known={}, families=dict(made.families))
            refuse_outside(made, claim.domain_of(part))
            return made
    statement = claim.says[part]
    return sample_for(
        (statement.lhs, statement.rhs), claim.domain_of(part), claim.hypotheses, f"{claim.id} {part}", n, without
    )


def sample_for(
    expressions: Iterable[Any], domain: Domain, hypotheses: tuple[Any, ...], seed: str, n: int, without: str = ""
) -> World:
    """World number n of a domain in which all of these expressions can be read, as far as that is possible."""
    for attempt in range(ATTEMPTS if domain.conditions else 1):
        try:
            world = _drawn(expressions, domain, hypotheses, seed, n, without, attempt)
        except Undefined:
            if not domain.conditions:
                raise
            continue  # numbers that do not meet the conditions may leave a law, or a hypothesis, without a value
        if joint.told(world, domain.conditions) is True:
            return world
    raise NoWorld(f"no world was found that meets {joint.shown(domain.conditions)}")


def _drawn(
    expressions: Iterable[Any],
    domain: Domain,
    hypotheses: tuple[Any, ...],
    seed: str,
    n: int,
    without: str,
    attempt: int,
) -> World:
    """One attempt at world n, whatever the joint conditions of the domain say."""
    again = f" {attempt}" if attempt else ""
    rng = Random(f"{seed} {n}{again}")
    held = [h for h in hypotheses if h.name != without]
    supposed = [side for h in held for side in (h.lhs, h.rhs) if side is not None]
    found = study(expressions, [*supposed, *(side for c in domain.conditions for side in c.sides)])
    dimension = 1 if found.one_dimension else 1 + n % 2
    numbers = _integers(domain, rng, n, dimension)
    numbers["k"] = numbers.get("k", 1 + n % 2)
    for symbol in found.scalars:
        if symbol.name not in numbers:
            numbers[symbol.name] = _scalar(symbol, domain.interval(symbol), rng, n)
    world = World(dimension, seed=n, numbers=numbers, arithmetic=ENCLOSING, degenerate=is_degenerate(n))
    world.smooth = found.smooth
    world.classes = Granted.by(held).classes
    by_formula = found.by_formula | set(world.classes)
    world.coordinates = {name: where for name, where in domain.intervals.items() if name in by_formula}
    world.families = _families(domain, n, world, again, SHAPES[attempt % len(SHAPES)])
    size = next((n for n in domain.sizes.values() if isinstance(n, int | sp.Integer)), int(numbers["k"]))
    world.sizes = dict.fromkeys(found.latents, size)
    counts = _counts(found, domain, numbers, dimension)
    world.sizes |= {name: n for name, n in counts.items() if isinstance(name, str)}
    for name in found.matrices:
        rows, columns = counts["rows", name], counts["columns", name]
        world.matrices[name] = Matrix.of([[_entry(rng, n) for _ in range(columns)] for _ in range(rows)])
    for name in found.covariances:
        made = random_covariance(rng, counts.get(name, domain.sizes.get(name, size)))
        alike = [m for other, m in world.matrices.items() if other in found.covariances and m.size == made.size]
        world.matrices[name] = alike[0] if alike and is_degenerate(n) else made
    purpose = Purpose(found, hypotheses, without)
    fit_dimension(world, purpose)
    settle(world, held, domain)
    add_laws(world, purpose, rng, n)
    settle_means(world, held, domain)
    return world


# --- matrices ---------------------------------------------------------------------------------------------------------


def _counts(found: Any, domain: Domain, numbers: dict[str, Any], dimension: int) -> dict[Any, int]:
    """The sizes of vectors and covariances by name, and of the rows and columns of matrices, where there are any."""
    if not (found.matrices or found.covariances):
        return {}
    try:
        for name in found.matrices:
            refuse_shape(domain, name, domain.sizes.get(name, ()))
        spaces = Spaces.of([core(e) for e in found.everything], domain.sizes)
    except ValueError as reason:
        raise NoWorld(f"there are no such matrices: {reason}") from reason
    known = {terms.DIM.name: dimension, **numbers}
    counts = {}
    for name, (_, size) in spaces.known.items():
        n = size.xreplace({s: sp.Integer(known[s.name]) for s in size.free_symbols if s.name in known})
        if not n.is_Integer:
            raise NoWorld(f"this world does not count {size}")
        if n > LARGEST:
            raise NoWorld(f"{n} rows, columns or coordinates are more than {LARGEST}, to which worlds calculate")
        counts[name] = int(n)
    return counts


def _entry(rng: Random, n: int) -> Fraction:
    """An entry of a rectangular matrix; in a degenerate world some are 0, and rows may depend on each other."""
    return Fraction(0 if is_degenerate(n) and rng.random() < 0.5 else rng.randint(-15, 15), 10)


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


def random_covariance(rng: Random, size: int) -> Matrix:
    """R R^T for a lower triangular R with fractions of tenths."""
    root = [
        [Fraction(rng.randint(5, 20) if r == c else rng.randint(-9, 9) if c < r else 0, 10) for c in range(size)]
        for r in range(size)
    ]
    return Matrix.of(root) @ Matrix.of(root).transposed()


# --- families and functions -------------------------------------------------------------------------------------------


def _families(domain: Domain, n: int, world: World, again: str = "", shape: str = "") -> dict[str, Any]:
    table: dict[str, Any] = {}

    def member(name: str) -> Callable[..., Any]:
        def value(*args: Any) -> Any:
            if any(not isinstance(a, Fraction) or a.denominator != 1 for a in args):
                raise Uncomputable(f"{name} is a family over the integers in this world")
            label = f"{name}({', '.join(str(int(a)) for a in args)})"
            drawn = draw_in(domain.intervals[name], Random(f"{n}{again} {label}"), edge=n % 4 == 3)
            if shape and len(args) == 1 and args[0] >= 0:
                drawn = _shaped(domain.intervals[name], Random(f"{n}{again} {name}"), int(args[0]), shape)
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
        made = partial(_running_product, product, interval=domain.intervals.get(product, Interval()))
        world.products[factor], world.product_of[factor] = made, product
        table[product] = made(table[factor])
    return table


def _shaped(where: Interval, rng: Random, at: int, shape: str) -> Fraction:
    """A value between two of the interval that falls, or rises, from one to the other with the index."""
    low, high = sorted((draw_in(where, rng), draw_in(where, rng)))
    share = Fraction(1, at + rng.randint(1, 3))
    return low + (high - low) * (share if shape == "falls" else 1 - share)


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
            raise OutsideModel(f"there is no {name}({n}): by the recursion it would leave the interval of {name}")
        return known[n]

    return value
