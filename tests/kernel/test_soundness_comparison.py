"""Order passed on, inequalities as lemmas, forms and powers: what is accepted holds in models; spoilt twins do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import Any

import pytest
import sympy as sp
from random_terms import (
    BOUND,
    CHAIN,
    Case,
    Chain,
    Said,
    Sample,
    T,
    a,
    assert_caught,
    assert_sound,
    b,
    chain_world,
    context,
    gauss_world,
    probe,
    spoilt_rules,
    t,
    u,
    v,
    w,
    without,
    z,
)

from derivations.kernel import forms, lowering, powers
from derivations.kernel.algebra import Algebra
from derivations.kernel.definedness import conditions, discharge
from derivations.kernel.domain import NONNEGATIVE, POSITIVE, REAL, UNIT, UNIT_WITH_ONE, Domain, Interval
from derivations.kernel.hypotheses import ASSUMPTIONS, Hypothesis
from derivations.kernel.rules import comparison, lemmas, vectors
from derivations.kernel.rules import draws as draws_room
from derivations.kernel.rules.base import algebra
from derivations.kernel.rules.comparison import last_term, log_tangent, monotone, ordered_above, squares
from derivations.kernel.rules.draws import one_draw
from derivations.kernel.rules.order import positivity
from derivations.kernel.rules.vectors import vector_linearity
from derivations.kernel.terms import (
    Block,
    Density,
    Expect,
    Inner,
    LogDensity,
    Mean,
    Norm2,
    Normal,
    ProductTo,
    SumTo,
    draws,
    scalar_function,
)
from derivations.refutation import laws
from derivations.refutation.laws import number as number_of
from derivations.refutation.worlds import World, draw_in

loose = scalar_function("loose")
r, s, i = BOUND
PLACES = [POSITIVE, NONNEGATIVE, UNIT, UNIT_WITH_ONE, REAL, Interval(sp.S(-2), sp.S(3))]


def drawn(rng: Random, places: dict[str, Interval], last: int) -> World:
    """Numbers of the intervals, at closed ends now and then; loose(1), loose(2), ... likewise; vectors of one size."""

    def number(where: Interval) -> Fraction:
        ends = [end for end, is_open in ((where.lo, where.open_lo), (where.hi, where.open_hi)) if not is_open]
        if ends and rng.random() < 0.3:
            return Fraction(str(ends[0]))
        return draw_in(where, rng)

    world = gauss_world(rng.randrange(10**6))
    world.numbers |= {"T": last, "t": rng.randint(1, last), **{name: number(where) for name, where in places.items()}}
    table = [number(places["loose"]) for _ in range(40)]
    world.families["loose"] = lambda n: number_of(table[int(n)])
    return world


def sampled(rng: Random, lines: tuple[Any, ...], relation: str = "=", **more: Any) -> Sample:
    """Two lines with their own conditions met, in three worlds."""
    places = {name: rng.choice(PLACES) for name in ("a", "b", "loose")}
    first = rng.choice([0, 1, 1])
    domain = Domain(places, {T: (first, sp.oo), t: (1, T)} if first else {T: (0, sp.oo)})
    made = context(domain, **more)
    return Sample(made, [drawn(rng, places, max(first, last)) for last in (1, 2, 4)], lines, relation, partial=True)


def written(sample: Sample) -> Sample:
    """The same, or no lines at all where one of them has no value somewhere on the domain."""
    try:
        for e in sample.lines:
            discharge(conditions(sp.sympify(e), sample.context.domain), True)
    except ValueError:
        return replace(sample, worlds=[])
    return sample


# --- what passes an order on ------------------------------------------------------------------------------------------


def passed_on(rng: Random) -> Sample:
    """Two parts under the same outermost operations, which keep their order, or turn it, or do neither."""
    letters = [a, b, loose(1), loose(s), 1 + a**2, Norm2(u), a * b, sp.S(2)]
    small = rng.choice(letters) + rng.choice([0, 0, 1, 2])
    gap = rng.choice([a**2, b**2 + 1, loose(s) ** 2, Norm2(u - v), 1 - a, a, b, loose(s), sp.S.One])
    one, two = small, small + gap
    for _ in range(rng.choice([1, 1, 2, 3])):
        k, law = rng.choice([a, -a, b, sp.S(-1), sp.S(2), 1 + b**2]), Normal(z, u, 1)
        around: list[Callable[[Any], Any]] = [
            lambda e: sp.log(e + 1),
            lambda e: sp.log(e),
            sp.exp,
            lambda e: sp.sqrt(e),
            lambda e: e**2,
            lambda e: 1 / e,
            lambda e: k * e,  # noqa: B023
            lambda e: e + k,  # noqa: B023
            lambda e: SumTo(e, s, 1, T) if e.has(s) or rng.random() < 0.5 else e,
            lambda e: ProductTo(e, s, 1, T),
            lambda e: Expect(law, e * Inner(z, z)),  # noqa: B023
            lambda e: Expect(law, e + Inner(z, v)),  # noqa: B023
        ]
        f = rng.choice(around)
        one, two = f(one), f(two)
    if one.has(s) and not one.has(SumTo, ProductTo):
        one, two = SumTo(one, s, 1, T), SumTo(two, s, 1, T)
    relation = rng.choice(["<", "<=", "<=", ">", ">="])
    if any(e.atoms(Expect) and e.has(sp.log, sp.exp) for e in (one, two)):
        return Sample(context(Domain()), [], (one, two), relation)  # no closed mean to read
    return written(sampled(rng, (one, two), relation))


def squared(rng: Random) -> Sample:
    large = rng.choice([a, b, sp.Abs(a) + 1, sp.sqrt(Norm2(u)) * sp.sqrt(Norm2(v)), sp.sqrt(1 + a**2), a + 1])
    small = rng.choice([Inner(u, v), -Inner(u, v), a, -a, b, sp.Abs(a), sp.S.One, a * b])
    lines = (small, large) if rng.random() < 0.5 else (large, small)
    return written(sampled(rng, lines, rng.choice(["<", "<=", ">", ">="])))


def tangents(rng: Random) -> Sample:
    e = rng.choice([a, b, loose(1), 1 + a**2, a * b, 1 / a, sp.exp(a), a / b])
    other = e - rng.choice([1, 1, 1, 0, 2])
    lines, relation = ((sp.log(e), other), "<=") if rng.random() < 0.7 else ((other, sp.log(e)), ">=")
    return written(sampled(rng, lines, relation))


# --- inequalities as lemmas -------------------------------------------------------------------------------------------

LEMMAS = (
    Said(sp.log(a), "<=", a - 1, Domain({"a": POSITIVE}), ()),
    Said(a**2, "<", a, Domain({"a": UNIT}), ()),
    Said(1 / a, ">=", 2 - a, Domain({"a": POSITIVE}), ()),
    Said(t, ">=", sp.S(2), Domain({}, {t: (2, sp.oo)}), ()),
)


def lemma_instances(rng: Random) -> Sample:
    lemma = rng.choice(LEMMAS)
    key = t if lemma.lhs.has(t) else a
    value = rng.choice([T, T + 1, sp.S(2), t]) if key == t else rng.choice([a, b, a * b, 1 + b**2, loose(1), -a, 1 / b])
    times = rng.choice([sp.S.One, a, b, b**2, sp.S(-1), 1 + a**2, loose(1)])
    small, large = (side.xreplace({key: value}) for side in (lemma.lhs, lemma.rhs))
    relation = lemma.relation if rng.random() < 0.7 else rng.choice(["<", "<=", ">", ">="])
    base = rng.choice([sp.S.Zero, b, loose(2)])
    lines: tuple[Any, ...] = (base, base + times * (large - small))
    if rng.random() < 0.3:
        lines = tuple(reversed(lines))
    sample = written(sampled(rng, lines, relation))
    sample.context.above = {0: lemma}
    return replace(sample, args=(0, {key: value}, times))


# --- last terms, forms, powers ----------------------------------------------------------------------------------------


def last_terms(rng: Random) -> Sample:
    end = rng.choice([T, T, T + 1, sp.S(3), t])
    body = rng.choice([loose(s), a * s, loose(s) * loose(T), SumTo(loose(r) * s, r, 1, end), a**2])
    e = rng.choice([SumTo, ProductTo])(body, s, rng.choice([1, 1, 2, T]), end)
    sample = sampled(rng, (e * rng.choice([1, b]) + rng.choice([0, a]),))
    return replace(sample, args=(end,), partial=False)


def quadratic_forms(rng: Random) -> Sample:
    """Squares of vectors and of numbers with random coefficients, many of them indefinite."""
    vectors = [u, v, w]
    k = [rng.choice([sp.S(1), sp.S(2), a, b, 1 + a**2, sp.S(-1)]) for _ in range(3)]
    square = Norm2(sp.Add(*[c * e for c, e in zip(k, vectors, strict=True)]))
    choices = [
        square - rng.choice([0, 0, 1, a**2]) * Norm2(u) + rng.choice([0, Norm2(v), -Inner(u, v)]),
        2 * Norm2(u) + rng.choice([1, 2]) * Norm2(v) - rng.choice([1, 2, 3]) * Inner(u, v),
        Norm2(u) * Norm2(v) - rng.choice([1, 1, 2]) * Inner(u, rng.choice([v, v, w])) ** 2,
        rng.choice([1, 2]) * a**2 + rng.choice([-1, 1, 3]) * a * b + rng.choice([1, 0]) * b**2 + rng.choice([0, 1]),
        a**3 + b**3 - rng.choice([0, a * b]),
        Norm2(u - v) + a**2 - rng.choice([1, 2, 3]) * a + 1,
        SumTo(rng.choice([loose(s) ** 2, a * loose(s), loose(s)]), s, 1, T),
        ProductTo(rng.choice([loose(s) ** 2, a, loose(s), 1 + loose(s) ** 2]), s, 1, T),
        Expect(Normal(z, u, 1), rng.choice([Norm2(z - v), Inner(z, v), a * Norm2(z), 1 + Inner(z, u) ** 2])),
    ]
    gap = rng.choice(choices) * rng.choice([1, 1, a, sp.S(-1)])
    line = rng.choice([sp.S.Zero, a])
    return sampled(rng, (line, line + gap), rng.choice(["<", "<=", ">", ">="]))


def integer_powers(rng: Random) -> Sample:
    base, other = rng.choice([a, b, 2 * a, a * b, 1 - a, a / 2, -a]), rng.choice([a, b, sp.S(3)])
    n = rng.choice([T, T - 1, T + 1, 2 * T, t, T - t])
    pairs = [
        (base ** (n + 1), base * base**n),
        (base ** (n - 1), base**n / base),
        ((base * other) ** n, base**n * other**n),
        (base ** (2 * n), (base**n) ** 2),
        (base**n * base**T, base ** (n + T)),
        (sp.sqrt(base ** (2 * n)), base**n),
        (base**n, base ** (n + rng.choice([0, 1]))),
        (base**n * base ** (-n), sp.S.One),
        ((-base) ** n, base**n),
    ]
    return written(sampled(rng, rng.choice(pairs)))


def power_signs(rng: Random) -> Sample:
    n = rng.choice([T, T + 1, t, T - t])
    gap = rng.choice([1 - a**n, a**n, 1 - a**n * b, a**n + 1, 1 + b**n, a ** (2 * n), SumTo(a**s, s, 1, T), 1 - a**s])
    if gap.has(s) and not gap.has(SumTo):
        gap = SumTo(gap, s, 1, T)
    return written(sampled(rng, (sp.S.Zero, gap), rng.choice(["<", "<=", ">"])))


# --- vectors under any law --------------------------------------------------------------------------------------------


def vector_means(rng: Random) -> Sample:
    """Means of quadratic terms over a chain of bits, the mean of a conditional law among them."""
    made = Chain(rng)
    law, one, two = made.law(()), made.member(()), made.member(())
    (first, *_) = law.variables
    inner = [made.law(()) for _ in range(2)]
    centres = [
        u,
        two,
        *(Mean(one) for one in inner if len(one.variables) == 1 and not isinstance(one.variables[0], Block)),
    ]
    centre = rng.choice(centres)
    drawn = one if isinstance(first, Block) else first
    body = rng.choice(
        [Norm2(drawn - centre), Inner(drawn, centre), Inner(drawn + a * u, centre) * b, Inner(drawn, two) * probe(one)]
    )
    e = Expect(law, body + rng.choice([0, probe(two)]))
    if rng.random() < 0.3:
        e = Inner(Expect(law, a * drawn + rng.choice([centre, u])), v)
    return Sample(context(CHAIN), [chain_world(rng.randrange(10**6)) for _ in range(2)], (e,))


# --- draws ------------------------------------------------------------------------------------------------------------

sample = draws("sound_sample", z)
ALIKE = Hypothesis("alike draws", ASSUMPTIONS["alike draws"])


def several_draws(rng: Random) -> Sample:
    """Means over one draw, alone or beside the variable and other draws, in tables where all draws are alike."""
    k = rng.choice([1, 2])
    name, others = rng.choice("pq"), [w, u, z, sample(3 - k)]
    given = rng.sample(others[: rng.choice([2, 2, 4])], rng.choice([0, 1]))
    body = rng.choice(
        [probe(sample(k)), LogDensity(Density("p", [sample(k), w])), Norm2(sample(k) - rng.choice(others))]
    )
    e = Expect(Density(name, sample(k), given), body * rng.choice([1, a]) + rng.choice([0, probe(rng.choice(others))]))
    world = chain_world(rng.randrange(10**6))
    keys = (("u",), ("w",), ("z",), ("sound_sample", 1), ("sound_sample", 2))
    world.laws = {name: laws.alike_table(rng, keys, {"sound_sample": ("z",)}) for name in "pq"}
    world.finite, world.vectors = frozenset({"u", "w", "z", "sound_sample"}), {}
    return Sample(context(CHAIN, ALIKE), [world], (e,))


# --- spoilt rules -----------------------------------------------------------------------------------------------------

plus = lambda *_: "+"  # noqa: E731
factors = powers.in_factors


def without_sign(self: Any, base: Any) -> Any:
    rational, found = factors(self, base)
    return abs(rational), found


any_sign: list[Any] = [(Algebra, "sign", plus)]


CASES: dict[str, Case] = {
    "monotone": (
        monotone(positivity),
        passed_on,
        [
            without(monotone(positivity), (comparison, "_smaller_sign", plus)),
            without(monotone(positivity), (comparison, "TURNED", {r: r for r in comparison.ORDERS})),
        ],
    ),
    "squares": (squares(positivity), squared, [without(squares(positivity), *any_sign)]),
    "log tangent": (log_tangent, tangents, []),
    "ordered": (
        ordered_above,
        lemma_instances,
        [
            without(ordered_above, (lemmas, "_check_values", lambda *_: None)),
            without(ordered_above, (lemmas, "check_range", lambda *_: None)),
            without(ordered_above, *any_sign),
        ],
    ),
    "last term": (last_term, last_terms, [without(last_term, (Domain, "at_least_zero", lambda *_: True))]),
    "vectors": (
        vector_linearity,
        vector_means,
        [without(vector_linearity, (vectors, "is_member", lambda *_: False))],
    ),
    "draws": (one_draw, several_draws, [without(one_draw, (draws_room, "_drawn_from_others", lambda *_: False))]),
    "forms": (
        positivity,
        quadratic_forms,
        [
            without(positivity, (forms, "is_semidefinite", lambda *_: True)),
            without(positivity, (forms, "_gram", lambda f, m: "0+" if forms._products(f, m) else None)),
            without(positivity, (Algebra, "sign_of_whole", plus)),
            without(positivity, (Algebra, "_sign_of_whole_fraction", plus)),
        ],
    ),
    "powers": (algebra, integer_powers, [without(algebra, (powers, "in_factors", without_sign))]),
    "signs of powers": (
        positivity,
        power_signs,
        [without(positivity, (lowering, "power_interval", lambda *_: UNIT))],
    ),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", CASES)
def test_what_is_accepted_holds_in_every_model(name: str) -> None:
    assert_sound(name, CASES[name])


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("name", "n"), spoilt_rules(CASES))
def test_a_rule_without_its_condition_is_caught(name: str, n: int) -> None:
    assert_caught(name, CASES[name], n)
