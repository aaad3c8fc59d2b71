"""Draw worlds for a claim: admissible numbers, and laws that satisfy the hypotheses it declares."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.claims import Claim
from derivations.kernel.domain import Domain
from derivations.kernel.terms import unfold_all
from derivations.refutation import laws
from derivations.refutation.laws import mp
from derivations.refutation.models import ReverseChain
from derivations.refutation.worlds import World, draw_in, evaluate

# --- worlds for a claim -----------------------------------------------------------------------------------------------


def sample(claim: Claim, part: int = 0, n: int = 0, without: str = "") -> World:
    """World number n for a statement: admissible numbers, and laws that satisfy its hypotheses (but `without`)."""
    if claim.worlds:
        made = claim.worlds[n % len(claim.worlds)](Random(f"{claim.id} {n}"), n)
        if made is not None:
            return made
    statement, domain = claim.says[part], claim.domain_of(part)
    rng = Random(f"{claim.id} {part} {n}")
    sides = sp.Tuple(statement.lhs, statement.rhs)
    dimension = 1 if _needs_one_dimension(sides) else 1 + n % 2
    numbers = _integers(domain, rng, n, dimension)
    numbers["k"] = numbers.get("k", 1 + n % 2)
    for symbol in sorted(scalars(sides), key=lambda s: s.name):
        if symbol.name not in numbers:
            interval = domain.interval(symbol)
            whole = symbol.is_integer
            numbers[symbol.name] = rng.randint(1, 3) if whole else draw_in(interval, rng, edge=n % 4 == 3)
    world = World(dimension, seed=n, numbers=numbers)
    world.families = _families(domain, n, world)
    world.coordinates = {name: interval for name, interval in domain.intervals.items() if name in terms.VECTORS}
    size = next(iter(domain.sizes.values()), int(numbers["k"]))
    world.sizes = dict.fromkeys(_latent_names(sides), size)
    for symbol in sides.atoms(terms.Covariance):
        world.matrices[symbol.name] = _random_covariance(rng, size)
    _add_laws(world, claim, sides, rng, n, without)
    return world


def _integers(domain: Domain, rng: Random, n: int, dimension: int) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    known = {terms.DIM: sp.Integer(dimension)}
    for index, (lo, hi) in domain.indices.items():
        low, high = (b if b == sp.oo else b.xreplace(known) for b in map(sp.sympify, (lo, hi)))
        low_end, high_end = int(low), int(low) + 2 if high == sp.oo else int(high)
        numbers[index.name] = {0: low_end, 1: high_end}.get(n) or rng.randint(low_end, high_end)
        known[index] = sp.Integer(numbers[index.name])
    return numbers


def scalars(e: Any) -> set[Any]:
    """The numbers that a world has to give: free symbols, the dimension apart."""
    return {s for s in terms.free_scalars(unfold_all(e)) if s.is_commutative and s != terms.DIM}


def _needs_one_dimension(e: Any) -> bool:
    return any(isinstance(a.args[1], sp.exp) for a in unfold_all(e).atoms(terms.Expect))


def _families(domain: Domain, n: int, world: World) -> dict[str, Any]:
    table: dict[str, Any] = {}

    def member(name: str) -> Any:
        def value(*args: Any) -> Any:
            label = f"{name}({', '.join(str(int(a)) if float(a).is_integer() else mp.nstr(a, 6) for a in args)})"
            drawn = draw_in(domain.intervals[name], Random(f"{n} {label}"), edge=n % 4 == 3)
            world.drawn[label] = str(drawn)
            return laws.number(drawn)

        return value

    for name in domain.intervals:
        if name in terms.HEADS and issubclass(terms.HEADS[name], terms.ScalarFunction):
            table[name] = member(name)
    for product, factor in domain.products.items():
        table[product] = _running_product(product, table[factor])
    return table


def _running_product(name: str, factor: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def value(m: Any) -> Any:
        if m < 0:
            raise laws.Undefined(f"{name}({int(m)}): time starts at 0")
        return mp.fprod(factor(mp.mpf(r)) for r in range(1, int(m) + 1))

    return value


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


def _random_covariance(rng: Random, size: int) -> Any:
    root = mp.matrix(size, size)
    for r, c in itertools.product(range(size), repeat=2):
        root[r, c] = mp.mpf(rng.randint(5, 20)) / 10 if r == c else mp.mpf(rng.randint(-9, 9)) / 10 if c < r else 0
    return root * root.T


def _add_laws(world: World, claim: Claim, sides: Any, rng: Random, n: int, without: str) -> None:
    densities = unfold_all(sides).atoms(terms.Density)
    names = sorted({law.args[0].name for law in densities})
    claimed = {h.name for h in claim.hypotheses}
    held = claimed - {without}
    variables = [v for law in densities for v in (*law.variables, *law.given)]
    chain = any(not isinstance(v, terms.VectorSymbol) for v in variables)
    last = int(world.numbers["T"]) if "T" in world.numbers else _last_member(variables)
    keys = tuple(("x", m) for m in range(last + 1)) if chain else tuple(sorted({(v.name,) for v in variables}))
    averaged = {law.args[0].name for law in _averaged_laws(sides)} if "absolute continuity" in claimed else set()
    if "Gaussian forward kernel" in held and last * world.d > 4 and unfold_all(sides).atoms(terms.Block):
        world.d = 1  # a whole path is averaged over: keep its dimension small
    _add_networks(world, claim, held)
    if {"Gaussian reverse kernel", "reverse chain"} & (claimed - held) == {"reverse chain"}:
        _flatten_second_step(world, claim)
    for name in names:
        if name == "p" and "Gaussian reverse kernel" in claimed:
            shift, spread = "Gaussian reverse kernel" not in held, "standard normal prior" not in held
            linked = "reverse chain" in claimed - held
            world.laws[name] = ReverseChain(world, last, int(shift), 1 + int(spread), linked)
            continue
        if name == "q" and "Gaussian forward kernel" in held:
            alphas = [world.families["alpha"](mp.mpf(m)) for m in range(1, last + 1)]
            if "forward Markov" in claimed - held:
                world.laws[name] = laws.RememberingChain(alphas, world.d)
            elif "forward chain" in claimed - held:
                world.laws[name] = laws.EntangledChain(alphas, world.d, _two_points(rng, world.d))
            else:
                world.laws[name] = laws.GaussianChain(alphas, world.d, _two_points(rng, world.d))
            continue
        if chain and "T" in world.numbers:
            world.d = 1
        if chain and name == "p" and "reverse chain" in held:
            world.laws[name] = laws.markov_table(rng, last, reverse=True)
        elif chain and name == "q" and held & {"forward chain", "forward Markov"}:
            world.laws[name] = laws.markov_table(rng, last, sees_x0="forward Markov" not in held, sharp=n % 4 == 3)
        else:
            if "absolute continuity" in claimed:  # zeros where nothing divides by them; without it, anywhere
                zeros = name in averaged or "absolute continuity" not in held
            else:
                zeros = name == "q" and without == "common support"
            world.laws[name] = laws.random_table(rng, keys, world.d, zeros)
        world.laws[name].cell = Fraction(1, (1, 8, 30)[n % 3])
        world.finite = frozenset(key[0] for key in keys)
    for pair in sides.atoms(terms.SameLaw):
        if n % 2:
            first, second = (law.args[0].name for law in pair.args)
            world.laws[first] = world.laws[second]


def _add_networks(world: World, claim: Claim, held: set[str]) -> None:
    """A hypothesis mu_theta(x(t), t) = ... says what that network is; all others are free polynomials."""
    for h in claim.hypotheses:
        if h.name in held and isinstance(h.lhs, terms.VectorFunction):
            state, time = h.lhs.args
            world.families[type(h.lhs).__name__] = partial(_network, world, h.rhs, type(state).__name__, time)


def _network(world: World, formula: Any, state: str, time: Any, x_t: Any, n: Any) -> Any:
    return evaluate(formula, world, {time: n, (state, int(n)): x_t})


def _flatten_second_step(world: World, claim: Claim) -> None:
    """Choose the networks so that mu_theta(x, 2) is 1/2 whatever x is: then x_1 and x_2 are independent."""
    formulas = [h for h in claim.hypotheses if isinstance(h.lhs, terms.VectorFunction)]
    half = (mp.mpf(1) / 2,) * world.d
    if not formulas:
        world.families["mu_theta"] = lambda x_t, n: half if n == 2 else world.free_network("mu_theta", x_t, n)
        return
    (formula,) = formulas
    state, time = formula.lhs.args
    (inner,) = {type(f).__name__ for f in formula.rhs.atoms(terms.VectorFunction) if len(f.args) == 2}

    def mean(output: int, x_t: Any, n: Any) -> Any:
        """mu_theta when the network says `output` in every coordinate; affine in it."""
        fixed = replace(world, families={**world.families, inner: lambda *_: (mp.mpf(output),) * world.d})
        return _network(fixed, formula.rhs, type(state).__name__, time, x_t, n)

    def network(x_t: Any, n: Any) -> Any:
        if n != 2:
            return world.free_network(inner, x_t, n)
        ends = zip(half, mean(0, x_t, n), mean(1, x_t, n), strict=True)
        return tuple((wanted - low) / (high - low) for wanted, low, high in ends)

    world.families[inner] = network


def _last_member(variables: list[Any]) -> int:
    """The highest index written, of a chain without a symbolic end."""
    written = [v.args[0] for v in variables if isinstance(v, terms.VectorFunction)]
    return max(map(int, written)) if written and all(n.is_Integer for n in written) else 2


def _two_points(rng: Random, d: int) -> tuple[tuple[Fraction, tuple[Fraction, ...]], ...]:
    """A law of the data: two points of R^d, the second twice as likely."""
    points = [tuple(Fraction(rng.randint(-20, 20), 10) for _ in range(d)) for _ in range(2)]
    return (Fraction(1, 3), points[0]), (Fraction(2, 3), points[1])


def _averaged_laws(e: Any) -> set[Any]:
    """The named laws that expectations and divergences average over: only these may vanish somewhere."""
    e = unfold_all(e)
    laws_of_e = {a.args[0] for a in e.atoms(terms.Expect, terms.KL)}
    return {law for law in laws_of_e if isinstance(law, terms.Density)}
