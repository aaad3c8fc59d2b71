"""Random terms, finite models to read them in, and the harness that asks a rule: is the value the same afterwards?

`Chain` makes terms over x(0), ..., x(T) under two random joint laws q and p with rational probabilities; `Gaussian`
makes terms over vectors under normal laws, read by exact quadrature. Both write whatever the language allows: nested
averages, divergences, sums with symbolic ends, joint and conditional sets that overlap or not. A case hands a rule such
terms until enough of them have been evaluated on both sides. The rule is a parameter, so a spoilt one goes through the
same mill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from typing import Any
from unittest.mock import patch

import sympy as sp

import derivations
from derivations.kernel.algebra import OutsideFragment
from derivations.kernel.claims import Claim
from derivations.kernel.domain import POSITIVE, UNIT, Domain
from derivations.kernel.rules.base import ASSUMPTIONS, Context, Hypothesis, Rule, StepFails, decide_by_algebra
from derivations.kernel.sorts import sort
from derivations.kernel.spaces import Spaces
from derivations.kernel.substitution import core
from derivations.kernel.terms import (
    DIM,
    KL,
    Block,
    Coord,
    Density,
    DiagonalNormal,
    Expect,
    FullNormal,
    Hadamard,
    Inner,
    LogDensity,
    Malformed,
    Norm2,
    Normal,
    SumTo,
    VectorFunction,
    VectorSymbol,
    covariance,
    define,
    scalar,
    scalar_function,
    vector,
    vector_function,
)
from derivations.refutation import laws
from derivations.refutation.arithmetic import close
from derivations.refutation.evaluate import evaluate
from derivations.refutation.laws import mp
from derivations.refutation.undefined import Undefined
from derivations.refutation.worlds import World

ENOUGH = 200
UNUSABLE = (StepFails, Malformed, OutsideFragment)

# --- symbols of the tests ---------------------------------------------------------------------------------------------

t, T = (sp.Symbol(n, integer=True, positive=True) for n in ("t", "T"))
BOUND = [sp.Symbol(n, integer=True, positive=True) for n in ("s", "r", "i")]
a, b, c = scalar("a"), scalar("b"), scalar("c_plus", positive=True)
x = vector_function("x", "x")
z, w, eps, u, v = (vector(n) for n in ("z", "w", "eps", "u", "v"))
probe, bend = scalar_function("probe"), vector_function("bend")
rise = scalar_function("rise", positive=True)
A, B = covariance("A"), covariance("B")
Bound = define(
    "ProbeBound",
    "L",
    lambda n, first: Expect(
        Density("q", Block(x, 1, n), first), LogDensity(Density("p", Block(x, 1, n), first)) * Norm2(x(n))
    ),
    notation=False,
)
Square = define("ProbeSquare", "S", lambda m: m**2 + a * m)

CHAIN = Domain({"c_plus": POSITIVE, "rise": UNIT}, {T: (1, sp.oo), t: (1, T)})
GAUSS = Domain({"c_plus": POSITIVE, "rise": UNIT}, {DIM: (1, sp.oo)})
INTEGRABLE, SUPPORT, INTERCHANGE = (
    Hypothesis(name, ASSUMPTIONS[name]) for name in ("integrable", "common support", "interchange")
)


def context(domain: Domain, *hypotheses: Hypothesis, **more: Any) -> Context:
    known = {h.name: h.core() for h in (INTEGRABLE, *hypotheses)}
    return Context(domain, known, **{"lemma": lambda claim_id: derivations.judge(claim_id).theorems, **more})


@dataclass(frozen=True)
class Said:
    """What a theorem would say, for a rule that is asked outside of any derivation."""

    lhs: Any
    relation: str
    rhs: Any
    domain: Domain
    hypotheses: tuple[Hypothesis, ...]
    assumptions: tuple[str, ...] = ()

    @property
    def sizes(self) -> dict[Any, Any]:
        """The size of the space of each vector in it, where its own laws tell."""
        sides = sp.Tuple(self.lhs, self.rhs)
        spaces = Spaces.of((self.lhs, self.rhs), self.domain.sizes)
        found = {v: spaces.size(v) for v in sides.atoms(VectorSymbol, VectorFunction)}
        return {v: size for v, size in found.items() if size is not None}


def said(claim: Claim) -> dict[int, Said]:
    """The statements of a claim as rules read them, proved or not."""
    known = tuple(h.core() for h in claim.hypotheses)
    return {n: Said(core(s.lhs), s.relation, core(s.rhs), claim.domain_of(n), known) for n, s in enumerate(claim.says)}


# --- terms over a chain with random tables ----------------------------------------------------------------------------


class Chain:
    """Terms over x(0)..x(T): every index that is written lies in 0..T."""

    def __init__(self, rng: Random, clash: bool = False) -> None:
        self.rng = rng
        self.indices = [t, *BOUND] if clash else BOUND

    def index(self, bound: tuple[Any, ...]) -> Any:
        return self.rng.choice([t, t, t - 1, T, T - 1, sp.S.Zero, sp.S.One, *(e for s in bound for e in (s, s, s - 1))])

    def member(self, bound: tuple[Any, ...]) -> Any:
        return x(self.index(bound))

    def some(self, bound: tuple[Any, ...], least: int = 1) -> list[Any]:
        """A set of variables: members and blocks, disjoint or not."""
        blocks = [Block(x, *ends) for ends in ((0, T), (1, T), (1, t), (t, T), (0, t - 1), (t + 1, T), (2, T))]
        count = self.rng.choice([least, least, 1, 2])
        return [self.member(bound) if self.rng.random() < 0.7 else self.rng.choice(blocks) for _ in range(count)]

    def law(self, bound: tuple[Any, ...], name: str = "") -> Density:
        drawn = Density(name or self.rng.choice("qp"), self.some(bound), self.some(bound, 0))
        return drawn if drawn.variables else self.law(bound, name)

    def leaf(self, bound: tuple[Any, ...]) -> Any:
        one, two = self.member(bound), self.member(bound)
        choices = [
            lambda: LogDensity(self.law(bound)),
            lambda: LogDensity(self.law(bound)),
            lambda: Norm2(one - a * two),
            lambda: Inner(one, two),
            lambda: Coord(one, 1),
            lambda: probe(one),
            lambda: self.rng.choice([a, b, sp.Rational(-1, 2), sp.S(3), self.index(bound), Square(self.index(bound))]),
        ]
        return self.rng.choice(choices)()

    def term(self, depth: int, bound: tuple[Any, ...] = ()) -> Any:
        if depth == 0:
            return self.leaf(bound)
        free = [i for i in self.indices if i not in bound]
        choices = ["+", "*", "E", "E", "KL", "leaf", "leaf", "named", *(["sum"] * 2 if free else [])]
        kind = self.rng.choice(choices)
        if kind == "sum":
            index = free[0] if self.rng.random() < 0.9 else self.rng.choice(free)
            lo, hi = self.rng.choice([(1, T), (2, T), (1, t), (t, T), (t + 1, T)])
            return SumTo(self.term(depth - 1, (*bound, index)), index, lo, hi)
        if kind == "E":
            return Expect(self.law(bound), self.term(depth - 1, bound))
        if kind == "KL":
            variables = self.law(bound).variables
            return KL(*(Density(name, variables, self.some(bound, 0)) for name in "qp"))
        if kind == "named":
            return Bound(self.rng.choice([t, T, sp.S.One]), self.rng.choice([x(0), u]))
        if kind == "leaf":
            return self.leaf(bound)
        parts = [self.term(depth - 1, bound), self.leaf(bound)]
        return sp.Add(*parts) if kind == "+" else sp.Mul(*parts)


def chain_world(seed: int, last: int = 0, zeros: str = "") -> World:
    """x(0)..x(T) are bits with random rational joint laws q and p; `zeros` names laws that vanish here and there."""
    rng = Random(f"chain {seed}")
    last = last or rng.choice([1, 2, 2, 3])
    world = World(1, seed, {"T": last, "t": rng.randint(1, last), **numbers(rng)}, families=families(seed))
    keys = tuple(("x", n) for n in range(last + 1))
    world.laws = {name: laws.random_table(rng, keys, zeros=name in zeros) for name in ("q", "p")}
    world.finite = frozenset({"x"})
    world.vectors[("u",)] = (Fraction(rng.randint(0, 1)),)  # u may be read as a value of x(0)
    return world


def numbers(rng: Random) -> dict[str, Any]:
    drawn = {n.name: Fraction(rng.choice([-3, -2, -1, 1, 2, 3, 5]), rng.choice([1, 2, 3])) for n in (a, b)}
    return {**drawn, "c_plus": Fraction(rng.randint(1, 9), 4)}


def families(seed: int) -> dict[str, Any]:
    return {"rise": lambda n: mp.mpf(Random(f"rise {seed} {n}").randint(1, 19)) / 20}


# --- terms under normal laws ------------------------------------------------------------------------------------------


class Gaussian:
    """Terms over vectors of R^d: polynomials of degree <= 4, networks of degree 2, under every normal law."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng

    def vector(self, *random: Any) -> Any:
        """A linear combination of fixed and random vectors, a network's output, a coordinatewise product."""
        atoms = [u, v, *random, *random]
        one, two = self.rng.choice(atoms), self.rng.choice(atoms)
        choices = [one, one + two, one - a * two, 2 * one - v, Hadamard(one, two), bend(one)]
        return self.rng.choice(choices[:4] if self.rng.random() < 0.7 else choices)

    def coefficient(self) -> Any:
        return self.rng.choice([sp.S.One, a, b, 1 + a, sp.Rational(1, 2), -a * b, Square(a)])

    def variance(self) -> Any:
        return self.rng.choice([sp.S.One, sp.S(2), c, c + 1, 1 - rise(1), rise(1)])

    def law(self, variable: Any, *random: Any, index: Any = BOUND[0]) -> Any:
        mean = self.rng.choice([sp.S.Zero, u, self.vector(*random)])
        kind = self.rng.choice(["normal", "normal", "diagonal", "full"])
        if kind == "normal":
            return Normal(variable, mean, self.variance())
        if kind == "full":
            return FullNormal(variable, self.rng.choice([u, u - v]), self.rng.choice([A, B]), DIM)
        where = self.rng.choice([Coord(u, index), a * Coord(v, index), sp.S.Zero, index * a])
        return DiagonalNormal(variable, index, where, self.rng.choice([c, 1 + Coord(u, index) ** 2, sp.S.One]), DIM)

    def leaf(self, *random: Any) -> Any:
        one, two = self.vector(*random), self.vector(*random)
        index = BOUND[1]
        choices = [
            lambda: Norm2(one),
            lambda: Inner(one, two),
            lambda: Inner(one, two),
            lambda: Coord(one, 1) ** self.rng.choice([1, 1, 2, 3]),
            lambda: probe(one),
            lambda: SumTo(Coord(one, index) * Coord(two, index) + index * a, index, 1, DIM),
            lambda: self.coefficient(),
        ]
        return self.rng.choice(choices)()

    def term(self, depth: int, *random: Any) -> Any:
        if depth == 0:
            return self.leaf(*random)
        kind = self.rng.choice(["+", "*", "E", "E", "E", "leaf", "square"])
        if kind == "E" and len(random) < 2:
            variable = w if z in random else z
            return Expect(self.law(variable, *random), self.term(depth - 1, *random, variable))
        if kind == "square":
            return Inner(self.vector(*random), self.vector(*random)) ** 2 * self.coefficient()
        if kind in "+*":
            parts = [self.term(depth - 1, *random), self.coefficient() * self.leaf(*random)]
            return sp.Add(*parts) if kind == "+" else sp.Mul(parts[0], self.coefficient())
        return self.leaf(*random)


def gauss_world(seed: int, d: int = 0) -> World:
    rng = Random(f"gauss {seed}")
    d = d or (2 if seed % 5 == 4 else 1)
    world = World(d, seed, numbers(rng), families=families(seed))
    for name in ("A", "B"):
        root = mp.matrix(d, d)
        for row in range(d):
            for column in range(row + 1):
                root[row, column] = mp.mpf(rng.randint(5, 20) if row == column else rng.randint(-9, 9)) / 10
        world.matrices[name] = root * root.T
    return world


# --- the mill ---------------------------------------------------------------------------------------------------------


@dataclass
class Sample:
    """One term for a rewriting rule, or two lines for a deciding one, with the worlds to read them in."""

    context: Context
    worlds: list[World]
    lines: tuple[Any, ...]
    relation: str = "="
    args: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    read: Callable[[Any, World], Any] | None = None
    same: Callable[[Any, Any], bool] = close
    partial: bool = False  # a line's own side conditions fail: then a model where it has no value says nothing


@dataclass
class Evidence:
    """How many models a rule's verdict was compared with, and where it was wrong."""

    tried: int = 0
    evaluated: int = 0
    wrong: list[str] = field(default_factory=list)


Make = Callable[[Random], Sample]


def mill(
    rule: Any, make: Make, seed: str, enough: int = ENOUGH, most: int = 4000, until_wrong: bool = False
) -> Evidence:
    """Hand the rule samples until `enough` of its answers have been evaluated. `rule` may also make one of args."""
    evidence = Evidence()
    while evidence.evaluated < enough and evidence.tried < most and not (until_wrong and evidence.wrong):
        evidence.tried += 1
        sample = make(Random(f"{seed} {evidence.tried}"))
        if any(malformed(e) for e in sample.lines):
            continue
        made = rule if isinstance(rule, Rule | Stranger) else rule(*sample.args, **sample.keywords)
        look = _rewritten if len(sample.lines) == 1 else _decided
        for before, after, relation, world in look(made, sample):
            value = (sample.read or reading)(before, world)
            if value is None:
                continue
            other = reading(after, world)
            if other is None and sample.partial:
                continue
            evidence.evaluated += 1
            if other is None or not related(relation, value, other, sample.same):
                evidence.wrong.append(f"{before} = {value}, but {after} = {other} (not {relation})")
    return evidence


Case = tuple[Any, Make, list[Any]]  # a rule, what makes samples for it, and the same rule spoilt in several ways


def assert_sound(name: str, case: Case) -> None:
    rule, make, _ = case
    evidence = mill(rule, make, name)
    assert not evidence.wrong, evidence.wrong[0]
    assert evidence.evaluated >= ENOUGH, f"only {evidence.evaluated} of {evidence.tried} samples could be compared"


def assert_caught(name: str, case: Case, n: int) -> None:
    _, make, spoilt = case
    assert mill(spoilt[n], make, name, enough=5 * ENOUGH, until_wrong=True).wrong


def spoilt_rules(cases: dict[str, Case]) -> list[tuple[str, int]]:
    return [(name, n) for name, case in cases.items() for n in range(len(case[2]))]


def malformed(e: Any) -> bool:
    try:
        sort(e)
    except Malformed:
        return True
    return False


def _rewritten(rule: Rule, sample: Sample) -> Iterator[tuple[Any, Any, str, World]]:
    (e,) = sample.lines
    try:
        after = rule.rewrite(e, sample.context)
    except UNUSABLE:
        return
    if after != e:
        yield from ((e, after, "=", world) for world in sample.worlds)


def _decided(rule: Rule, sample: Sample) -> Iterator[tuple[Any, Any, str, World]]:
    try:
        before, after = (rule.rewrite(e, sample.context) for e in sample.lines)
        accepted = rule.decide(sample.relation, before, after, sample.context)
    except UNUSABLE:
        return
    if accepted:
        yield from ((*sample.lines, sample.relation, world) for world in sample.worlds)


def reading(e: Any, world: World) -> Any:
    """The value of e in the world, or None where it has none."""
    try:
        return evaluate(e, world)
    except (Undefined, Malformed):
        return None


def related(relation: str, left: Any, right: Any, same: Callable[[Any, Any], bool] = close) -> bool:
    if relation == "iff":
        return bool(left == right)
    if relation == "=":
        return same(left, right)
    low, high = (left, right) if relation in ("<", "<=") else (right, left)
    return bool(low < high) if relation in ("<", ">") else bool(low <= high or close(low, high))


@contextmanager
def spoiled(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    """With attributes of the kernel replaced: (module or class, name, replacement)."""
    patches = [patch.object(owner, name, replacement) for owner, name, replacement in changes]
    for p in patches:
        p.start()
    try:
        yield
    finally:
        for p in patches:
            p.stop()


@dataclass(frozen=True)
class Stranger:
    """Something that looks like a rule to these tests; to the kernel it is none."""

    name: str
    rewrite: Any = lambda e, _: e
    decide: Any = decide_by_algebra


def without(rule: Any, *changes: tuple[Any, str, Any]) -> Any:
    """The rule (or the maker of a rule) with one of its conditions taken away."""
    if not isinstance(rule, Rule):
        return lambda *args, **keywords: without(rule(*args, **keywords), *changes)

    def rewrite(e: Any, context: Context) -> Any:
        with spoiled(*changes):
            return rule.rewrite(e, context)

    def decide(relation: str, before: Any, after: Any, context: Context) -> bool:
        with spoiled(*changes):
            return rule.decide(relation, before, after, context)

    return Stranger(f"spoilt {rule.name}", rewrite, decide)


def replacing(name: str, kind: type, change: Any) -> Stranger:
    """A rule that rewrites every node of a kind by `change`, whatever its condition would have been."""

    def rewrite(e: Any, _: Context) -> Any:
        return e.replace(lambda node: isinstance(node, kind), change)

    return Stranger(name, rewrite)


def deciding(name: str, decide: Any) -> Stranger:
    """A rule that accepts what `decide` accepts."""
    return Stranger(name, decide=decide)
