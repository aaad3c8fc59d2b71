"""Euler-Maruyama on the linear SDE: its law after any number of steps, exactly, and how far that is from the SDE's."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.refutation.worlds import World
from derivations.rules import (
    POSITIVE,
    UNIT,
    Chain,
    Claim,
    Domain,
    Expect,
    Hypothesis,
    LogDensity,
    Normal,
    Series,
    Statement,
    composition,
    definition,
    given,
    induction_hypothesis,
    scalar,
    scalar_function,
    series,
    vector,
)
from derivations.score.langevin import kept, now, target, then

share = scalar("decay_share", "r", positive=True)  # theta h, the step in units of the time in which the mean decays
small = scalar("small_step", "h", positive=True)
n = sp.Symbol("n", integer=True, nonnegative=True)
level = scalar_function("em_variance", "v", positive=True)
left, start = scalar_function("em_left", "c", positive=True), vector("start_mean", "m_0")
rate_of, long = scalar("decay_rate", r"\theta", positive=True), scalar("long_time", "t", positive=True)
before = scalar("variance_before", "v", positive=True)
held = kept(target, share / 2)


def many(power: int) -> sp.Expr:
    """(1 - theta h)^(power n) over a time t = n h."""
    return sp.exp(power * long / small * sp.log(1 - rate_of * small))


def settled(left_over: sp.Expr, end: sp.Expr) -> sp.Expr:
    """The variance on its way from the start's to where it ends."""
    return left_over * before + (1 - left_over) * end


reached = settled(many(2), target / (1 - rate_of * small / 2))
step = Normal(then, (1 - share) * now, 2 * share * target)
steps = (
    Hypothesis(
        "means of the method",
        "the share c_n of the start's mean is what a step makes of the one before",
        left(n),
        (1 - share) * left(n - 1),
        {n: (sp.S.One, sp.oo)},
    ),
    Hypothesis(
        "variances of the method",
        "and so is each variance, with the noise of a step added",
        level(n),
        (1 - share) ** 2 * level(n - 1) + 2 * share * target,
        {n: (sp.S.One, sp.oo)},
    ),
)


def a_run(rng: Random, seed: int) -> World:
    """Means and variances, step by step; of another method now and then, to tell them apart."""
    r, last, first = Fraction(rng.randint(1, 9), 10), Fraction(rng.randint(1, 9), 4), Fraction(rng.randint(1, 9), 4)
    d = 1 + seed % 2

    def variance(k: Any) -> Fraction:
        v = first
        for _ in range(int(k)):
            v = (1 - r) ** 2 * v + 2 * r * last
        return v + (int(k) if seed % 6 == 4 else 0)  # of another method

    families: dict[str, Any] = {
        "em_variance": variance,
        "em_left": lambda k: (1 - r) ** int(k) * first + (int(k) if seed % 6 == 5 else 0),
    }
    numbers = {"decay_share": r, "target_variance": last, "n": rng.randint(0, 4), "small_step": r}
    numbers |= {"decay_rate": r, "long_time": first, "variance_before": last + first}
    return World(d, seed=seed, numbers=numbers, families=families)


euler_maruyama = Claim(
    id="solver.euler_maruyama.ou",
    title="Euler-Maruyama on the linear SDE",
    chapter="SDE",
    kind="identity",
    says=(
        Statement(
            Expect(Normal(now, left(n) * start, level(n)), sp.exp(LogDensity(step))),
            "=",
            sp.exp(LogDensity(Normal(then, left(n + 1) * start, level(n + 1)))),
            name="step",
            words="a Gaussian stays one: a step takes mean and variance to the next ones",
        ),
        Statement(
            left(n),
            "=",
            (1 - share) ** n * left(0),
            name="mean",
            words="so after n steps the mean has this left of its start",
        ),
        Statement(
            level(n) - held,
            "=",
            (1 - share) ** (2 * n) * (level(0) - held),
            name="variance",
            words="and the variance is on its way to lambda/(1 - r/2), which is too large",
        ),
        Statement(
            Series(many(1) - sp.exp(-rate_of * long), small, 2),
            "=",
            -(rate_of**2) * long / 2 * sp.exp(-rate_of * long) * small,
            name="mean's order",
            words="over a fixed time t = n h the share of the mean that is left is too small by this, in first order",
        ),
        Statement(
            Series(reached - settled(sp.exp(-2 * rate_of * long), target), small, 2),
            "=",
            (
                rate_of * target / 2 * (1 - sp.exp(-2 * rate_of * long))
                - rate_of**2 * long * sp.exp(-2 * rate_of * long) * (before - target)
            )
            * small,
            name="bias of the variance",
            words="and the variance is off by this, in first order too: weak order 1",
        ),
        Statement(
            held - target,
            "=",
            share / (2 - share) * target,
            name="variance's order",
            words="what the variance ends too large by",
        ),
    ),
    domain=Domain(
        {
            "decay_share": UNIT,
            "small_step": UNIT,
            "decay_rate": UNIT,
            "long_time": POSITIVE,
            "variance_before": POSITIVE,
            "em_variance": POSITIVE,
            "em_left": POSITIVE,
            "target_variance": POSITIVE,
        },
        {n: (sp.S.Zero, sp.oo)},
    ),
    hypotheses=steps,
    worlds=(a_run,),
    scope="dx = - theta x dt + sqrt(2 D) dw in any dimension d, r = theta h in (0, 1), lambda = D/theta the variance "
    "that the SDE keeps; any Gaussian start, any number n >= 0 of steps",
    sources=("Kloeden and Platen 1992", "derived here"),
    words="With constant beta the forward process of DDPM is this SDE, with theta = D = beta/2. In law the method is "
    "exact for another one, quicker in its mean and hotter in its noise.",
)


@euler_maruyama.proves("step")
def _(line: Chain) -> None:
    line(Expect(Normal(now, left(n) * start, level(n)), sp.exp(LogDensity(step))))
    line(
        sp.exp(
            LogDensity(Normal(then, (1 - share) * left(n) * start, (1 - share) ** 2 * level(n) + 2 * share * target))
        ),
        by=composition,
    )
    line(sp.exp(LogDensity(Normal(then, left(n + 1) * start, level(n + 1)))), by=[given(h, n=n + 1) for h in steps])


@euler_maruyama.proves("mean", induction_on=n, start=0)
def _(base: Chain, further: Chain) -> None:
    base(left(0))
    base((1 - share) ** 0 * left(0), why="n = 0: no step has been made, and (1 - r)^0 = 1")
    further(left(n + 1))
    further((1 - share) * left(n), by=given(steps[0], n=n + 1))
    further((1 - share) * (1 - share) ** n * left(0), by=induction_hypothesis)
    further((1 - share) ** (n + 1) * left(0), why="one factor 1 - r more")


@euler_maruyama.proves("variance", induction_on=n, start=0)
def _(base: Chain, further: Chain) -> None:
    base(level(0) - held)
    base((1 - share) ** 0 * (level(0) - held), why="n = 0: no step has been made, and (1 - r)^0 = 1")
    further(level(n + 1) - held)
    further((1 - share) ** 2 * level(n) + 2 * share * target - held, by=given(steps[1], n=n + 1))
    further((1 - share) ** 2 * (level(n) - held), by=definition, why="the kept variance is left as it is")
    further((1 - share) ** 2 * (1 - share) ** (2 * n) * (level(0) - held), by=induction_hypothesis)
    further((1 - share) ** (2 * (n + 1)) * (level(0) - held), why="two factors 1 - r more")


@euler_maruyama.proves("mean's order")
def _(line: Chain) -> None:
    line(Series(many(1) - sp.exp(-rate_of * long), small, 2))
    line(
        -(rate_of**2) * long / 2 * sp.exp(-rate_of * long) * small,
        by=series,
        why="t/h times log(1 - theta h) is -theta t - theta^2 t h/2",
    )


@euler_maruyama.proves("bias of the variance")
def _(line: Chain) -> None:
    line(Series(reached - settled(sp.exp(-2 * rate_of * long), target), small, 2))
    line(
        (
            rate_of * target / 2 * (1 - sp.exp(-2 * rate_of * long))
            - rate_of**2 * long * sp.exp(-2 * rate_of * long) * (before - target)
        )
        * small,
        by=series,
        why="what is left of the start is off by -theta^2 t h of itself, the end by theta h/2 of itself",
    )


@euler_maruyama.proves("variance's order")
def _(line: Chain) -> None:
    line(held - target)
    line(target / (1 - share / 2) - target, by=definition)
    line(share / (2 - share) * target, why="over one denominator lambda r/2 is left above; then double both")
