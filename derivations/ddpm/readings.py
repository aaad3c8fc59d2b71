"""What is easily read too fast: an encoder that matches the prior, one noise for all steps, and linear relabellings."""

from __future__ import annotations

import sympy as sp

from derivations.ddim.family import ANY_PAIR
from derivations.flow.paths import clean_of_noise
from derivations.notation import abar, d, obs, s, t, x, z
from derivations.rules import (
    KL,
    UNIT,
    Chain,
    Claim,
    Domain,
    Expect,
    Inner,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    below,
    definition,
    density,
    moments,
    scalar,
    vector,
)
from derivations.score.functions import another_way, one_way

# --- an encoder that matches the prior --------------------------------------------------------------------------------

prior = Normal(z, 0, 1)

trivial = Claim(
    id="vae.encoder.trivial",
    title="An encoder that matches the prior, and what it costs",
    chapter="Evidence lower bound",
    kind="identity",
    says=(
        Statement(KL(prior, Normal(z, 0, 1)), "=", 0, name="match", words="for every datum the latent term is 0"),
        Statement(
            LogDensity(Normal(obs, 0, 2)) - Expect(prior, LogDensity(Normal(obs, z, 1))),
            "=",
            Norm2(obs) / 4 + d * (1 - sp.log(2)) / 2,
            name="gap",
            words="and where the decoder does read the code, x given z from N(z, I), the bound is that far below the "
            "evidence",
        ),
    ),
    scope="any dimension d and any datum; the second statement for the decoder N(z, I) and the prior N(0, I), whose "
    "evidence is N(0, 2 I)",
    sources=("notes, Remark 1.6",),
    words="A match of the laws of codes is worth nothing by itself: this encoder says nothing of the datum. At x = 1 "
    "in one dimension it loses 0.4034 nats. What an encoder of little capacity lacks is another thing: the "
    "divergence from the model's posterior.",
)


@trivial.proves("match")
def _(line: Chain) -> None:
    line(KL(prior, Normal(z, 0, 1)))
    line(0, by=[definition, moments], why="the two log-densities are one")


@trivial.proves("gap")
def _(line: Chain) -> None:
    line(LogDensity(Normal(obs, 0, 2)) - Expect(prior, LogDensity(Normal(obs, z, 1))))
    line(
        -d * sp.log(4 * sp.pi) / 2 - Norm2(obs) / 4 - Expect(prior, -d * sp.log(2 * sp.pi) / 2 - Norm2(obs - z) / 2),
        by=density,
    )
    line(
        -d * sp.log(4 * sp.pi) / 2 - Norm2(obs) / 4 + d * sp.log(2 * sp.pi) / 2 + (Norm2(obs) + d) / 2,
        by=moments,
    )
    line(Norm2(obs) / 4 + d * (1 - sp.log(2)) / 2, why="log 4 pi = log 2 + log 2 pi")


# --- one noise for all steps ------------------------------------------------------------------------------------------

kept = abar(t) / abar(s)
early, late = Normal(x(s), sp.sqrt(abar(s)) * x(0), 1 - abar(s)), Normal(x(t), sp.sqrt(kept) * x(s), 1 - kept)
off_early, off_late = x(s) - sp.sqrt(abar(s)) * x(0), x(t) - sp.sqrt(abar(t)) * x(0)
TWO_STEPS = Domain(ANY_PAIR.intervals, ANY_PAIR.indices, ANY_PAIR.products, conditions=(below(abar(t), abar(s)),))

joint_law = Claim(
    id="ddpm.forward.joint_law",
    title="The jump has the law of each step, and not of two steps together",
    chapter="Forward process",
    kind="identity",
    says=(
        Statement(
            Expect(early, Expect(late, Inner(off_early, one_way) * Inner(off_late, another_way))),
            "=",
            sp.sqrt(kept) * (1 - abar(s)) * Inner(one_way, another_way),
            words="what two states of the chain share is the noise of the earlier one, as far as it is kept: not "
            "sqrt(1 - abar_s) sqrt(1 - abar_t), which one shared draw of the noise would give",
        ),
    ),
    domain=TWO_STEPS,
    scope="any dimension d, any T, any steps 1 <= s < t <= T, any two directions; x_0 given",
    sources=("notes, 2.3.1 and Remark 2.6",),
    words="Jumping from x_0 is drawing one state. Two jumps with one noise are no walk: on the linear schedule their "
    "covariance at steps 100 and 500 is ten times that of the chain.",
)


@joint_law.proves()
def _(line: Chain) -> None:
    line(Expect(early, Expect(late, Inner(off_early, one_way) * Inner(off_late, another_way))))
    line(
        Expect(early, Inner(off_early, one_way) * Inner(sp.sqrt(kept) * off_early, another_way)),
        by=moments,
        why="the fresh noise has mean 0",
    )
    line(sp.sqrt(kept) * (1 - abar(s)) * Inner(one_way, another_way), by=moments)


# --- affine, and not linear -------------------------------------------------------------------------------------------

share = scalar("signal_share", r"\bar\alpha")
state, noise, score = (
    vector("noisy_point", "x"),
    vector("prediction", r"\hat\epsilon"),
    vector("score_guess", r"\hat s"),
)
gain, spoil = sp.sqrt(share), sp.sqrt(1 - share)

lenses = Claim(
    id="lenses.affine",
    title="Four answers are one, by affine maps",
    chapter="Parameterizations",
    kind="identity",
    says=(
        Statement(
            clean_of_noise(gain, spoil, state, -spoil * score),
            "=",
            (state + (1 - share) * score) / gain,
            name="score",
            words="the data from a score, through the noise that it stands for",
        ),
        Statement(
            gain * noise - spoil * clean_of_noise(gain, spoil, state, noise),
            "=",
            (noise - spoil * state) / gain,
            name="v",
            words="v from a noise, with the data that the noise implies",
        ),
        Statement(
            clean_of_noise(gain, spoil, state, noise - noise),
            "=",
            state / gain,
            name="zero",
            words="affine and not linear: no noise predicted is x/sqrt(abar) predicted, and not 0",
        ),
    ),
    domain=Domain({"signal_share": UNIT}),
    scope="any dimension d, any point, any answer, abar in (0, 1)",
    sources=("staircase, One Object",),
    words="The maps depend on the point. They are linear in point and answer together.",
)


@lenses.proves("score")
def _(line: Chain) -> None:
    line(clean_of_noise(gain, spoil, state, -spoil * score))
    line((state + (1 - share) * score) / gain, by=definition)


@lenses.proves("v")
def _(line: Chain) -> None:
    line(gain * noise - spoil * clean_of_noise(gain, spoil, state, noise))
    line(gain * noise - spoil * (state - spoil * noise) / gain, by=definition)
    line((share * noise - spoil * state + (1 - share) * noise) / gain, why="over one denominator")
    line((noise - spoil * state) / gain, why="abar + (1 - abar) = 1: the noise stands there once")


@lenses.proves("zero")
def _(line: Chain) -> None:
    line(clean_of_noise(gain, spoil, state, noise - noise))
    line(state / gain, by=definition)
