"""Series, integrals, rates and SDEs that mean nothing, or less than they seem to: each beside a true neighbour."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused, proved_lemma

from derivations.rules import (
    NONNEGATIVE,
    NONZERO,
    POSITIVE,
    REAL,
    UNIT,
    D,
    Domain,
    Hypothesis,
    IntegralTo,
    Interval,
    LinearSDE,
    LogDensity,
    Normal,
    Partial,
    Series,
    algebra,
    by_claim,
    fundamental_theorem,
    given,
    integration,
    linear_sde,
    rate,
    rates,
    scalar,
    scalar_function,
    series,
    smoothness,
    vector,
    vector_function,
)

h, s, w = scalar("hole_step", positive=True), scalar("hole_s"), scalar("hole_w")
time, c = scalar("hole_time", positive=True), scalar("hole_c")
f, g = scalar_function("hole_f"), scalar_function("hole_g")
field, steps = vector_function("hole_field"), scalar_function("hole_family")
x, start, v = vector("hole_x"), vector("hole_start"), vector("hole_v")
n = sp.Symbol("hole_n", integer=True, positive=True)

PLACE = Domain({"hole_step": POSITIVE, "hole_time": POSITIVE, "hole_g": POSITIVE})
RUN = Domain({**PLACE.intervals, "hole_w": NONNEGATIVE})
TWICE = (smoothness(f, 2), smoothness(g, 0))
first, second = rate(f(s)), rate(rate(f(s)))


def grown(upto: sp.Expr) -> sp.Expr:
    return IntegralTo(g(s), s, 0, upto)


def law(slope: sp.Expr, noise: sp.Expr) -> LogDensity:
    return LogDensity(LinearSDE(x, w, start, slope, noise, time))


def normal(gain: sp.Expr, variance: sp.Expr) -> LogDensity:
    return LogDensity(Normal(x, gain * start, variance))


VP = -g(w) / 2, g(w)
LEMMA = proved_lemma("hole.series", Series(f(s + h), h, 2), f(s) + h * first, series, PLACE, *TWICE)

FALSE: dict[str, Callable[[], Attack]] = {
    "beyond the declared smoothness": lambda: Attack(
        Series(f(s + h), h, 3), f(s) + h * first + h**2 * second / 2, series, PLACE, (smoothness(f, 1),)
    ),
    "a function of which nothing is declared": lambda: Attack(Series(f(s + h), h, 1), f(s), series, PLACE),
    "smoothness of another function": lambda: Attack(Series(f(s + h), h, 1), f(s), series, PLACE, (smoothness(g, 9),)),
    "smoothness in other words": lambda: Attack(
        Series(f(s + h), h, 1), f(s), series, PLACE, (Hypothesis("hole_f in C^3", "hole_f is nice"),)
    ),
    "a division by the step costs a derivative": lambda: Attack(
        Series((f(s + h) - f(s)) / h, h, 2), first + h * second / 2, series, PLACE, (smoothness(f, 2),)
    ),
    "a wrong coefficient": lambda: Attack(
        Series(f(s + h), h, 2), f(s) + 2 * h * first, series, PLACE, TWICE
    ),
    "a term of the remainder": lambda: Attack(Series(f(s + h), h, 1), f(s) + h * first, series, PLACE, TWICE),
    "what grows beyond all bounds": lambda: Attack(Series(1 / h, h, 2), 1 / h, series, PLACE),
    "a root of the step": lambda: Attack(Series(sp.sqrt(h), h, 1), 0, series, PLACE),
    "a logarithm of the step": lambda: Attack(Series(h * sp.log(h), h, 1), 0, series, PLACE),
    "a moving power": lambda: Attack(Series((1 + h) ** (1 / h), h, 1), sp.exp(1), series, PLACE),
    "a quotient by what may vanish": lambda: Attack(Series(h / (c + h), h, 1), 0, series, PLACE),
    "a step that does not tend to 0": lambda: Attack(
        Series(1 + h, h, 1), 1, series, Domain({"hole_step": Interval(sp.S.One, sp.S(2))})
    ),
    "a step that a hypothesis ties": lambda: Attack(
        Series(1 + h, h, 1), 1, series, PLACE, (Hypothesis("tied", "", h, sp.Rational(1, 2)),)
    ),
    "a step that is replaced in a lemma": lambda: Attack(
        Series(f(s + h**2), h, 2), f(s) + h**2 * first, by_claim("hole.series", at={h: h**2}), PLACE, TWICE,
        lemmas=(LEMMA,),
    ),
    "a step put in for what it is not": lambda: Attack(
        Series(f(h + h), h, 2), f(h) + h * rate(f(h)), by_claim("hole.series", at={s: h}), PLACE, TWICE,
        lemmas=(LEMMA,),
    ),
    "a lemma without its smoothness": lambda: Attack(
        Series(f(s + h), h, 2), f(s) + h * first, by_claim("hole.series"), PLACE, lemmas=(LEMMA,)
    ),
    "what is known at one place, used along the way": lambda: Attack(
        IntegralTo(f(w), w, 0, 1), 2, (given("there"), integration), RUN,
        (*TWICE, Hypothesis("there", "", f(w), sp.S(2))),
    ),
    "an integral past a pole": lambda: Attack(
        IntegralTo(1 / w**2, w, -1, 1), IntegralTo(1 / w**2, w, -1, 1) + 0 * c, algebra, Domain({"hole_w": REAL})
    ),
    "an integral past a pole that its domain leaves out": lambda: Attack(
        IntegralTo(1 / w**2, w, -1, 1), -2, integration, Domain({"hole_w": NONZERO})
    ),
    "an integral outside of its variable's interval": lambda: Attack(
        IntegralTo(1 / (1 + w), w, -2, 0), 0, integration, Domain({"hole_w": NONNEGATIVE})
    ),
    "an integral of what may jump": lambda: Attack(
        IntegralTo(D(f(w), w), w, 0, time), f(time) - f(0), fundamental_theorem, PLACE, (smoothness(f, 0),)
    ),
    "a lost end": lambda: Attack(
        IntegralTo(D(f(w), w), w, 0, time), f(time), fundamental_theorem, PLACE, TWICE
    ),
    "the range of an integral stands still": lambda: Attack(D(grown(time), time), 0, rates, PLACE, TWICE),
    "an inner derivative": lambda: Attack(D(f(time**2), time), rate(f(time**2)), rates, PLACE, TWICE),
    "a derivative in a member's number": lambda: Attack(
        rate(steps(n)), rate(steps(n)) + 0 * c, algebra, Domain(indices={n: (1, sp.oo)}), (smoothness(steps, 3),)
    ),
    "a derivative along a number of a vector": lambda: Attack(
        rate(field(x), 1, 1), rate(field(x), 1, 1), algebra, PLACE, (smoothness(field, 3),)
    ),
    "a derivative in an argument that is not there": lambda: Attack(
        rate(f(s), 2), rate(f(s), 2), algebra, PLACE, TWICE
    ),
    "a derivative of no function": lambda: Attack(
        Partial("hole_nobody", (s,), (1,), (1,)), 0, algebra, PLACE
    ),
    "a derivative by a value of the function": lambda: Attack(
        D(first * f(s), f(s)), first, rates, PLACE, TWICE
    ),
    "negative diffusion": lambda: Attack(
        law(VP[0], -VP[1]), normal(sp.exp(-grown(time) / 2), 1 - sp.exp(-grown(time))),
        linear_sde(sp.exp(-grown(w) / 2), 1 - sp.exp(-grown(w))), RUN, TWICE,
    ),
    "no diffusion, and a density": lambda: Attack(
        law(sp.S.Zero, sp.S.Zero), law(sp.S.Zero, sp.S.Zero) + 0 * c, algebra, RUN
    ),
    "the variance of another equation": lambda: Attack(
        law(*VP), normal(sp.exp(-grown(time) / 2), grown(time)), linear_sde(sp.exp(-grown(w) / 2), grown(w)), RUN, TWICE
    ),
    "moments that start elsewhere": lambda: Attack(
        law(*VP), normal(2 * sp.exp(-grown(time) / 2), 1 - sp.exp(-grown(time))),
        linear_sde(2 * sp.exp(-grown(w) / 2), 1 - sp.exp(-grown(w))), RUN, TWICE,
    ),
    "a time before the start": lambda: Attack(
        LogDensity(LinearSDE(x, w, start, sp.S.Zero, sp.S.One, c)), LogDensity(Normal(x, start, c)),
        linear_sde(sp.S.One, w), RUN,
    ),
    "a variable that never is 0": lambda: Attack(
        law(sp.S.Zero, sp.S.One), normal(sp.S.One, time), linear_sde(sp.S.One, w),
        Domain({**PLACE.intervals, "hole_w": POSITIVE}),
    ),
}  # fmt: skip

TRUE: dict[str, Callable[[], Attack]] = {
    "as far as the smoothness goes": lambda: Attack(
        Series(f(s + h), h, 2), f(s) + h * first, series, PLACE, (smoothness(f, 2),)
    ),
    "a division by the step": lambda: Attack(
        Series((f(s + h) - f(s)) / h, h, 2), first + h * second / 2, series, PLACE, (smoothness(f, 3),)
    ),
    "a removable pole": lambda: Attack(Series((1 - sp.exp(-h)) / h, h, 2), 1 - h / 2, series, PLACE),
    "a moving power, written as exp": lambda: Attack(
        Series(sp.exp(sp.log(1 + h) / h), h, 1), sp.exp(1), series, PLACE
    ),
    "a step below one": lambda: Attack(Series(1 + h, h, 1), 1, series, Domain({"hole_step": UNIT})),
    "a lemma, at another place": lambda: Attack(
        Series(f(2 * c + h), h, 2), f(2 * c) + h * rate(f(2 * c)), by_claim("hole.series", at={s: 2 * c}), PLACE, TWICE,
        lemmas=(LEMMA,),
    ),
    "the range of an integral": lambda: Attack(D(grown(time), time), g(time), rates, PLACE, TWICE),
    "an inner derivative": lambda: Attack(D(f(time**2), time), 2 * time * rate(f(time**2)), rates, PLACE, TWICE),
    "both ends": lambda: Attack(
        IntegralTo(D(f(w), w), w, 0, time), f(time) - f(0), fundamental_theorem, PLACE, TWICE
    ),
    "a derivative along a vector": lambda: Attack(
        rate(field(x), 1, v + c * x), rate(field(x), 1, v) + c * rate(field(x), 1, x), algebra, PLACE,
        (smoothness(field, 1),),
    ),
    "the right moments": lambda: Attack(
        law(*VP), normal(sp.exp(-grown(time) / 2), 1 - sp.exp(-grown(time))),
        linear_sde(sp.exp(-grown(w) / 2), 1 - sp.exp(-grown(w))), RUN, TWICE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is_proved(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict


REFUSED_AT_ONCE = {
    "no step": (lambda: Series(f(s), sp.S(3), 2), "is no real variable, so it is no step"),
    "an integer for a step": (lambda: Series(f(s), n, 2), "so it is no step"),
    "no order": (lambda: Series(f(s), h, c), "give an integer from 1"),
    "an order of 0": (lambda: Series(f(s), h, 0), "give an integer from 1"),
    "an integral over a vector": (lambda: IntegralTo(f(s), x, 0, 1), "nothing is integrated over it"),
    "smoothness of a number": (lambda: smoothness(s, 2), "is no opaque function"),
    "negative smoothness": (lambda: smoothness(f, -1), "give an integer from 0 on"),
    "a rate of a sum": (lambda: rate(f(s) + g(s)), "is no call of an opaque function"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED_AT_ONCE)
def test_it_cannot_be_written(name: str) -> None:
    make, why = REFUSED_AT_ONCE[name]
    with pytest.raises(ValueError, match=why):
        make()
