"""The laws of a world: tables, joint normal laws and chains, made so that the equations about them hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from random import Random
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.refutation import laws
from derivations.refutation.averages import outcomes
from derivations.refutation.laws import JointNormal
from derivations.refutation.matrices import Matrix, cholesky
from derivations.refutation.models import ReverseChain
from derivations.refutation.polynomials import Polynomial, average, noise
from derivations.refutation.reading import Viewpoint
from derivations.refutation.studies import Study
from derivations.refutation.undefined import Uncomputable, Undefined
from derivations.refutation.worlds import Key, World

MOST_BITS = 10  # of a table


@dataclass(frozen=True)
class Purpose:
    """What the laws of a world are for: what is read in it, under which hypotheses."""

    study: Study
    hypotheses: tuple[Any, ...]
    without: str

    @cached_property
    def claimed(self) -> set[str]:
        return {h.name for h in self.hypotheses}

    @cached_property
    def held(self) -> list[Any]:
        return [h for h in self.hypotheses if h.name != self.without]

    @cached_property
    def names_held(self) -> set[str]:
        return {h.name for h in self.held}

    @cached_property
    def lost(self) -> set[str]:
        return self.claimed - self.names_held

    @cached_property
    def normal_equations(self) -> dict[str, list[Any]]:
        return {name: eqs for name in self.study.names if (eqs := _normal_equations(self.held, name))}

    def last(self, world: World) -> int:
        if "T" in world.numbers:
            return int(world.numbers["T"])
        return self.study.last_member(world.numbers, MOST_BITS - 1)

    def keys(self, world: World) -> tuple[Key, ...]:
        single = {(v.name,) for v in self.study.members if isinstance(v, terms.VectorSymbol)}
        drawn = {name: of for name, of in self.draws.items() if of is not None}
        single |= {(of.name,) for of in drawn.values()}
        is_chain = self.study.is_chain and len(drawn) < len(self.draws)
        chain = tuple(("x", m) for m in range(self.last(world) + 1)) if is_chain else ()
        each = tuple((name, m) for name in sorted(drawn) for m in range(1, self.last(world) + 1))
        return (*sorted(single), *chain, *each)

    @cached_property
    def draws(self) -> dict[str, Any]:
        """The families among the variables, each with what its members are draws of, if of anything."""
        members = [v for v in self.study.members if not isinstance(v, terms.VectorSymbol)]
        heads = {v.args[0].name if isinstance(v, terms.Block) else type(v).__name__ for v in members}
        return {name: getattr(terms.HEADS[name], "drawn_from", None) for name in heads}


def fit_dimension(world: World, purpose: Purpose) -> None:
    """Make the vectors of the world short where a whole chain is averaged over, or a table holds it."""
    if not purpose.study.is_chain:
        return
    normal = {*purpose.normal_equations, *(["p"] if "Gaussian reverse kernel" in purpose.claimed else [])}
    tables = bool(set(purpose.study.names) - normal)
    long_path = purpose.last(world) * world.d > 4 and purpose.study.has_blocks
    if long_path or (tables and ("T" in world.numbers or len(purpose.keys(world)) * world.d > MOST_BITS)):
        world.d = 1


def add_laws(world: World, purpose: Purpose, rng: Random, n: int) -> None:
    """A law for each named density."""
    study, keys = purpose.study, purpose.keys(world)
    if {"Gaussian reverse kernel", "reverse chain"} & purpose.lost == {"reverse chain"}:
        _flatten_second_step(world, purpose.hypotheses)
    for name in study.names:
        if name == "p" and "Gaussian reverse kernel" in purpose.claimed:
            world.laws[name] = ReverseChain(
                world,
                purpose.last(world),
                shift=int("Gaussian reverse kernel" not in purpose.names_held),
                spread=1 + int("standard normal prior" not in purpose.names_held),
                linked="reverse chain" in purpose.lost,
            )
        elif name in purpose.normal_equations:
            world.laws[name] = _normal_by_equations(world, purpose.normal_equations[name], keys, rng, purpose.lost)
        elif (
            study.has_fields
            or {"smooth", "decay"} & purpose.claimed
            or (study.meets_normal and not study.is_chain and n % 2 and not _equations_about(purpose.held, name))
        ):
            world.laws[name] = _random_normal(world, keys, rng)
        else:
            world.laws[name] = _table(world, name, keys, purpose, rng, n)
    only_tables = all(isinstance(law, laws.FiniteJoint) for law in world.laws.values())
    world.finite = frozenset(key[0] for key in keys) if only_tables else frozenset()
    for pair in study.same_laws:
        if n % 2 and all(isinstance(law, terms.Density) for law in pair.args):
            first, second = (law.args[0].name for law in pair.args)
            world.laws[first] = world.laws[second]


def _equations_about(held: list[Any], name: str) -> list[Any]:
    with_equation = [(h, sp.Tuple(h.lhs, h.rhs).atoms(terms.Density)) for h in held if h.lhs is not None]
    return [h for h, densities in with_equation if name in {law.args[0].name for law in densities}]


# --- tables -----------------------------------------------------------------------------------------------------------


def _table(world: World, name: str, keys: tuple[Key, ...], purpose: Purpose, rng: Random, n: int) -> Any:
    """A table over bits: a chain forward or backward where that is supposed, with or without zeros."""
    if len(keys) > MOST_BITS:
        raise Uncomputable(f"a table over {len(keys)} variables")
    held, claimed, averaged = purpose.names_held, purpose.claimed, name in purpose.study.averaged
    last = max((key[1] for key in keys if len(key) == 2), default=0)
    only_chain = bool(keys) and all(len(key) == 2 for key in keys)
    if only_chain and name == "p" and "reverse chain" in held:
        law = laws.markov_table(rng, last, reverse=True)
    elif only_chain and name == "q" and held & {"forward chain", "forward Markov"}:
        law = laws.markov_table(rng, last, sees_x0="forward Markov" not in held, sharp=n % 4 == 3)
    elif "absolute continuity" in claimed:  # zeros where nothing divides by them; without it, anywhere
        law = laws.random_table(rng, keys, world.d, averaged or "absolute continuity" not in held)
    elif "alike draws" in held:
        law = laws.alike_table(rng, keys, {head: (of.name,) for head, of in purpose.draws.items() if of is not None})
    else:
        law = laws.random_table(rng, keys, world.d, name == "q" and purpose.without == "common support")
    if n % 8 in (2, 6) and averaged and not claimed & {"absolute continuity", "common support"}:
        law = laws.with_an_impossible_value(law, rng)
    law.cell = Fraction(1, (1, 8, 30)[n % 3])
    return law


# --- joint normal laws ------------------------------------------------------------------------------------------------


def _normal_equations(held: list[Any], name: str) -> list[tuple[Any, Any, Any]]:
    """Hypotheses that give a conditional law of this name as a normal law: (hypothesis, the law, what it is)."""
    found = []
    for h in held:
        if isinstance(h.lhs, terms.LogDensity) and isinstance(h.rhs, terms.LogDensity):
            for named, normal in ((h.lhs.args[0], h.rhs.args[0]), (h.rhs.args[0], h.lhs.args[0])):
                written = isinstance(normal, terms.Normal | terms.DiagonalNormal | terms.FullNormal)
                if isinstance(named, terms.Density) and written and named.args[0].name == name:
                    found.append((h, named, normal))
    return found


def _conditionals(world: World, equations: list[Any]) -> dict[Key, tuple[tuple[Key, ...], Any, dict[Any, Any]]]:
    """What each variable is, given which others: (their keys, its law, the values of the equation's indices)."""
    from derivations.refutation.hypotheses import _at_indices

    table: dict[Key, Any] = {}
    for h, named, normal in equations:
        for at in _at_indices(Viewpoint(world, {}), list(h.when.items())):
            wanted = at.keys(named.variables)
            if len(wanted) == 1:
                table.setdefault(wanted[0], (at.keys(named.given), normal, dict(at.env)))
    return table


def _normal_by_equations(
    world: World, equations: list[Any], keys: tuple[Key, ...], rng: Random, lost: set[str]
) -> JointNormal:
    """The joint law in which each variable with an equation is drawn by it, and the others are free."""
    table = _conditionals(world, equations)
    order = _ordered(keys, table)
    values: dict[Key, Any] = {}
    for key in order:
        size = world.sizes.get(key[0], world.d)
        if key not in table:
            unit = "forward Markov" in lost
            values[key] = tuple(_free_normal(rng, unit) for _ in range(size))
            continue
        given, law, env = table[key]
        at = Viewpoint(world, {**env, **{g: values[g] for g in given}})
        ((_, drawn, _),) = outcomes(law, at)
        values[key] = drawn[key]
    joint = _moments(values)
    if "forward Markov" in lost:
        _remember(joint, [(0, t) for t in range(2, len(keys))])
    elif "forward chain" in lost:
        _remember(joint, [(1, 3)])
    return joint


def _free_normal(rng: Random, unit: bool) -> Any:
    return noise() if unit else Fraction(rng.randint(-15, 15), 10) + Fraction(rng.randint(5, 15), 10) * noise()


def _ordered(keys: tuple[Key, ...], table: dict[Key, Any]) -> list[Key]:
    order, waiting = [key for key in keys if key not in table], [key for key in keys if key in table]
    waiting += [key for key in table if key not in keys]
    order += [g for given, _, _ in table.values() for g in given if g not in order and g not in waiting]
    while waiting:
        ready = [key for key in waiting if set(table[key][0]) <= set(order)]
        if not ready:
            raise Uncomputable("the normal laws of the hypotheses refer to each other")
        order += ready
        waiting = [key for key in waiting if key not in ready]
    return list(dict.fromkeys(order))


def _moments(values: dict[Key, Any]) -> JointNormal:
    """The joint normal law of affine functions of noises."""
    flat = [v for vector in values.values() for v in vector]
    if any(sum(p for _, p in m) > 1 for v in flat if isinstance(v, Polynomial) for m in v.terms):
        raise Uncomputable("a mean that is not affine: the joint law is not normal")
    noises = frozenset(g for v in flat if isinstance(v, Polynomial) for m in v.terms for g, _ in m)
    mean = [average(v, noises) for v in flat]
    centred = [v - m for v, m in zip(flat, mean, strict=True)]
    covariance = [[average(a * b, noises) for b in centred] for a in centred]
    return JointNormal({key: len(v) for key, v in values.items()}, mean, Matrix.of(covariance))


def _remember(joint: JointNormal, pairs: list[tuple[int, int]]) -> None:
    """Raise the covariances of these pairs of states, as far as a law allows."""
    places = {key: list(joint._where[key]) for key in joint.sizes}
    plain, size = joint.covariance, Fraction(1)
    while True:
        size /= 2
        rows = [list(row) for row in plain.rows]
        for s, t in pairs:
            for a, b in zip(places.get(("x", s), []), places.get(("x", t), []), strict=False):
                rows[a][b] = rows[b][a] = rows[a][b] + size
        joint.covariance = Matrix.of(rows)
        if _positive_definite(joint.covariance):
            return


def _positive_definite(covariance: Matrix) -> bool:
    from derivations.refutation.enclosures import sqrt

    try:
        cholesky(covariance, sqrt)
    except (Undefined, ZeroDivisionError):
        return False
    return True


def _random_normal(world: World, keys: tuple[Key, ...], rng: Random) -> JointNormal:
    sizes = {key: world.sizes.get(key[0], world.d) for key in keys}
    n = sum(sizes.values())
    root = Matrix.of(
        [
            [Fraction(rng.randint(5, 15) if r == c else rng.randint(-6, 6) if c < r else 0, 10) for c in range(n)]
            for r in range(n)
        ]
    )
    return JointNormal(sizes, [Fraction(rng.randint(-15, 15), 10) for _ in range(n)], root @ root.transposed())


# --- a chain whose second step is flat --------------------------------------------------------------------------------


def _flatten_second_step(world: World, hypotheses: tuple[Any, ...]) -> None:
    """Choose the networks so that mu_theta(x, 2) is 1/2 whatever x is: then x_1 and x_2 are independent."""
    formulas = [h for h in hypotheses if isinstance(h.lhs, terms.VectorFunction)]
    half = (Fraction(1, 2),) * world.d
    if not formulas:
        world.families["mu_theta"] = lambda x_t, n: (
            half if n == 2 else world.free_network("mu_theta", x_t, n, counted=(False, True))
        )
        return
    (formula,) = formulas
    state, time = formula.lhs.args
    (inner,) = {type(f).__name__ for f in formula.rhs.atoms(terms.VectorFunction) if len(f.args) == 2}

    def mean(output: int, x_t: Any, n: Any) -> Any:
        """mu_theta when the network says `output` in every coordinate; affine in it."""
        fixed = replace(world, families={**world.families, inner: lambda *_: (Fraction(output),) * world.d}, known={})
        return Viewpoint(fixed, {time: n, (type(state).__name__, int(n)): x_t}).value(formula.rhs)

    def network(x_t: Any, n: Any) -> Any:
        if n != 2:
            return world.free_network(inner, x_t, n, counted=(False, True))
        origin = (Fraction(0),) * world.d  # what the network is multiplied with does not depend on the state
        ends = zip(half, mean(0, x_t, n), mean(0, origin, n), mean(1, origin, n), strict=True)
        return tuple((wanted - there) / (high - low) for wanted, there, low, high in ends)

    world.families[inner] = network
