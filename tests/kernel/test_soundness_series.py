"""Series, rates, integrals and linear SDEs: what is accepted holds in random models; spoilt twins are caught.

A series is not read by its coefficients here, but by what it says: at a small step the body and the polynomial differ
by no more than a multiple of step^order.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

import pytest
import sympy as sp
from random_terms import Sample, assert_caught, assert_sound, reading, spoilt_rules, u, v, without

from derivations.kernel import expansion
from derivations.kernel.algebra import Algebra
from derivations.kernel.continuous import Granted, smoothness
from derivations.kernel.domain import NONNEGATIVE, POSITIVE, REAL, Domain
from derivations.kernel.rules import series as room
from derivations.kernel.rules.base import Context
from derivations.kernel.rules.series import fundamental_theorem, integration, linear_sde, rates, series
from derivations.kernel.substitution import substitute
from derivations.kernel.terms import (
    D,
    Hadamard,
    Inner,
    IntegralTo,
    LinearSDE,
    LogDensity,
    Norm2,
    Normal,
    Ratio,
    Series,
    rate,
    scalar,
    scalar_function,
    vector_function,
)
from derivations.refutation.arithmetic import mp
from derivations.refutation.worlds import World

h, level, w, y = scalar("step", positive=True), scalar("level"), scalar("w_run"), scalar("y_run")
a, c = scalar("a"), scalar("c_plus", positive=True)
time = scalar("time", positive=True)
f, g = scalar_function("smooth_f"), scalar_function("smooth_g")
m, field = vector_function("smooth_m"), vector_function("smooth_field")
FAMILIES = (f, g, m, field)
SMALL = Fraction(1, 10**5)


def context(classes: int, **intervals: Any) -> Context:
    domain = Domain({"step": POSITIVE, "c_plus": POSITIVE, "time": POSITIVE, "smooth_g": POSITIVE, **intervals})
    known = [smoothness(family, classes).core() for family in FAMILIES]
    return Context(domain, {one.name: one for one in known})


def world(rng: Random, **numbers: Any) -> World:
    drawn = {"level": rng.randint(-9, 9), "a": rng.choice([-2, 1, 3]), "c_plus": rng.randint(1, 9)}
    made = World(2, rng.randrange(10**6), {n: Fraction(value, 4) for n, value in drawn.items()} | numbers)
    made.smooth = frozenset(family.__name__ for family in FAMILIES)
    made.classes = dict.fromkeys(made.smooth, 9)
    made.coordinates = {"smooth_g": POSITIVE}
    return made


# --- series -----------------------------------------------------------------------------------------------------------


def bodies(rng: Random) -> Any:
    """What depends on a small step: arithmetic, functions, quotients by the step, integrals, opaque functions."""
    shift = rng.choice([h, -c * h, 2 * h, h**2 - h, h / (1 + h)])
    share = rng.choice([sp.exp(-(h - w)), 1 + w, f(level + w), sp.S.One])
    numbers = [
        sp.exp(a * shift),
        sp.log(1 + c * h),
        sp.sqrt(c + shift**2),
        1 / (c + h),
        Ratio(1 - sp.exp(-c * h), h),
        (1 - (1 - sp.exp(-h)) / h) / h,
        sp.exp(sp.log(1 + h) / h),
        f(level + shift),
        f(level + shift) * g(level - h),
        rate(f(level + shift)),
        IntegralTo(share * f(level + w), w, 0, h),
        IntegralTo(share, w, h, 3 * h) / h,
        IntegralTo(sp.exp(-h * w) * w**2, w, 0, 1),
        Inner(m(level + shift), u + h * v),
        Norm2(m(level) - m(level - h)) / h**2,
        Inner(field(u + h * m(level), level + h), v),
        rng.choice([h, h**2, a, c * h]),
    ]
    return sp.Mul(*rng.sample(numbers, rng.choice([1, 1, 2]))) + rng.choice([0, a, *numbers])


def small_steps(rng: Random) -> Sample:
    e = Series(bodies(rng), h, rng.choice([1, 2, 3, 3]))
    order = int(e.args[2])
    near = partial(at_small_step, order)
    return Sample(context(6), [world(rng, step=SMALL)], (e,), read=body_itself, same=near)


def vectors(rng: Random) -> Sample:
    shift = rng.choice([h, -h, c * h, h + h**2])
    choices = [
        m(level + shift),
        field(u + shift * v, level),
        field(m(level + h), level + h),
        h * m(level + shift) / (c + h),
    ]
    choices += [
        Hadamard(m(level + h), u),
        IntegralTo(sp.exp(w) * m(level + w), w, 0, h) / h,
        rate(m(level + shift)) + u,
    ]
    e = Series(sp.Add(*rng.sample(choices, 2)), h, rng.choice([1, 2, 3]))
    near = partial(at_small_step, int(e.args[2]))
    return Sample(context(6), [world(rng, step=SMALL)], (e,), read=body_itself, same=near)


def either(rng: Random) -> Sample:
    return (small_steps if rng.random() < 0.7 else vectors)(rng)


def body_itself(e: Any, where: World) -> Any:
    return reading(e.args[0], where)


def at_small_step(order: int, left: Any, right: Any) -> bool:
    """Equal up to a multiple of the step's power."""
    if isinstance(left, tuple) or isinstance(right, tuple):
        one, two = (e if isinstance(e, tuple) else (e, e) for e in (left, right))
        return all(at_small_step(order, p, q) for p, q in zip(one, two, strict=True))
    return bool(abs(left - right) <= 3000 * max(1, abs(left)) * mp.mpf(10) ** (-5 * order))


# --- rates and integrals ----------------------------------------------------------------------------------------------


def moving(rng: Random) -> Sample:
    inner = rng.choice([time, 2 * time, time**2, a - time, sp.sqrt(time)])
    kernel = rng.choice([sp.exp(-(time - w)), f(w) * time, 1 + w, g(w), f(w * time)])
    choices = [f(inner), rate(f(inner)), sp.exp(f(inner)), f(inner) * g(time), IntegralTo(kernel, w, 0, inner)]
    choices += [IntegralTo(kernel, w, time, 2 * time), sp.exp(-IntegralTo(g(w), w, 0, time)), Norm2(m(inner))]
    choices += [Inner(field(m(inner), time), v), Inner(rate(field(u, time), 1, m(inner)), v)]
    e = D(sp.Mul(*rng.sample(choices, rng.choice([1, 2]))), time)
    numbers = {"time": Fraction(rng.randint(1, 9), 4)}
    return Sample(context(3), [world(rng, **numbers)], (e * rng.choice([1, a]),), same=nearly)


def nearly(left: Any, right: Any) -> bool:
    return bool(abs(left - right) <= mp.mpf(10) ** -10 * max(1, abs(left), abs(right)))


def integrals(rng: Random) -> Sample:
    parts = [w**2 * a, c, f(w) * a, w * sp.exp(time - w), f(w) * w * f(time), sp.exp(a + w) * w]
    lo, hi = rng.choice([(0, time), (time, 2 * time), (time, 0), (-1, 2)])
    e = IntegralTo(sp.Add(*rng.sample(parts, rng.choice([1, 2, 3]))), w, lo, hi)
    numbers = {"time": Fraction(rng.randint(1, 9), 4)}
    return Sample(context(3), [world(rng, **numbers)], (e,), same=nearly)


def differences(rng: Random) -> Sample:
    inside = rng.choice([f(w), w**3, sp.exp(-w) * f(w), f(w) * f(2 * w), f(w) * time, Inner(m(w), v)])
    lo, hi = rng.choice([(0, time), (time, 2 * time), (time, 0), (-1, 2)])
    e = IntegralTo(D(inside, w), w, lo, hi)
    numbers = {"time": Fraction(rng.randint(1, 9), 4)}
    return Sample(context(3), [world(rng, **numbers)], (e,), same=nearly)


# --- linear SDEs ------------------------------------------------------------------------------------------------------


def diffusions(rng: Random) -> Sample:
    """Equations with moments that solve them, or nearly."""
    x, start = u, v

    def total(since: Any) -> Any:
        return IntegralTo(g(y), y, 0, since)

    rows = [
        (-g(w) / 2, g(w), sp.exp(-total(w) / 2), 1 - sp.exp(-total(w))),
        (-g(w) / 2, g(w) * (1 - sp.exp(-2 * total(w))), sp.exp(-total(w) / 2), (1 - sp.exp(-total(w))) ** 2),
        (sp.S.Zero, g(w), sp.S.One, total(w)),
        (-c, 2 * c, sp.exp(-c * w), 1 - sp.exp(-2 * c * w)),
        (a, c, sp.exp(a * w), IntegralTo(c * sp.exp(2 * a * w - 2 * a * y), y, 0, w)),
        (-1 / (1 + w), c, 1 / (1 + w), c * ((1 + w) ** 3 - 1) / (3 * (1 + w) ** 2)),
    ]
    slope, noise, gain, variance = rng.choice(rows)
    if rng.random() < 0.3:
        gain = rng.choice([gain**2, 2 * gain, gain + w])
    if rng.random() < 0.3:
        variance = rng.choice([2 * variance, variance + c, variance + w, variance**2])
    e = LogDensity(LinearSDE(x, w, start, slope, noise, time))
    after = LogDensity(Normal(x, gain.subs(w, time) * start, variance.subs(w, time)))
    numbers = {"time": Fraction(rng.randint(1, 6), 4)}
    known = context(0, w_run=NONNEGATIVE, y_run=REAL)
    return Sample(known, [world(rng, **numbers)], (e, after), args=(gain, variance), same=nearly)


# --- spoilt rules -----------------------------------------------------------------------------------------------------


def one_order_less(e: Any, domain: Any, smooth: Any) -> Any:
    return expansion._polynomial(Series(e.args[0], e.args[1], max(1, int(e.args[2]) - 1)), domain, smooth)


plain = (expansion, "_expanded", expansion._expanded.__wrapped__)  # nothing is remembered
no_factorials = without(series, (sp, "factorial", lambda n: sp.S.One), plain)
short = without(series, (room, "expanded", one_order_less))
always_vanishing = without(series, (expansion.Expansion, "vanishes", lambda self, e: True), plain)
still_range = without(rates, (room, "may_vary", lambda e, wrt: e.has(wrt) and not e.is_Symbol))
whole_exponent = without(integration, (room, "_apart", lambda a, s: [sp.exp(a.args[0].coeff(s) * s) if a.args else a]))
any_moments = without(linear_sde, (room, "_require", lambda *_: None))
any_start = without(linear_sde, (Algebra, "is_zero", lambda self, e: not e.has(D)))


def one_end(e: Any, table: Any) -> Any:
    return sp.S.Zero if sp.S.Zero in table.values() else substitute(e, table)


CASES: dict[str, tuple[Any, Any, list[Any]]] = {
    "series": (series, either, [no_factorials, short, always_vanishing]),
    "rates": (rates, moving, [still_range]),
    "integration": (integration, integrals, [whole_exponent]),
    "fundamental theorem": (
        fundamental_theorem,
        differences,
        [without(fundamental_theorem, (room, "substitute", one_end))],
    ),
    "linear SDE": (linear_sde, diffusions, [any_moments, any_start]),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", CASES)
def test_what_is_accepted_holds_in_every_model(name: str) -> None:
    assert_sound(name, CASES[name])


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("name", "n"), spoilt_rules(CASES))
def test_a_spoilt_rule_is_caught(name: str, n: int) -> None:
    assert_caught(name, CASES[name], n)


def test_nothing_is_granted_that_is_not_declared() -> None:
    assert not Granted().continuous(f(level), 0)
    assert Granted(classes={"smooth_f": 2}).continuous(rate(rate(f(level))), 0)
    assert not Granted(classes={"smooth_f": 2}).continuous(D(D(f(level), level), level), 0)  # it is taken first
    assert not Granted(classes={"smooth_f": 2}).continuous(rate(rate(f(level))), 1)
