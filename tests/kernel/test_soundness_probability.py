"""Laws of probability keep values: every rule against 200 random finite models; spoilt twins are caught."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import sympy as sp
from random_terms import (
    BOUND,
    CHAIN,
    INTEGRABLE,
    SUPPORT,
    Chain,
    Sample,
    T,
    a,
    assert_caught,
    assert_sound,
    b,
    c,
    chain_world,
    context,
    deciding,
    eps,
    probe,
    replacing,
    rise,
    spoilt_rules,
    t,
    without,
    x,
)

from derivations.kernel.algebra import Algebra
from derivations.kernel.dependence import is_member
from derivations.kernel.domain import Domain
from derivations.kernel.rules import probability
from derivations.kernel.rules.base import Context, Rule
from derivations.kernel.rules.inequalities import jensen, mass, rearrange, scaled, tangent, vanishing_mean
from derivations.kernel.rules.order import exponents
from derivations.kernel.rules.probability import bayes, definition, importance, linearity, total_probability, tower
from derivations.kernel.terms import (
    KL,
    AtMost,
    Density,
    Equal,
    Expect,
    LogDensity,
    LogJoint,
    Norm2,
    ProductTo,
    SameLaw,
    SumTo,
)
from derivations.rules import gibbs, zero_divergence

# --- what the rules are given -----------------------------------------------------------------------------------------


def anything(rng: Random) -> Sample:
    term = Chain(rng, clash=rng.random() < 0.1).term(rng.choice([1, 2, 2, 3]))
    return Sample(context(CHAIN, SUPPORT), [chain_world(rng.randrange(10**6))], (term,))


def averages(rng: Random) -> Sample:
    """Averages of averages, of sums and of products, under laws that agree more often than chance would have it."""
    make = Chain(rng, clash=rng.random() < 0.1)
    outer, body = make.law(()), make.term(rng.choice([1, 2]), (BOUND[0],))
    given = [*outer.variables, *outer.given] if rng.random() < 0.6 else make.some(())
    inner = Density(outer.args[0], make.some(()), given)
    term = Expect(outer, Expect(inner, body) if rng.random() < 0.6 else body)
    if body.has(BOUND[0]):
        term = SumTo(term, BOUND[0], *rng.choice([(1, T), (1, t), (t, T)]))
    return Sample(context(CHAIN), [chain_world(rng.randrange(10**6))], (term,))


def placed(rng: Random, term: Any) -> Any:
    """The term alone, or somewhere inside another one."""
    around = rng.choice(["alone", "sum", "plus", "E"])
    if around == "sum":
        return SumTo(term * BOUND[1], BOUND[1], 1, T)
    if around == "plus":
        return a * term + Chain(rng).leaf(())
    return Expect(Chain(rng).law(()), term) if around == "E" else term


def weights(rng: Random) -> Sample:
    """E_q(V|G) of p(V, X | H) / q(V | G), the sets overlapping or not, with or without common support."""
    make, supported = Chain(rng), rng.random() < 0.6
    law = make.law((), "q")
    rest = make.some((), 0) if rng.random() < 0.6 else []
    drawn = law.variables if rng.random() < 0.9 else make.some(())
    target = Density("p", [*drawn, *rest], make.some((), 0))
    term = placed(rng, Expect(law, sp.exp(LogDensity(target) - LogDensity(law))))
    world = chain_world(rng.randrange(10**6), zeros="" if supported else "q")
    return Sample(context(CHAIN, *([SUPPORT] if supported else [])), [world], (term,))


def totals(rng: Random) -> Sample:
    """E_q(Y|G) of q(X | Y, G), the sets overlapping or not."""
    make = Chain(rng)
    law = make.law(())
    given = [*law.variables, *law.given] if rng.random() < 0.8 else make.some(())
    inside = Density(law.args[0] if rng.random() < 0.9 else "p", make.some(()), given)
    term = placed(rng, Expect(law, sp.exp(LogDensity(inside))))
    return Sample(context(CHAIN), [chain_world(rng.randrange(10**6))], (term,))


def pair(rng: Random, conditions: int = 1) -> tuple[Density, Density]:
    """q and p over the same variables."""
    make = Chain(rng)
    law = make.law((), "q")
    return law, Density("p", law.variables, make.some((), 0) if conditions else law.given)


def sampled(rng: Random, lines: tuple[Any, Any], relation: str, worlds: int = 2, **more: Any) -> Sample:
    seeds = [rng.randrange(10**6) for _ in range(worlds)]
    return Sample(context(CHAIN, **more), [chain_world(s) for s in seeds], lines, relation)


def divergences_apart(rng: Random) -> Sample:
    """Two lines that differ by divergences with all kinds of factors, and sometimes by something else."""
    make, line = Chain(rng), Chain(rng).leaf(())
    gap = sp.S.Zero
    for _ in range(rng.choice([1, 1, 2])):
        divergence = KL(*pair(rng)[:: rng.choice([1, -1])])
        shape = rng.choice([divergence, Expect(make.law(()), divergence), SumTo(divergence, BOUND[0], 1, T)])
        gap += rng.choice([1, 1, 2, c, 1 - rise(1), a, -1, a**2, -c, b * c]) * shape
    if rng.random() < 0.2:
        gap += rng.choice([a, divergence**2, -Norm2(x(0))])
    relation = rng.choice(["<=", ">="])
    return sampled(rng, (line, sp.expand(line + gap if relation == "<=" else line - gap)), relation)


def logs_and_averages(rng: Random) -> Sample:
    """log E[u] and E[log u], for positive u and others, either way round, now and then under two laws."""
    law, other = pair(rng)
    body = rng.choice([1 + Norm2(x(0)), c + Norm2(x(t)), 2 - rise(1), a + Norm2(x(T)), rise(t) * c])
    if rng.random() < 0.7:
        body = sp.exp(rng.choice([LogDensity(other) - LogDensity(law), probe(x(t)), a * Norm2(x(t) - x(0))]))
    inside = body.args[0] if isinstance(body, sp.exp) else sp.log(body)
    inside = rng.choice([inside, inside, inside, inside + rng.choice([a, -1]), 2 * inside])
    sides = [sp.log(Expect(law, body)), Expect(law if rng.random() < 0.8 else other, inside)]
    swapped = rng.random() < 0.5
    return sampled(rng, tuple(sides[::-1] if swapped else sides), rng.choice(["<=", ">="]))


def tangents(rng: Random) -> Sample:
    """E[-log u] and E[1 - u] for u = exp(w), and lines that only look like it."""
    law, other = pair(rng)
    exponent = rng.choice([LogDensity(other) - LogDensity(law), probe(x(t)), a * Norm2(x(0)), LogDensity(other)])
    upper = Expect(law, -exponent if rng.random() < 0.8 else exponent)
    lower = Expect(law if rng.random() < 0.9 else other, rng.choice([1, 1, 1, 2]) - sp.exp(exponent))
    lines = (upper, lower) if rng.random() < 0.7 else (lower, upper)
    return sampled(rng, lines, rng.choice([">=", ">=", "<="]))


def masses(rng: Random) -> Sample:
    """Lines that differ by E_q[p/q] against the integral of p, q vanishing here and there."""
    make = Chain(rng)
    law = make.law((), "q")
    rest = make.some((), 0) if rng.random() < 0.3 else []
    target = Density("p", [*law.variables, *rest], make.some((), 0) if rng.random() < 0.5 else [])
    ratio = Expect(law, sp.exp(LogDensity(target) - LogDensity(law)))
    left = [v for v in target.variables if v not in law.variables]
    total = sp.exp(LogDensity(Density("p", left, target.given))) if left else sp.S.One
    if rng.random() < 0.3:
        lines = (sp.log(ratio), sp.log(total))
    else:
        factor, line = rng.choice([1, 2, c, a, -1]), make.leaf(())
        lines = (line + factor * ratio, line + factor * total)
    world = chain_world(rng.randrange(10**6), zeros="q")
    relation = rng.choice(["<=", "<=", ">="])
    return Sample(context(CHAIN), [world], lines if rng.random() < 0.8 else lines[::-1], relation)


def equal_laws(rng: Random) -> Sample:
    """A mean that vanishes exactly when two laws agree, and means that only look like it; p = q in half the worlds."""
    law, other = pair(rng, rng.random() < 0.3)
    log_weight = LogDensity(other) - LogDensity(law)
    convex = sp.exp(log_weight) - 1 - log_weight
    mean = Expect(law, convex) + rng.choice([0, 1 - Expect(law, sp.exp(log_weight))])
    odd = [
        Expect(law, log_weight),
        Expect(other, log_weight),
        KL(law, other),
        Expect(law, 1 - sp.exp(log_weight)),
        mean + 1,
    ]
    lines = (Equal(rng.choice([mean, mean, *odd]), rng.choice([0, 0, 0, 1])), SameLaw(law, other))
    if rng.random() < 0.3:
        lines = (Equal(*rng.sample([KL(law, other), sp.S.Zero], 2)), SameLaw(law, other))
    return with_equal_laws(sampled(rng, lines, "iff", 4))


def with_equal_laws(sample: Sample) -> Sample:
    for world in sample.worlds[::2]:
        world.laws["p"] = world.laws["q"]
    return sample


def equations(rng: Random) -> Sample:
    """Equations in two numbers, turned round, moved about, squared or scaled."""
    forms = [Equal(a, b), Equal(b, a), Equal(a - b, 0), Equal(-a, -b), Equal(a, -b), Equal(a + b, 0), Equal(a**2, b**2)]
    forms += [Equal(2 * a, a + b), Equal(2 * a, 2 * b), Equal(a * b, b), Equal(a, 0), Equal(0, -a), Equal(0, b - a)]
    return small(rng, Sample(context(CHAIN), [], (rng.choice(forms), rng.choice(forms)), "iff"))


def inequalities(rng: Random) -> Sample:
    """a <= b against its multiples by a factor of any sign."""
    factor = rng.choice([sp.S.One, sp.S(2), c, c / 3, a, -sp.S.One, -c, a**2, b, rise(1), c * a])
    other = rng.choice([factor, factor, sp.S.One, -factor])
    shift = rng.choice([0, c, a, -b])
    lines = (AtMost(a, b), AtMost(other * a + shift, other * b + shift))
    return small(rng, Sample(context(CHAIN), [], lines, "iff", args=(factor,)))


def small(rng: Random, sample: Sample) -> Sample:
    """Worlds whose numbers are so few that equations hold in some of them."""
    for _ in range(4):
        world = chain_world(rng.randrange(10**6), last=1)
        world.numbers |= {"a": rng.choice([-1, 0, 1]), "b": rng.choice([-1, 0, 1, 2])}
        sample.worlds.append(world)
    return sample


def products(rng: Random) -> Sample:
    """Products of exponentials over a range that may be empty, and sums and products of them."""
    make = Chain(rng)
    terms = [ProductTo(sp.exp(make.term(1, (BOUND[0],))), BOUND[0], *rng.choice([(1, T), (2, T), (1, t), (t + 1, T)]))]
    terms += [sp.exp(make.leaf(())) for _ in range(rng.choice([0, 1, 2]))]
    return Sample(context(CHAIN), [chain_world(rng.randrange(10**6))], (sp.Mul(*terms) + rng.choice([0, a]),))


# --- spoilt rules -----------------------------------------------------------------------------------------------------


class Whatever:
    """Equal to everything: a comparison that nobody made."""

    def __init__(self, *_: Any) -> None: ...

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


def swapped(node: Any) -> Any:
    p, q = node.args
    return Expect(q, LogDensity(p) - LogDensity(q))


def joint_alone(node: Any) -> Any:
    name, variables, _ = node.args[0].args
    return LogJoint(name, variables)


def factor_by_factor(node: Any) -> Any:
    law, body = node.args
    return sp.Mul(*[Expect(law, factor) for factor in sp.Mul.make_args(body)])


swapped_divergence = replacing("KL with its laws exchanged", KL, swapped)
lost_marginal = replacing("joint for conditional", LogDensity, joint_alone)
first_factor = replacing("E of a product, factor by factor", Expect, factor_by_factor)
lost_product = replacing("the last factor", ProductTo, lambda e: e.args[0].xreplace({e.args[1]: e.args[3]}))
only_by_name = without(linearity, (probability, "may_depend", lambda e, variables, *_: e.has(*variables)))
any_conditions = without(tower, (probability, "variable_set", Whatever))
undecided_is_no = without(tower, (probability, "is_member", lambda *args: bool(is_member(*args))))
no_support = without(importance, (Context, "require", lambda self, name: INTEGRABLE))
overlapping = (probability, "_disjoint", lambda *_: True)
signless = (Algebra, "sign", lambda *_: "+")


OTHER = {"<=": ">=", ">=": "<=", "iff": "iff"}


def backwards(rule: Rule) -> Rule:
    return deciding(f"{rule.name}, the wrong way", lambda rel, p, f, ctx: rule.decide(OTHER[rel], p, f, ctx))


def same_law_of_anything(relation: str, previous: Any, following: Any, ctx: Context) -> bool:
    return isinstance(previous, Equal) and isinstance(following, SameLaw)


def equal_squares(relation: str, previous: Any, following: Any, ctx: Context) -> bool:
    (p, q), (r, s) = previous.args, following.args
    return Algebra(Domain()).is_zero(p**2 - q**2 - r**2 + s**2)


def tangent_either_way(relation: str, previous: Any, following: Any, ctx: Context) -> bool:
    return isinstance(following, Expect) and tangent.decide(">=", previous, following, ctx)


def tangent_below(relation: str, previous: Any, following: Any, ctx: Context) -> bool:
    return tangent.decide(">=", following, previous, ctx)


any_total = without(total_probability, (probability, "variable_set", Whatever))
any_mean = deciding("any mean", same_law_of_anything)
any_weight = without(mass, (Algebra, "sign", lambda *_: "-"))

CASES: dict[str, tuple[Any, Any, list[Any]]] = {
    "definition": (definition, anything, [swapped_divergence]),
    "bayes": (bayes, anything, [lost_marginal]),
    "linearity": (linearity, anything, [only_by_name, first_factor]),
    "linearity of nested averages": (linearity, averages, [only_by_name, first_factor]),
    "tower": (tower, averages, [any_conditions, undecided_is_no]),
    "importance": (importance, weights, [no_support, without(importance, overlapping)]),
    "total_probability": (total_probability, totals, [without(total_probability, overlapping), any_total]),
    "gibbs": (gibbs, divergences_apart, [without(gibbs, signless), backwards(gibbs), without(gibbs, overlapping)]),
    "jensen": (jensen, logs_and_averages, [backwards(jensen)]),
    "tangent": (tangent, tangents, [deciding("<= and >=", tangent_either_way), deciding("<=", tangent_below)]),
    "mass": (mass, masses, [any_weight, backwards(mass), without(mass, overlapping)]),
    "vanishing_mean": (vanishing_mean, equal_laws, [any_mean]),
    "zero_divergence": (zero_divergence, equal_laws, [any_mean]),
    "rearrange": (rearrange, equations, [deciding("equal squares", equal_squares)]),
    "scaled": (scaled, inequalities, [without(scaled, signless)]),
    "exponents": (exponents, products, [lost_product]),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", CASES)
def test_the_value_is_the_same_in_every_model(name: str) -> None:
    assert_sound(name, CASES[name])


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("name", "n"), spoilt_rules(CASES))
def test_a_rule_without_its_condition_is_caught(name: str, n: int) -> None:
    assert_caught(name, CASES[name], n)


def test_the_limits_of_the_language_are_met_on_the_way() -> None:
    """The generators reach the places where mistakes hide: clashing indices, overlapping sets, empty sums, T = 1."""
    rngs = [Random(n) for n in range(400)]
    drawn = [anything(rng).lines[0] for rng in rngs]
    assert sum(term.has(SumTo) and t in {s.args[1] for s in term.atoms(SumTo)} for term in drawn) >= 3
    assert sum(bool(term.atoms(Expect)) for term in drawn) >= 100
    assert sum(any(set(d.variables) & set(d.given) for d in term.atoms(Density)) for term in drawn) >= 10
    assert sum(chain_world(n).numbers["T"] == 1 for n in range(400)) >= 50
    assert not any(term.has(eps) for term in drawn)
