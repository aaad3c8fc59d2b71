"""Signs, bounds of indices, membership and dependence: what the domain decides is true of every point of it."""

from __future__ import annotations

import itertools
from fractions import Fraction
from random import Random
from typing import Any

import pytest
import sympy as sp
from random_terms import spoiled

from derivations.kernel import signs as signs_module
from derivations.kernel.dependence import is_member, may_touch, outside
from derivations.kernel.domain import (
    CLOSED_UNIT,
    NONNEGATIVE,
    NONZERO,
    POSITIVE,
    REAL,
    UNIT,
    UNIT_WITH_ONE,
    Domain,
    Interval,
)
from derivations.kernel.signs import polynomial_sign
from derivations.kernel.terms import Block, variable_set, vector_function
from derivations.notation import abar, alpha

ENOUGH = 200
x = vector_function("x", "x")
T, t, s = (sp.Symbol(n, integer=True, positive=True) for n in ("T", "t", "s"))
letters = sp.symbols("a b c")
HALF_OPEN = Interval(sp.S(-1), sp.S(2), False, True)
PLACES = [REAL, NONZERO, POSITIVE, NONNEGATIVE, UNIT, UNIT_WITH_ONE, CLOSED_UNIT, HALF_OPEN, Interval(hi=sp.S(-1))]

# --- signs of polynomials ---------------------------------------------------------------------------------------------


def points(interval: Interval, rng: Random) -> list[Fraction]:
    """Rational points of the interval, its closed ends among them, and points next to the open ones."""
    tiny, found = Fraction(1, 10**9), [Fraction(rng.randint(-40, 40), rng.randint(1, 9)) for _ in range(12)]
    for end in (interval.lo, interval.hi):
        if end.is_finite:
            found += [Fraction(int(end)), Fraction(int(end)) + tiny, Fraction(int(end)) - tiny]
    return [
        p for p in [*found, Fraction(0), Fraction(1, 2)] if interval.contains(sp.Rational(p.numerator, p.denominator))
    ]


def signs(seed: int) -> tuple[Any, dict[Any, Interval], str | None]:
    rng = Random(f"signs {seed}")
    places = {g: rng.choice(PLACES) for g in letters}
    factors = [*letters, 1 - letters[0], letters[1] + 1, 2 - letters[2], letters[0] ** 2, letters[1] * letters[2]]
    f = sum(
        sp.Mul(rng.randint(-2, 3), *rng.sample(factors, rng.choice([1, 1, 2]))) for _ in range(rng.choice([1, 1, 2]))
    )
    f = sp.expand(f + rng.choice([0, 0, 1, -1, 3]))
    return f, places, polynomial_sign(f, places)


def contradictions(most: int) -> tuple[int, list[str]]:
    """(how many signs were decided, those that some point of the domain contradicts)."""
    decided, wrong = 0, []
    allowed = {
        "+": lambda v: v > 0,
        "-": lambda v: v < 0,
        "0+": lambda v: v >= 0,
        "0-": lambda v: v <= 0,
        "0": lambda v: v == 0,
    }
    for seed in range(most):
        f, places, sign = signs(seed)
        if sign is None:
            continue
        decided += 1
        rng, at = Random(seed), sp.lambdify(letters, f, modules=[])
        for place in zip(*(rng.choices(points(places[g], rng), k=15) for g in letters), strict=True):
            if not allowed[sign](at(*place)):
                wrong.append(f"{f} is called {sign}, and at {place} it is {at(*place)}")
    return decided, wrong


def test_a_sign_that_is_decided_is_right_at_every_point() -> None:
    decided, wrong = contradictions(700)
    assert not wrong, wrong[0]
    assert decided >= ENOUGH


@pytest.mark.parametrize(
    ("name", "spoilt"),
    [
        ("odd powers of a real number", lambda monomial, coefficient, kinds: "+" if coefficient > 0 else "-"),
        ("strict where it is weak", lambda *args: (MONOMIAL(*args) or "").strip("0") or None),
    ],
)
def test_a_spoilt_sign_is_caught(name: str, spoilt: Any) -> None:
    signs_module._sign_on.cache_clear()
    with spoiled((signs_module, "_monomial_sign", spoilt)):
        _, wrong = contradictions(300)
    signs_module._sign_on.cache_clear()
    assert wrong


MONOMIAL = signs_module._monomial_sign


def test_the_ends_of_every_kind_of_interval_are_encoded() -> None:
    """x - lo and hi - x have the sign that the end's openness says."""
    (g, *_) = letters
    for interval in [*PLACES, Interval(sp.S.One, sp.S(3)), Interval(sp.S.One, sp.S(3), False, False)]:
        for end, is_open, gap in (
            (interval.lo, interval.open_lo, g - interval.lo),
            (interval.hi, interval.open_hi, interval.hi - g),
        ):
            if end.is_finite:
                assert polynomial_sign(gap, {g: interval}) == ("+" if is_open else "0+")


# --- bounds of indices ------------------------------------------------------------------------------------------------

RANGES = [
    {T: (1, sp.oo)},
    {T: (1, sp.oo), t: (1, T)},
    {T: (2, sp.oo), t: (2, T)},
    {T: (1, sp.oo), t: (1, T), s: (1, t)},
    {T: (1, sp.oo), t: (1, T), s: (t, T)},
    {T: (1, sp.oo), t: (0, T - 1)},
    {T: (1, sp.oo), t: (1, T + 1), s: (t - 1, T)},
    {T: (1, 5), t: (1, T), s: (1, T)},
    {t: (3, sp.oo), s: (1, t - 2)},
]


def inside(ranges: Any) -> list[dict[Any, int]]:
    """All points with T <= 5."""
    found = []
    for values in itertools.product(range(6), repeat=len(ranges)):
        point = dict(zip(ranges, values, strict=True))
        ends = [(sp.sympify(lo).xreplace(point), sp.sympify(hi).xreplace(point)) for lo, hi in ranges.values()]
        if all(lo <= value <= hi for value, (lo, hi) in zip(values, ends, strict=True)):
            found.append(point)
    return found


def test_what_is_at_least_zero_is_so_at_every_point() -> None:
    decided = 0
    for ranges in RANGES:
        domain, space = Domain(indices=ranges), inside(ranges)
        for coefficients in itertools.product((-1, 0, 1, 2), repeat=len(ranges)):
            for constant in (-2, -1, 0, 1):
                e = sum(c * i for c, i in zip(coefficients, ranges, strict=True)) + constant
                if domain.at_least_zero(e):
                    decided += 1
                    assert all(sp.sympify(e).xreplace(point) >= 0 for point in space), (ranges, e)
    assert decided >= ENOUGH


def test_bounds_that_people_use_are_decided() -> None:
    chain = Domain(indices={T: (1, sp.oo), t: (2, T), s: (1, t - 1)})
    for e in (T - 1, t - 2, T - t, T - 2, t - s - 1, T - s - 1, s - 1, T + t - 4):
        assert chain.at_least_zero(e), e
    for e in (t - 3, T - 3, s - 2, t - s - 2, 1 - T):
        assert not chain.at_least_zero(e), e


def test_an_index_replaced_by_another_of_its_name_forgets_what_it_bounded() -> None:
    outer = Domain(indices={T: (3, sp.oo), t: (1, T)})
    inner = outer.with_index(T, 1, 2)
    assert outer.at_least_zero(T - 3) and not inner.at_least_zero(T - 3)
    assert outer.at_least_zero(T - t) and not inner.at_least_zero(T - t)
    assert outer.without(T).indices == {}


# --- which variables are the same -------------------------------------------------------------------------------------

ENDS = [1, 2, t - 1, t, t + 1, T, T - 1, s]
WHERE = Domain(indices={T: (2, sp.oo), t: (1, T), s: (1, t)})
SPACE = [p for p in inside(WHERE.indices) if p[T] >= 2]


def members(v: Any, point: dict[Any, int]) -> set[int]:
    lo, hi = v.bounds if isinstance(v, Block) else (v.args[0], v.args[0])
    return set(range(int(lo.xreplace(point)), int(hi.xreplace(point)) + 1))


def pieces() -> list[Any]:
    singles = [x(sp.sympify(end)) for end in ENDS]
    blocks = [Block(x, lo, hi) for lo, hi in ((1, T), (1, t), (t, T), (1, t - 1), (t + 1, T), (2, T), (s, t))]
    return [*singles, *blocks]


def test_membership_and_dependence_agree_with_counting() -> None:
    decided = 0
    for v, m in itertools.product(pieces(), repeat=2):
        answer, touches = is_member(v, [m], WHERE), may_touch(v, [m], WHERE)
        for point in SPACE:
            mine, theirs = members(v, point), members(m, point)
            assert answer is not True or mine <= theirs, (v, m, point)
            assert answer is not False or not mine & theirs, (v, m, point)
            assert touches or not mine & theirs, (v, m, point)
        decided += answer is not None
        left = outside(v, [m], WHERE)
        for point in SPACE:
            kept = set().union(*(members(piece, point) for piece in left)) if left else set()
            assert members(v, point) - members(m, point) <= kept <= members(v, point), (v, m, left, point)
    assert decided >= 80


def test_a_set_of_variables_holds_what_was_put_in() -> None:
    for one, two in itertools.product(pieces(), repeat=2):
        joined = variable_set([one, two])
        for point in SPACE:
            if all(hi >= lo - 1 for v in (one, two) if isinstance(v, Block) for lo, hi in [ends_at(v, point)]):
                merged = set().union(*(members(v, point) for v in joined)) if joined else set()
                assert merged == members(one, point) | members(two, point), (one, two, joined, point)


def ends_at(v: Any, point: dict[Any, int]) -> tuple[int, int]:
    return tuple(int(end.xreplace(point)) for end in v.bounds)  # type: ignore[return-value]


# --- schedules --------------------------------------------------------------------------------------------------------


def test_unrolling_a_schedule_keeps_its_value_wherever_it_speaks() -> None:
    """abar(n) = alpha(n) abar(n-1) from n = 1 on, and nothing else, at every point of the ranges."""
    domain = Domain({"alpha": UNIT, "abar": UNIT}, {T: (1, sp.oo), t: (1, T)}, {"abar": "alpha"})
    indices = [t, t - 1, t + 1, T, T - 1, t - 2, sp.S(0), sp.S(1), sp.S(3), t + sp.Rational(1, 2), sp.S(-1)]
    compared = 0
    for one, two, three in itertools.product(indices, repeat=3):
        e = abar(one) * abar(two) + 3 * abar(three) - alpha(one)
        unrolled = domain.unroll(e)
        if unrolled == e:
            continue
        for last, now in [(1, 1), (3, 2), (3, 3)]:
            compared, point = compared + 1, {T: sp.Integer(last), t: sp.Integer(now)}
            assert value(e, point) == value(unrolled, point), (e, unrolled, point)
    assert compared >= ENOUGH


def value(e: Any, point: dict[Any, int]) -> Any:
    """With alpha(n) = 1/(n + 7) and abar(n) its product, and something else again wherever n is no index of theirs."""
    table = {}
    for atom in e.atoms(alpha, abar):
        n = sp.sympify(atom.args[0].xreplace(point))
        if not (n.is_integer and n >= 0):
            table[atom] = sp.Rational(1, 1000) * (n + 77)
        elif isinstance(atom, alpha):
            table[atom] = sp.Rational(1, n + 7)
        else:
            table[atom] = sp.prod(sp.Rational(1, m + 7) for m in range(1, int(n) + 1))
    return sp.expand(e.xreplace(table))


def test_a_schedule_may_be_1_at_0_and_lies_in_its_interval_elsewhere() -> None:
    domain = Domain({"alpha": UNIT, "abar": UNIT}, {t: (1, sp.oo)}, {"abar": "alpha"})
    assert domain.interval(abar(t)) == UNIT
    assert domain.interval(abar(t - 1)) == UNIT_WITH_ONE
    assert domain.interval(abar(sp.S(0))) == UNIT_WITH_ONE
    wide = Domain({"alpha": POSITIVE, "abar": Interval(sp.S(2), sp.S(3))}, {t: (1, sp.oo)}, {"abar": "alpha"})
    assert wide.interval(abar(t - 1)) == Interval(sp.S.One, sp.S(3), False, False)
    holding = Domain({"alpha": POSITIVE, "abar": POSITIVE}, {t: (1, sp.oo)}, {"abar": "alpha"})
    assert holding.interval(abar(t - 1)) == POSITIVE


@pytest.mark.parametrize("which", range(2))
def test_what_lies_between_two_ends_is_as_strict_as_at_both(which: int) -> None:
    a, b = sp.symbols("a b")
    known = {a: Interval(1, 2, False, False), b: CLOSED_UNIT}
    strict = [a, a + b, 3 - a, a - b / 2, (2 - a) ** 2 + (a - 1) ** 2, a * a - b / 2, a + b * (1 - b)]
    weak = [a - 1, 2 - a, a - b, b * a, (a - 1) * (2 - a), 1 - a * b / 2]
    for f in (strict, weak)[which]:
        assert polynomial_sign(sp.expand(f), known) == ("+", "0+")[which]
        assert polynomial_sign(sp.expand(-f), known) == ("-", "0-")[which]
