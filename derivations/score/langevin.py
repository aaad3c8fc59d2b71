"""Langevin dynamics with a finite step: the law that it keeps is wider than the one that it is meant to sample."""

from __future__ import annotations

import sympy as sp

from derivations.rules import (
    POSITIVE,
    UNIT,
    Chain,
    Claim,
    Domain,
    Expect,
    LogDensity,
    Normal,
    Statement,
    composition,
    define,
    definition,
    positivity,
    scalar,
    vector,
)

target = scalar("target_variance", r"\lambda", positive=True)
fraction = scalar("step_fraction", "r", positive=True)  # the step in units of the largest stable one, 2 lambda
centre, now, then = vector("centre", "m"), vector("now", "x"), vector("then", "x'")
eta = 2 * target * fraction

kept = define("kept_variance", "v", lambda lam, r: lam / (1 - r))


def move(at: sp.Expr, towards: sp.Expr) -> sp.Expr:
    """Where a step with the exact score of N(m, lambda I) leads, before noise of variance 2 eta is added."""
    return at - eta / target * (at - towards)


def after(variance: sp.Expr) -> sp.Expr:
    """The density of the next state, if this one is N(m, variance I)."""
    step = Normal(then, move(now, centre), 2 * eta)
    return Expect(Normal(now, centre, variance), sp.exp(LogDensity(step)))


STEP = Domain({"target_variance": POSITIVE, "step_fraction": UNIT})

langevin_bias = Claim(
    id="langevin.gaussian_bias",
    title="What Langevin dynamics with a finite step keeps",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            after(kept(target, fraction)),
            "=",
            sp.exp(LogDensity(Normal(then, centre, kept(target, fraction)))),
            words="with the exact score of N(m, lambda I) the chain leaves N(m, v I) as it is",
        ),
        Statement(
            after(target),
            "=",
            sp.exp(LogDensity(Normal(then, centre, target * (1 + 4 * fraction**2)))),
            words="but not the target: one step makes it wider by 4 r^2",
        ),
        Statement(
            kept(target, fraction) - target,
            "=",
            fraction / (1 - fraction) * target,
            words="how much too wide it stays, to first order in the step r lambda = eta/2",
        ),
        Statement(target, "<", kept(target, fraction), words="always too wide"),
    ),
    domain=STEP,
    scope="any dimension d, any Gaussian target with covariance lambda I (for another one direction by direction), any "
    "step eta = 2 lambda r below the stability limit 2 lambda, without a Metropolis correction",
    sources=("Roberts and Tweedie 1996", "staircase, Langevin"),
    words="The step is too long for the curvature: it overshoots, and the noise it adds is not paid back in full. Only "
    "as the step tends to 0 is the target left as it is.",
)


@langevin_bias.proves()
def _(line: Chain) -> None:
    v = kept(target, fraction)
    line(after(v))
    line(
        sp.exp(LogDensity(Normal(then, centre, (1 - 2 * fraction) ** 2 * v + 4 * target * fraction))),
        by=composition,
        why="the distance from m shrinks by 1 - 2r, then noise of variance 2 eta = 4 lambda r comes on top",
    )
    line(sp.exp(LogDensity(Normal(then, centre, v))), why="v (1 - (1 - 2r)^2) = 4 lambda r")


@langevin_bias.proves(1)
def _(line: Chain) -> None:
    line(after(target))
    line(
        sp.exp(LogDensity(Normal(then, centre, (1 - 2 * fraction) ** 2 * target + 4 * target * fraction))),
        by=composition,
    )
    line(sp.exp(LogDensity(Normal(then, centre, target * (1 + 4 * fraction**2)))), why="the linear terms cancel")


@langevin_bias.proves(2)
def _(line: Chain) -> None:
    line(kept(target, fraction) - target)
    line((target - target * (1 - fraction)) / (1 - fraction), by=definition)
    line(fraction / (1 - fraction) * target, why="lambda - (1 - r) lambda = r lambda")


@langevin_bias.proves(3)
def _(line: Chain) -> None:
    line(target)
    line.lt(kept(target, fraction), by=positivity, why="1 - r is below 1")
