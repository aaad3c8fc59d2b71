"""A world counts only where every hypothesis of the claim holds: made to hold if possible, then asked by evaluation."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.continuous import Granted
from derivations.kernel.domain import Domain
from derivations.refutation import enclosures, joint, polynomials
from derivations.refutation.arithmetic import surely
from derivations.refutation.enclosures import sign
from derivations.refutation.laws import FiniteJoint
from derivations.refutation.reading import Viewpoint
from derivations.refutation.undefined import Uncomputable, Undefined
from derivations.refutation.worlds import Key, World

MOST_CASES = 64  # of a hypothesis: its indices and the values of its variables


class Broken(Uncomputable):
    """The world does not satisfy a hypothesis of the claim, so nothing that happens in it says anything."""


# --- hypotheses in words ----------------------------------------------------------------------------------------------


def _always(world: World, averaged: frozenset[str]) -> bool:
    return True


def _no_zeros(world: World, averaged: frozenset[str]) -> bool:
    return not any(_zeros(law) for law in world.laws.values())


def _no_tables(world: World, averaged: frozenset[str]) -> bool:
    """Polynomials are smooth, and vanish at infinity when they are multiplied by a normal density."""
    return not any(isinstance(law, FiniteJoint) for law in world.laws.values())


def _zeros_where_others_vanish(world: World, averaged: frozenset[str]) -> bool:
    zeros = {name: _zeros(law) for name, law in world.laws.items()}
    return all(zeros[other] <= zeros[name] for name in averaged & set(zeros) for other in zeros)


def _zeros(law: Any) -> set[Any]:
    return {path for path, w in law.table.items() if w == 0} if isinstance(law, FiniteJoint) else set()


def _draws_are_alike(world: World, averaged: frozenset[str]) -> bool:
    """In every table, each draw may be put for the variable that it is a draw of, whatever else is looked at."""
    for law in world.laws.values():
        keys = law.keys if isinstance(law, FiniteJoint) else ()
        for key in keys:
            of = getattr(terms.HEADS.get(key[0]), "drawn_from", None) if len(key) == 2 else None
            if of is not None and not _same_beside(law, key, (of.name,)):
                return False
        if not isinstance(law, FiniteJoint):
            return False
    return True


def _same_beside(law: FiniteJoint, draw: Key, of: Key) -> bool:
    """Have the draw and the variable one joint law with all that is no draw?"""
    others = [key for key in law.keys if len(key) == 1 and key != of]
    sums: list[dict[Any, Any]] = []
    for key in (draw, of):
        found: dict[Any, Any] = {}
        for path, w in law.table.items():
            values = dict(zip(law.keys, path, strict=True))
            place = (values[key], *(values[o] for o in others))
            found[place] = found.get(place, 0) + w
        sums.append(found)
    return sums[0] == sums[1]


# What these worlds can vouch for, by name and by what the hypothesis says: means are finite sums or moments of normal
# laws, so they exist and may be differentiated term by term, and a table shows where it vanishes.
IN_WORDS: dict[tuple[str, str], Callable[[World, frozenset[str]], bool]] = {
    ("integrable", "every expectation written is finite"): _always,
    ("interchange", "derivatives are dominated, so they pass under the expectation"): _always,
    ("smooth", "functions and densities have as many continuous derivatives as are written"): _no_tables,
    (
        "decay",
        "what is integrated by parts, times the density, falls off so fast that no flux is left at infinity",
    ): _no_tables,
    (
        "alike draws",
        "each draw of a variable has the variable's law, together with all else, under every density",
    ): _draws_are_alike,
    (
        "common support",
        "a density ratio is averaged under a law that is positive wherever its numerator is",
    ): _no_zeros,
    (
        "absolute continuity",
        "a law that is averaged over vanishes wherever a law it is compared with does",
    ): _zeros_where_others_vanish,
}


# --- asking -----------------------------------------------------------------------------------------------------------


def refuse(world: World, hypotheses: Iterable[Any], domain: Domain, read: Any = ()) -> None:
    """Raise Broken, or Uncomputable with the reason, unless every hypothesis certainly holds in the world."""
    if joint.told(world, domain.conditions) is not True:
        raise Broken(f"the world is not known to meet {joint.shown(domain.conditions)}")
    averaged = frozenset(
        law.args[0].args[0].name
        for law in terms.unfold_all(sp.Tuple(*read)).atoms(terms.Expect, terms.KL)
        if isinstance(law.args[0], terms.Density)
    )
    for h in hypotheses:
        if h.lhs is None:
            vouched = IN_WORDS.get((h.name, h.words))
            if classes := Granted.by([h]).classes:  # polynomials, and smooth maps of them into an interval
                if any(name in world.families and name not in world.smooth for name in classes):
                    raise Uncomputable(f"{h.name!r}: the function is drawn number by number here")
                continue
            if vouched is None:
                raise Uncomputable(f"the hypothesis {h.name!r} is words only: whether it holds, a world cannot tell")
            if not vouched(world, averaged):
                raise Broken(f"the hypothesis {h.name!r} does not hold here")
            continue
        for place in _cases(world, h):
            try:
                told = surely("=", place.value(h.lhs), place.value(h.rhs))
            except Uncomputable:
                raise
            except Undefined as reason:  # a world in which it says nothing is no world of the claim
                raise Uncomputable(f"the hypothesis {h.name!r} has no value here: {reason}") from reason
            if told is False:
                raise Broken(f"the hypothesis {h.name!r} does not hold here")
            if told is None:
                raise Uncomputable(f"whether the hypothesis {h.name!r} holds, the bounds do not tell")


def _cases(world: World, h: Any) -> Iterator[Viewpoint]:
    """Where a hypothesis is asked: at all values of its indices, and at several of the vectors in it."""
    count = 0
    for at in _at_indices(Viewpoint(world, {}), list(h.when.items())):
        keys = variables(sp.Tuple(h.lhs, h.rhs), at)
        for values in _values(world, keys):
            count += 1
            if count > MOST_CASES:
                return
            yield at.bind(values)


def _at_indices(at: Viewpoint, when: list[Any]) -> Iterator[Viewpoint]:
    if not when:
        yield at
        return
    (index, (lo, hi)), *rest = when
    low = at.integer(sp.sympify(lo))
    high = low + 3 if hi == sp.oo else at.integer(sp.sympify(hi))
    for n in range(low, min(high, low + 7) + 1):
        yield from _at_indices(at.bind({index: Fraction(n)}), rest)


def variables(e: Any, at: Viewpoint) -> tuple[Key, ...]:
    """The keys of all vectors that e mentions at this place."""
    e = terms.unfold_all(e)
    bound = {a.args[1] for a in e.atoms(terms.SumTo, terms.ProductTo)}
    found: list[Any] = [v for v in e.atoms(terms.VectorSymbol) if not isinstance(v, terms.ConstantVector)]
    for v in e.atoms(terms.VectorFunction, terms.Block):
        is_member = isinstance(v, terms.Block) or (len(v.args) == 1 and v.args[0].is_integer)
        if is_member and not v.free_symbols & bound:
            found.append(v)
    return at.keys(sorted(found, key=sp.default_sort_key))


def _values(world: World, keys: tuple[Key, ...]) -> Iterator[dict[Key, Any]]:
    """Values of these vectors: all bits for the variables of tables, a few points for the others."""
    bits = [key for key in keys if key[0] in world.finite]
    others = [key for key in keys if key[0] not in world.finite]
    patterns = list(itertools.product((Fraction(0), Fraction(1)), repeat=len(bits) * world.d)) if bits else [()]
    if len(patterns) > 32:
        patterns = Random(f"{world.seed} bits").sample(patterns, 32)
    for pattern in patterns:
        fixed = {key: pattern[n * world.d : (n + 1) * world.d] for n, key in enumerate(bits)}
        if not others:
            yield fixed
            continue
        for trial in range(2):
            rng = Random(f"{world.seed} {trial} {pattern}")
            yield fixed | {
                key: tuple(Fraction(rng.randint(-30, 30), 7) for _ in range(world.sizes.get(key[0], world.d)))
                for key in others
            }


# --- making them hold -------------------------------------------------------------------------------------------------


def settle(world: World, hypotheses: Iterable[Any], domain: Domain) -> None:
    """Choose functions and numbers so that equations hold: a function is what its equation says, a number its solution.

    Nothing here is trusted: whether a hypothesis holds is asked afterwards.
    """
    equations = [h for h in hypotheses if h.lhs is not None]
    for h in equations:
        for one, other in ((h.lhs, h.rhs), (h.rhs, h.lhs)):
            if _is_call(one) and not other.atoms(type(one)) - _earlier(one, other):
                _define(world, one, other, h)
                break
    solved: set[Any] = set()
    for h in equations:
        if not h.when and not h.lhs.atoms(terms.LogDensity):
            _solve(world, h, domain, solved)


def settle_means(world: World, hypotheses: Iterable[Any], domain: Domain) -> None:
    """The same for a number that is said to be a mean under a named law, once the world has its laws."""
    solved: set[Any] = set()
    for h in hypotheses:
        if not h.when and any(a.atoms(terms.Density) for side in h.sides for a in side.atoms(terms.Averaging)):
            _solve(world, h, domain, solved)


def _is_call(e: Any) -> bool:
    is_family = isinstance(e, terms.VectorFunction) and len(e.args) == 1 and not terms.is_vector(e.args[0])
    return isinstance(e, terms.VectorFunction | terms.ScalarFunction) and not is_family


def _earlier(call: Any, formula: Any) -> set[Any]:
    """Calls of the same family at other places, in which a recursion may refer to itself."""
    return {f for f in formula.atoms(type(call)) if f != call and f.args != call.args}


def _define(world: World, call: Any, formula: Any, h: Any) -> None:
    """Let the function be the formula wherever its arguments match those of the call; elsewhere it stays what it is."""
    name = type(call).__name__
    before = world.families.get(name)
    is_vector = isinstance(call, terms.VectorFunction)

    def function(*args: Any) -> Any:
        env = _matched(world, call.args, args, h.when)
        if env is not None:
            value = Viewpoint(world, env).value(formula)
            if is_vector and not isinstance(value, tuple):
                return (Fraction(0),) * world.sizes.get(name, world.d)
            return value
        if before is not None:
            return before(*args)
        others = {other: f for other, f in world.families.items() if other != name}
        counted = tuple(bool(a.is_integer) for a in call.args)
        free = World(world.d, world.seed, families=others, sizes=world.sizes, coordinates=world.coordinates)
        free.arithmetic, free.smooth, free.classes = world.arithmetic, world.smooth, world.classes
        made = free.network(name, *args, counted=counted) if is_vector else free.family(name, *args, counted=counted)
        return made

    world.families[name] = function


def _matched(world: World, patterns: tuple[Any, ...], args: tuple[Any, ...], when: Any) -> dict[Any, Any] | None:
    """What the symbols in the patterns stand for, so that the patterns are the arguments; None where they are not."""
    env: dict[Any, Any] = {}
    for pattern, value in zip(patterns, args, strict=True):
        if isinstance(pattern, terms.VectorSymbol):
            env[(pattern.name,)] = value
        elif not isinstance(value, tuple) and (moving := pattern.free_symbols & set(when)):
            (index,) = moving
            shift = sp.expand(pattern - index)
            if not shift.is_Integer or polynomials.is_random(value):
                return None
            env[index] = value - int(shift)
    at = Viewpoint(world, env)
    for index, (lo, hi) in when.items():
        if index not in env or sign(env[index] - at.value(sp.sympify(lo))) == -1:
            return None
        if hi != sp.oo and sign(at.value(sp.sympify(hi)) - env[index]) == -1:
            return None
    for pattern, value in zip(patterns, args, strict=True):
        if terms.is_family_variable(pattern):
            (key,) = at.keys([pattern])
            env[key] = value
        elif not isinstance(pattern, terms.VectorSymbol) and surely("=", at.value(pattern), value) is not True:
            return None
    return env


def _solve(world: World, h: Any, domain: Domain, solved: set[Any]) -> None:
    """Make one number of the equation its solution, where the equation is linear or quadratic in it."""
    symbols = [s for s in sp.Tuple(h.lhs, h.rhs).free_symbols if s.name in world.numbers and not s.is_integer]
    fixed = {s for s in symbols if s in solved}
    for symbol in sorted(set(symbols) - fixed, key=lambda s: (s != h.lhs, s.name)):
        unknown = polynomials.noise()
        at = Viewpoint(world, {symbol: unknown})
        try:
            if symbol in (h.lhs, h.rhs) and not (h.rhs if symbol == h.lhs else h.lhs).has(symbol):
                roots = [Viewpoint(world, {}).value(h.rhs if symbol == h.lhs else h.lhs)]
            else:
                roots = _roots(at.value(h.lhs) - at.value(h.rhs), polynomials.generator_of(unknown))
        except (Undefined, TypeError):
            continue
        for root in roots:
            if _inside(root, domain.interval(symbol)):
                world.numbers[symbol.name] = root
                world.known.clear()
                solved.update({symbol, *symbols})
                return


def _roots(rest: Any, unknown: int) -> list[Any]:
    if not isinstance(rest, polynomials.Polynomial):
        return []
    coefficients = {sum(p for _, p in m): c for m, c in rest.terms.items() if all(g == unknown for g, _ in m)}
    if len(coefficients) < len(rest.terms) or max(coefficients) > 2:
        return []
    c, b, a = (coefficients.get(n, Fraction(0)) for n in range(3))
    if 2 not in coefficients:
        return [-c / b]
    root = enclosures.sqrt(b * b - 4 * a * c)
    return [(-b + root) / (2 * a), (-b - root) / (2 * a)]


def _inside(value: Any, interval: Any) -> bool:
    """True when the value certainly lies in the interval."""
    low = interval.lo == -sp.oo or sign(value - Fraction(str(interval.lo))) in ((1,) if interval.open_lo else (0, 1))
    high = interval.hi == sp.oo or sign(Fraction(str(interval.hi)) - value) in ((1,) if interval.open_hi else (0, 1))
    return low and high and (not interval.nonzero or sign(value) in (1, -1))
