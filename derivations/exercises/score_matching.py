"""Exercises on how a score is learned."""

from __future__ import annotations

from derivations.exercises import exercise
from derivations.flow.paths import level
from derivations.notation import d, eps, x
from derivations.rules import (
    POSITIVE,
    Chain,
    Div,
    Domain,
    Expect,
    Norm2,
    Normal,
    Statement,
    moments,
    scalar,
    vector_calculus,
)
from derivations.score.functions import noisy

gain = scalar("gain", "c")  # the slope of a linear model, s(x) = -c x

# --- without knowing the score ----------------------------------------------------------------------------------------

implicit = Expect(Normal(noisy, 0, 1), Div(-gain * noisy, noisy) + Norm2(gain * noisy) / 2)

by_parts_alone = exercise(
    "score_matching.linear_model",
    "A linear model finds the score of standard normal data without being told",
    Statement(implicit, "=", d / 2 * ((gain - 1) ** 2 - 1)),
)


@by_parts_alone.proves()
def _(line: Chain) -> None:
    line(implicit)
    line(
        Expect(Normal(noisy, 0, 1), -gain * d + gain**2 * Norm2(noisy) / 2),
        by=vector_calculus,
        why="each coordinate falls by c",
    )
    line(-gain * d + gain**2 * d / 2, by=moments, why="the mean squared length is d")
    line(d / 2 * ((gain - 1) ** 2 - 1), why="complete the square: least at c = 1, where the model is the score")


# --- from noise -------------------------------------------------------------------------------------------------------

drawn = x(0) + level * eps
denoising = Expect(Normal(x(0), 0, 1), Expect(Normal(eps, 0, 1), Norm2(eps / level - gain * drawn)))
best = 1 / (1 + level**2)

by_noise = exercise(
    "score_matching.linear_denoiser",
    "The same model, trained by denoising",
    Statement(denoising, "=", d * ((1 + level**2) * (gain - best) ** 2 + best / level**2)),
    domain=Domain({"level": POSITIVE}),
)


@by_noise.proves()
def _(line: Chain) -> None:
    line(denoising)
    line(
        d * (gain**2 + (1 / level - gain * level) ** 2),
        by=moments,
        why="the data are an error of c, the noise is predicted but for 1/sigma - c sigma",
    )
    line(
        d * ((1 + level**2) * (gain - best) ** 2 + best / level**2),
        why="complete the square: least at the slope of the noisy law's score, and not 0 there",
    )
