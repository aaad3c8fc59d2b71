"""Exercises on scales and weights."""

from __future__ import annotations

from derivations.exercises import exercise
from derivations.flow.paths import level, signal, x_0
from derivations.flow.preconditioning import as_noise, as_v, gain, kept, mean, noisy, power, ratio, share, spoil
from derivations.flow.units import answer, out, spread
from derivations.notation import d, eps, integrable
from derivations.rules import POSITIVE, UNIT, Chain, Domain, Norm2, Statement, by_claim
from derivations.score.functions import clean

# --- keep all of the input --------------------------------------------------------------------------------------------

LEVELS = Domain({"level": POSITIVE, "data_std": POSITIVE})

keep_all = exercise(
    "scales_and_weights.keep_all",
    "What is left for a network that keeps all of its input",
    Statement(mean(Norm2(clean - noisy)), "=", d * level**2, words="the noise, whatever the data are"),
    Statement(
        level**2 - out**2, "=", level**4 / (level**2 + spread**2), words="so much less is left at the best share"
    ),
    domain=LEVELS,
    hypotheses=(power, integrable),
)


@keep_all.proves()
def _(line: Chain) -> None:
    line(mean(Norm2(clean - noisy)))
    line(
        d * ((spread**2 + level**2) * (1 - spread**2 / (spread**2 + level**2)) ** 2 + out**2),
        by=by_claim("edm.preconditioning", "target", at={kept: 1}),
        why="the share is 1 instead of c_skip",
    )
    line(d * (level**4 + level**2 * spread**2) / (spread**2 + level**2), why="what c_skip takes off, and c_out^2")
    line(d * level**2, why="above the bar stands d varsigma^2 times the sum below it")


@keep_all.proves(1)
def _(line: Chain) -> None:
    line(level**2 - out**2)
    line(level**2 * (1 - spread**2 / (level**2 + spread**2)), why="c_out^2 is a share of sigma^2")
    line(level**4 / (level**2 + spread**2), why="the share that is left is the noise's part of the power")


# --- the weights that no answer sees ----------------------------------------------------------------------------------

unweighted = exercise(
    "scales_and_weights.unweighted",
    "The weight on the data error that leaves an answer unweighted",
    Statement(ratio * as_noise, "=", Norm2(answer - eps), words="for the noise: the signal-to-noise ratio"),
    Statement((1 + ratio) * as_v, "=", Norm2(answer - (gain * eps - spoil * x_0)), words="for v: one more"),
    domain=Domain({"signal_share": UNIT}),
)


@unweighted.proves()
def _(line: Chain) -> None:
    line(ratio * as_noise)
    line(
        Norm2(answer - eps),
        by=by_claim("weights.units", 0, at={signal: gain, level: spoil}),
        why="in units of the data the noise error counts one over the signal-to-noise ratio",
    )


@unweighted.proves(1)
def _(line: Chain) -> None:
    target = gain * eps - spoil * x_0
    line((1 + ratio) * as_v)
    line(
        (1 + ratio) * (1 - share) * Norm2(answer - target),
        by=by_claim("weights.units", 1, at={signal: gain, level: spoil}),
        why="signal and noise keep the power, so the factor is the noise's share",
    )
    line(Norm2(answer - target), why="1 + S is one over that share")
