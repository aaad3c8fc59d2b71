"""Signs, induction, limits, derivatives, numerics: what is accepted holds in random models; spoilt twins are caught."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

import pytest
import sympy as sp
from mpmath import iv
from random_terms import (
    BOUND,
    CHAIN,
    INTERCHANGE,
    Gaussian,
    Sample,
    T,
    a,
    assert_caught,
    assert_sound,
    b,
    c,
    context,
    deciding,
    gauss_world,
    probe,
    reading,
    spoilt_rules,
    t,
    u,
    v,
    w,
    without,
    z,
)

from derivations.kernel import definedness
from derivations.kernel.algebra import Algebra
from derivations.kernel.domain import NONNEGATIVE, NONZERO, POSITIVE, REAL, UNIT, UNIT_WITH_ONE, Domain, Interval
from derivations.kernel.rules import calculus, order
from derivations.kernel.rules.base import Context, Rule
from derivations.kernel.rules.calculus import differentiation, interchange
from derivations.kernel.rules.order import continuity, induction, interval_arithmetic, positivity
from derivations.kernel.terms import (
    DIM,
    At,
    Coord,
    D,
    DiagonalNormal,
    Expect,
    Hadamard,
    Inner,
    Norm2,
    Normal,
    ProductTo,
    Ratio,
    Rounded,
    SumTo,
    scalar,
    scalar_function,
)
from derivations.refutation.evaluate import evaluate
from derivations.refutation.laws import mp
from derivations.refutation.laws import number as number_of
from derivations.refutation.worlds import World, draw_in

phi = scalar("phi")
loose = scalar_function("loose")
N = sp.Symbol("N", integer=True, positive=True)
r, s, i = BOUND

# --- signs ------------------------------------------------------------------------------------------------------------

PLACES = [UNIT, UNIT_WITH_ONE, POSITIVE, NONNEGATIVE, NONZERO, REAL]
PLACES += [Interval(sp.S(-2), sp.S(3)), Interval(sp.S.One, sp.S(4))]


def inequalities(rng: Random) -> Sample:
    """Two rational expressions over random intervals, often near the edge of what is true."""
    places = {name: rng.choice(PLACES) for name in ("a", "b", "loose")}
    letters = [a, b, 1 - a, 1 - b, 1 + b, a * b, a - b, loose(1), loose(2), 1 - loose(1), sp.sqrt(1 + a**2)]
    letters += [t, T - t, sp.S(2)]

    def product() -> Any:
        return sp.Mul(*[rng.choice(letters) ** rng.choice([1, 1, 2]) for _ in range(rng.choice([1, 1, 2]))])

    gap = product() + rng.choice([0, 0, product(), rng.randint(-2, 2), rng.randint(0, 3)])
    if rng.random() < 0.3:
        gap = gap / (1 + rng.choice([a**2, b**2, loose(1) ** 2]))
    line = rng.choice([sp.S.Zero, a, b * loose(2)])
    domain = Domain(places, {T: (1, sp.oo), t: (1, T)})
    worlds = [number_world(rng, places) for _ in range(3)]
    relation = rng.choice(["<", "<=", ">", ">="])
    return Sample(context(domain), worlds, (line, line + gap if "<" in relation else line - gap), relation)


def number_world(rng: Random, places: dict[str, Interval]) -> World:
    """Numbers of the intervals, at their closed ends and close to the open ones too."""

    def number(interval: Interval) -> Fraction:
        ends = [(interval.lo, interval.open_lo, 1), (interval.hi, interval.open_hi, -1)]
        finite = [(end, is_open, side) for end, is_open, side in ends if end.is_finite]
        if finite and rng.random() < 0.4:
            end, is_open, side = rng.choice(finite)
            return Fraction(int(end)) + (Fraction(side, 10**6) if is_open else 0)
        return draw_in(interval, rng)

    last = rng.choice([1, 2, 5])
    drawn = World(1, rng.randrange(10**6), {"T": last, "t": rng.choice([1, last])})
    drawn.numbers |= {name: number(interval) for name, interval in places.items() if name != "loose"}
    table = [number(places.get("loose", REAL)) for _ in range(60)]
    drawn.families["loose"] = lambda n: number_of(table[int(mp.ceil(n))])  # jumps after every integer
    return drawn


# --- induction --------------------------------------------------------------------------------------------------------


def inductions(rng: Random) -> Sample:
    """Sums against closed forms, shifted sums and telescoped ones, some of them wrong, some starting too late."""
    lo = rng.choice([1, 1, 1, 2, 2, 3, 5])
    closed = {
        sp.S.One: T - lo + 1,
        s: T * (T + 1) / 2 - sp.Rational(lo * (lo - 1), 2),
        loose(s) - loose(s - 1): loose(T) - loose(lo - 1),
        s**2: T * (T + 1) * (2 * T + 1) / 6 - sum(n * n for n in range(lo)),
        loose(s) * a: a * SumTo(loose(s + 1), s, lo - 1, T - 1),
        loose(s) + a: SumTo(loose(s), s, lo, T) + a * (T - lo + 1),
        loose(s + 1): SumTo(loose(s), s, lo, T) - loose(lo) + loose(T + 1),
        sp.sqrt((T - s) ** 2): T * (T + 1) / 2,
    }
    body, other = rng.choice(list(closed.items()))
    ends = rng.choice([lo, lo, lo, lo + 1]), rng.choice([T, T, T, T + 1, T - 1])
    previous = rng.choice([1, 1, a]) * SumTo(body, s, *ends)
    following = other + rng.choice([0, 0, 0, 1, a, T - 1, loose(T), -a * T])
    if rng.random() < 0.2:  # the bound of another index grows with T
        previous, following = (t + T - sp.sqrt((T - t) ** 2)) / 2 - 1 + previous, following
    if rng.random() < 0.2:
        law = Normal(z, u, 1)
        previous, following = Expect(law, previous * Inner(z, u)), Expect(law, following * Inner(z, u))
    start = rng.choice([1, 1, lo])
    domain = Domain({"loose": REAL}, {T: (rng.choice([1, 1, lo]), sp.oo), t: (1, T)})
    first = domain.indices[T][0]
    worlds = []
    for last in {first, first + 1, first + 4}:
        drawn = number_world(rng, {"loose": REAL, "a": REAL})
        drawn.numbers |= {"T": last, "t": rng.randint(1, last)}
        worlds.append(drawn)
    return Sample(context(domain), worlds, (previous, following), args=(T, start))


# --- limits -----------------------------------------------------------------------------------------------------------


def limits(rng: Random) -> Sample:
    """Limits at inner points, at open ends and at poles; of sums and roots, and of functions nobody knows."""
    interval = rng.choice([POSITIVE, UNIT, NONZERO, REAL])
    value = rng.choice([sp.S.Zero, sp.S.One, a, sp.Rational(1, 2)])
    inner = rng.choice([phi, 1 - phi, phi + c, phi**2, phi - a])
    hidden_zero = (a + 1 + phi) * b - a * b - b
    bodies = [sp.sqrt(inner), 1 / inner, sp.log(inner), sp.exp(inner), inner**3, sp.sqrt(inner**2) / inner]
    bodies += [Ratio(phi, inner), Ratio(phi, hidden_zero), SumTo(inner * loose(s) ** 2, s, 1, T), sp.Abs(inner) + inner]
    bodies += [ProductTo(1 + inner**2 * s, s, 1, T), Norm2(u - inner * v), Coord(inner * u, 1) * a, loose(phi)]
    bodies += [Expect(Normal(z, inner * u, 1), probe(z))]
    body = rng.choice(bodies)
    domain = Domain({"phi": interval, "c_plus": POSITIVE}, {T: (1, sp.oo)})
    worlds = [number_world(rng, {"loose": REAL, "a": REAL, "b": REAL, "c_plus": POSITIVE}) for _ in range(2)]
    e = At(body, phi, value) * rng.choice([1, b]) + rng.choice([0, a])
    return Sample(context(domain), worlds, (e,), read=partial(approached, interval), same=nearly)


def approached(interval: Interval, e: Any, world: World) -> Any:
    """e with its limit read next to the point, on the side where the domain is, instead of at it."""
    (limit,) = e.atoms(At)
    body, symbol, value = limit.args
    for step in (mp.mpf(10) ** -14, -(mp.mpf(10) ** -14)):
        place = evaluate(value, world) + step
        if interval.contains(place):
            return reading(e.xreplace({limit: body}), replace(world, numbers={**world.numbers, symbol.name: place}))
    return None


def nearly(left: Any, right: Any) -> bool:
    """Equal up to what a step of 1e-14 can change, under a square root too."""
    return abs(left - right) <= mp.mpf(10) ** -5 * max(1, abs(right))


# --- derivatives ------------------------------------------------------------------------------------------------------


def derivatives(rng: Random) -> Sample:
    """Derivatives by a number, by a coordinate, by a family's member, of everything that can be written."""
    wrt = rng.choice([phi, phi, phi, Coord(z, 1), Coord(z, i), loose(t)])
    own = wrt if not isinstance(wrt, Coord) else rng.choice([wrt, Coord(z, 1), Coord(z, i)])
    vectors = [phi * u + v, phi**2 * u, z, z - phi * u, Hadamard(z, u)]
    bodies = [own, own**3, sp.sqrt(1 + own**2), sp.log(1 + own**2), sp.exp(a * own), 1 / (1 + own**2), a, b * own]
    bodies += [Norm2(rng.choice(vectors)), Inner(rng.choice(vectors), u), probe(rng.choice(vectors))]
    bodies += [Coord(rng.choice(vectors), 1), Ratio(phi, 1 + phi**2), SumTo(own * s, s, 1, T)]
    bodies += [SumTo(Coord(z, s) ** 2 * Coord(u, s), s, 1, DIM), SumTo(Coord(z, s) * Coord(z, 1), s, 1, DIM)]
    bodies += [SumTo(loose(s) ** 2 * phi, s, 1, T), SumTo(loose(s) * loose(s + 1), s, 1, T)]
    body = sp.Add(rng.choice([0, a]), sp.Mul(*rng.sample(bodies, rng.choice([1, 1, 2]))))
    if rng.random() < 0.2:
        body = sp.exp(body / 9)
    e = D(body, wrt)
    if rng.random() < 0.1:
        e = Inner(D(rng.choice(vectors) * own, wrt), v)
    domain = Domain({"loose": REAL}, {T: (1, sp.oo), t: (1, T), DIM: (1, sp.oo), i: (1, DIM)})
    drawn = gauss_world(rng.randrange(10**6))
    drawn.numbers |= {
        "phi": Fraction(rng.randint(-9, 9), 7),
        "T": 2,
        "t": rng.choice([1, 2]),
        "i": rng.randint(1, drawn.d),
    }
    table = [mp.mpf(rng.randint(-9, 9)) / 5 for _ in range(9)]
    drawn.families["loose"] = lambda n: table[int(n)]
    return Sample(context(domain, INTERCHANGE), [drawn], (e * rng.choice([1, b]),))


def moved_inside(rng: Random) -> Sample:
    """Derivatives of averages, by a parameter of the body, of the law, of both; by a coordinate of what is averaged."""
    make = Gaussian(rng)
    mean = rng.choice([u, u, phi * u, make.vector()])
    varied = Normal(z, mean, rng.choice([sp.S.One, c, 1 + phi**2]))
    law = rng.choice([varied, varied, DiagonalNormal(z, s, phi, c, DIM), Normal(z, u, 2)])
    inside = [make.leaf(z) * phi**2, Inner(z, phi * u), Norm2(z - phi * v), Coord(z, 1) ** 2 * phi, Norm2(w - z)]
    body = rng.choice(inside) + rng.choice([0, make.leaf(z)])
    wrt = rng.choice([phi, phi, phi, Coord(z, 1), Coord(w, 1)])
    drawn = gauss_world(rng.randrange(10**6), 1)
    drawn.numbers["phi"] = Fraction(rng.randint(-9, 9), 7)
    known = [INTERCHANGE] if rng.random() < 0.9 else []
    return Sample(context(CHAIN, *known), [drawn], (D(Expect(law, body), wrt) * rng.choice([1, a]),))


# --- numerics ---------------------------------------------------------------------------------------------------------


def decimals(rng: Random) -> Sample:
    """Closed numbers against their digits, right to the last or off by one unit there."""

    def closed(depth: int) -> Any:
        if depth == 0:
            return rng.choice([sp.Rational(rng.randint(1, 99), rng.randint(1, 99)), sp.pi, sp.S(rng.randint(2, 9))])
        one, two = closed(depth - 1), closed(depth - 1)
        step = sp.Rational(rng.randint(1, 9), 1000)
        choices = [one + two, one - two, one * two, one / (two or sp.S(7)), (one or sp.S(7)) ** -2]
        choices += [sp.sqrt(one**2 + 1), sp.log(1 + one**2)]
        choices += [sp.exp(-(one**2) / 99), SumTo(1 / (one**2 + s), s, 1, rng.randint(0, 30))]
        choices += [ProductTo(1 - step * s, s, 1, rng.randint(1, 30))]
        return rng.choice(choices)

    number = closed(rng.choice([1, 2]))
    value = evaluate(number, World())
    places = rng.randint(2, 12)
    digits = mp.nstr(value, 25)
    exact = sp.Rational(digits) if "e" not in digits else sp.Rational(0)
    unit = sp.Rational(1, 10**places)
    shown = (round(exact / unit) + rng.choice([0, 0, 1, -1, 2])) * unit
    radius = unit / 2
    half = mp.mpf(int(radius.p)) / int(radius.q) + mp.mpf(10) ** -25
    lines = (number, Rounded(shown, radius))
    return Sample(context(Domain()), [World()], lines, same=lambda left, right: abs(left - right) <= half)


# --- spoilt rules -----------------------------------------------------------------------------------------------------


def anything_weak(relation: str, previous: Any, following: Any, ctx: Context) -> bool:
    sign = Algebra(ctx.domain).sign(following - previous)
    return sign is not None and sign.strip("0") in (("+", "") if "<" in relation else ("-", ""))


def without_step(over: Any, start: Any) -> Rule:
    def decide(relation: str, previous: Any, following: Any, ctx: Context) -> bool:
        return Algebra(ctx.domain.without(over)).is_zero((previous - following).xreplace({over: sp.sympify(start)}))

    return deciding("induction without a step", decide)


def without_base(over: Any, start: Any) -> Rule:
    def decide(relation: str, previous: Any, following: Any, ctx: Context) -> bool:
        gap = previous - following
        inside = ctx.domain.with_index(over, start, sp.oo)
        growth = order._split_last(gap.xreplace({over: over + 1}), over, Context(inside)) - gap
        return Algebra(inside).is_zero(growth)

    return deciding("induction without a base", decide)


some_last_term = without(induction, (Domain, "at_least_zero", lambda *_: True))
bounds_kept = without(induction, (Domain, "without", lambda self, index: self))


def single_precision(relation: str, previous: Any, following: Any, ctx: Context) -> bool:
    centre, radius = (float(q) for q in following.args)
    return abs(float(evaluate(previous, World())) - centre) <= radius + 1e-6


def lower_end_only(relation: str, previous: Any, following: Any, ctx: Context) -> bool:
    centre, radius = following.args
    iv.dps = 60
    return bool(order.enclosure(previous).a >= order._exact(centre - radius).b)


plain_mention = without(differentiation, (calculus, "may_vary", lambda e, wrt: e.has(wrt)))
free_law = without(interchange, (calculus, "may_vary", lambda *_: False), (calculus, "may_touch", lambda *_: False))
unseen_poles = without(continuity, (order, "holds", lambda *_: True))
known_limits = without(continuity, (definedness, "refuse_unknown_limits", lambda *_: None))

CASES: dict[str, tuple[Any, Any, list[Any]]] = {
    "positivity": (positivity, inequalities, [deciding("weak for strict", anything_weak)]),
    "induction": (induction, inductions, [without_step, without_base, some_last_term, bounds_kept]),
    "continuity": (continuity, limits, [unseen_poles, known_limits]),
    "differentiation": (differentiation, derivatives, [plain_mention]),
    "interchange": (interchange, moved_inside, [free_law]),
    "interval_arithmetic": (
        interval_arithmetic,
        decimals,
        [deciding("seven digits", single_precision), deciding("from below", lower_end_only)],
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
