"""Ancestral sampling where the data keep their size: the reverse kernel of a variance-exploding chain."""

from __future__ import annotations

import sympy as sp

from derivations.notation import x
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
    density,
    scalar,
    vector,
)

noise, share = scalar("level_now", r"\sigma_t", positive=True), scalar("level_share", "u")
clean, now, then = x(0), vector("state_now", "x_t"), vector("state_then", "x_s")
lower = share * noise**2  # sigma_s^2, anywhere below sigma_t^2

mean = share * now + (1 - share) * clean
up = lower * (noise**2 - lower) / noise**2
reverse = Normal(then, mean, up)

ancestral = Claim(
    id="ancestral.ve",
    title="Ancestral sampling of a variance-exploding chain",
    chapter="DDIM",
    kind="identity",
    says=(
        Statement(
            LogDensity(Normal(now, then, noise**2 - lower))
            + LogDensity(Normal(then, clean, lower))
            - LogDensity(Normal(now, clean, noise**2)),
            "=",
            LogDensity(reverse),
            words="Bayes' rule for x_s given x_t and x_0",
        ),
        Statement(
            Expect(Normal(now, clean, noise**2), sp.exp(LogDensity(reverse))),
            "=",
            sp.exp(LogDensity(Normal(then, clean, lower))),
            words="and it keeps the marginals",
        ),
        Statement(
            lower**2 / noise**2 + up,
            "=",
            lower,
            words="sigma_down^2 + sigma_up^2 = sigma_s^2 with sigma_down = sigma_s^2 / sigma_t",
        ),
        Statement(
            clean + lower / noise**2 * (now - clean),
            "=",
            mean,
            words="the mean is where Euler's step to sigma_down leads",
        ),
    ),
    domain=Domain({"level_now": POSITIVE, "level_share": UNIT}),
    scope="any dimension d, any 0 < sigma_s < sigma_t, written sigma_s^2 = u sigma_t^2 with u in (0, 1)",
    sources=("Song et al. 2021b, appendix F", "Karras et al. 2022 (Euler ancestral, as in public code)"),
    words="Without shrinking, the step back interpolates between the noisy and the clean point by the ratio of the "
    "variances. Code that walks down to sigma_down and adds sigma_up does exactly this.",
)


@ancestral.proves()
def _(line: Chain) -> None:
    line(
        LogDensity(Normal(now, then, noise**2 - lower))
        + LogDensity(Normal(then, clean, lower))
        - LogDensity(Normal(now, clean, noise**2))
    )
    line(LogDensity(reverse), by=density, why="complete the square; the normalisers match too")


@ancestral.proves(1)
def _(line: Chain) -> None:
    line(Expect(Normal(now, clean, noise**2), sp.exp(LogDensity(reverse))))
    line(
        sp.exp(LogDensity(Normal(then, share * clean + (1 - share) * clean, up + share**2 * noise**2))),
        by=composition,
        why="the noise of x_t, scaled by u, adds to what is drawn",
    )
    line(sp.exp(LogDensity(Normal(then, clean, lower))), why="u (1 - u) + u^2 = u")


@ancestral.proves(2)
def _(line: Chain) -> None:
    line(lower**2 / noise**2 + up)
    line(lower, why="one denominator, and the noise cancels in it")


@ancestral.proves(3)
def _(line: Chain) -> None:
    line(clean + lower / noise**2 * (now - clean))
    line(share * now + (1 - share) * clean, why="sigma_s^2 / sigma_t^2 = u")
