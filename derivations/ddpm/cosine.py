"""The cosine schedule near its noisy end: where a clip of its betas acts, and where it does not.

Counted from the end, the roots of abar are sines of multiples of one angle, s_j = sin(j delta). All that is used of
them is that they grow from 0 by less and less: the gains g_0 >= g_1 >= ... of which s_j adds up the first j. That the
sines do so is a statement of its own, about any two angles, by the tangents of their halves.
"""

from __future__ import annotations

import sympy as sp

from derivations.latent.interpolation import cosine, left
from derivations.latent.interpolation import sine as sine_of
from derivations.rules import (
    POSITIVE,
    REAL,
    UNIT,
    Chain,
    Claim,
    Domain,
    Statement,
    SumTo,
    at_most,
    define,
    definition,
    last_term,
    monotone,
    positivity,
    scalar,
    scalar_function,
)

j, m, n = (sp.Symbol(name, integer=True) for name in ("j_c", "m_c", "n_c"))
T = sp.Symbol("T_c", integer=True, positive=True)
gain = scalar_function("gain_of_root", "g", positive=True)
clip = scalar("beta_clip", r"\kappa")
angle, step = scalar("half_tangent_of_angle", "u"), scalar("half_tangent_of_step", "w")

root = define("root_of_signal", r"\mathrm{s}", lambda k: SumTo(gain(m), m, 0, k - 1), notation=False)
signal = define("cosine_abar", r"\bar\alpha^{c}", lambda k, last: root(k) ** 2 / root(last) ** 2, notation=False)
spent = define("cosine_beta", r"\beta^{c}", lambda k: 1 - root(k) ** 2 / (root(k) + gain(k)) ** 2, notation=False)
after = define(
    "sine_right", r"\mathrm{sin}_+", lambda v, at: sine_of(v) * cosine(at) + cosine(v) * sine_of(at), notation=False
)
falling = at_most(gain(n), gain(m), {n: (0, T - 1), m: (0, n)})


def steps_from(first: int, last: sp.Expr) -> Domain:
    """Steps T - j of a schedule whose roots gain less and less."""
    return Domain(
        {"gain_of_root": POSITIVE, "beta_clip": UNIT},
        {T: (sp.Integer(3), sp.oo), j: (sp.Integer(first), last)},
        conditions=(falling,),
    )


cosine_clip = Claim(
    id="schedule.cosine.clip",
    title="What clipping the cosine schedule changes: from 3/4 on, the last step alone",
    chapter="Forward process",
    kind="inequality",
    says=(
        Statement(
            2 * sine_of(angle) - left(angle, step) - after(angle, step),
            "=",
            2 * (1 - cosine(step)) * sine_of(angle),
            name="sines",
            words="sines grow by less and less while they are positive: what one of them is above the mean of its "
            "neighbours",
            domain=Domain({"half_tangent_of_angle": REAL, "half_tangent_of_step": REAL}),
        ),
        Statement(
            1 - signal(j, T) / signal(j + 1, T),
            "=",
            spent(j),
            name="beta",
            words="the step j before the last one takes away what two neighbours differ by, and they differ by a gain",
        ),
        Statement(spent(0), "=", 1, name="last", words="the last step takes everything"),
        Statement(
            spent(j),
            "<=",
            (2 * j + 1) / (j + 1) ** 2,
            name="bound",
            words="so a step before the last one takes no more than this share, whatever T and the offset are",
            domain=steps_from(1, T - 1),
        ),
        Statement(
            (2 * j + 1) / (j + 1) ** 2,
            "<=",
            sp.Rational(3, 4),
            name="three quarters",
            words="and before the last one never more than three quarters: a clip from there on touches the last only",
            domain=steps_from(1, T - 1),
        ),
        Statement(
            spent(1),
            "=",
            1 - gain(0) ** 2 / (gain(0) + gain(1)) ** 2,
            name="tight",
            words="no smaller number will do: with two equal gains, as in the limit of many steps, it is reached",
        ),
        Statement(
            spent(j + 1),
            "<=",
            spent(j),
            name="grows",
            words="the variances grow towards the end, so what a clip touches is the end",
            domain=steps_from(0, T - 2),
        ),
        Statement(
            0,
            "<",
            (1 - clip) * signal(1, T),
            name="clipped",
            words="clipped at kappa, the last step leaves some signal: (1 - kappa) sin^2(delta)/cos^2(theta_0)",
        ),
    ),
    domain=steps_from(0, T - 1),
    scope="any T >= 3, any offset s >= 0: abar_t = cos^2(theta_t)/cos^2(theta_0), theta_t = (t/T + s)/(1 + s) pi/2, is "
    "abar_{T-j} = s_j^2/s_T^2 with s_j = sin(j delta), delta = pi/(2 T (1 + s)), whose gains are positive and fall, by "
    "the first statement; so for every schedule whose root, counted from the end, grows by less and less",
    sources=("Nichol and Dhariwal 2021, eq. 17", "derived here"),
    words="The clip at 0.999 is often said to tame the end of the schedule. It changes one step: without it no signal "
    "would be left, with it 2.4e-9 of its power at T = 1000 and s = 0.008.",
)


@cosine_clip.proves("sines")
def _(line: Chain) -> None:
    line(2 * sine_of(angle) - left(angle, step) - after(angle, step))
    line(
        2 * (1 - cosine(step)) * sine_of(angle),
        by=definition,
        why="the two cosines of the angle cancel: the addition theorem, once forwards and once backwards",
    )


@cosine_clip.proves("beta")
def _(line: Chain) -> None:
    line(1 - signal(j, T) / signal(j + 1, T))
    line(1 - root(j) ** 2 / root(j + 1) ** 2, by=definition, why="the root at T cancels")
    line(spent(j), by=[definition, last_term(j)], why="the next root has one gain more")


@cosine_clip.proves("last")
def _(line: Chain) -> None:
    line(spent(0))
    line(1, by=definition, why="a root of no gains is 0")


@cosine_clip.proves("bound")
def _(line: Chain) -> None:
    line(spent(j))
    line(1 - 1 / (1 + gain(j) / SumTo(gain(m), m, 0, j - 1)) ** 2, by=definition, why="over the square of the root")
    line.le(
        1 - 1 / (1 + gain(j) / SumTo(gain(j), m, 0, j - 1)) ** 2,
        by=monotone(positivity),
        why="no earlier gain is smaller than the next: a root is at least j times that",
    )
    line((2 * j + 1) / (j + 1) ** 2, why="1 + 1/j is (j + 1)/j, and (j + 1)^2 - j^2 = 2 j + 1")


@cosine_clip.proves("three quarters")
def _(line: Chain) -> None:
    line((2 * j + 1) / (j + 1) ** 2)
    line.le(sp.Rational(3, 4), by=positivity, why="3 (j + 1)^2 - 4 (2 j + 1) = (3 j + 1) (j - 1)")


@cosine_clip.proves("tight")
def _(line: Chain) -> None:
    line(spent(1))
    line(
        1 - gain(0) ** 2 / (gain(0) + gain(1)) ** 2,
        by=[definition, last_term(0)],
        why="a sum of one gain",
    )


@cosine_clip.proves("grows")
def _(line: Chain) -> None:
    start, here, there = root(j), root(j) + gain(j), root(j) + gain(j) + gain(j + 1)
    line(spent(j + 1))
    line(
        1 - here**2 / there**2,
        by=[definition, last_term(j)],
        why="the gains that come last, one by one",
    )
    line.le(1 - start**2 / here**2, by=positivity, why="the gain falls, and all else is positive")
    line(spent(j), by=definition, why="the step before, in its own words")


@cosine_clip.proves("clipped")
def _(line: Chain) -> None:
    line(0)
    line.lt((1 - clip) * root(1) ** 2 / root(T) ** 2, by=[definition, positivity], why="kappa < 1, and all gains count")
    line((1 - clip) * signal(1, T), by=definition, why="what the last step but one leaves, times 1 - kappa")
