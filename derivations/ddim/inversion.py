"""Walking a deterministic DDIM step up and down again: what does not come back, in units of the signal, x/a."""

from __future__ import annotations

from typing import Any

from derivations.rules import Chain, Claim, Series, Statement, rate, series, smoothness
from derivations.sde.fokker_planck import x
from derivations.solvers.one_step import KSTEP, field, k, level

answer = field(x, level)


def bent(direction: Any) -> Any:
    """The Jacobian of the predicted noise at the start, times a direction."""
    return rate(answer, 1, direction)


change = bent(answer) + rate(answer, 2)  # of the predicted noise along the flow
guess = x + k * answer
refined = x + k * field(guess, level + k)
ahead = x + k * field(x, level + k)


def down(y: Any) -> Any:
    """DDIM's step from varsigma + k back to varsigma."""
    return y - k * field(y, level + k)


round_trip = Claim(
    id="ddim.inversion.round_trip",
    title="What a DDIM inversion loses on its way up and down",
    chapter="DDIM",
    kind="limit",
    says=(
        Statement(
            Series(down(guess) - x, k, 3),
            "=",
            -(k**2) * change,
            name="explicit",
            words="up with the answer at the start, down with the answer at the end: what is lost is how much the "
            "answer changed",
        ),
        Statement(
            Series(down(refined) - x, k, 4),
            "=",
            -(k**3) * bent(change),
            name="refined",
            words="asked once more where the first guess leads, a power of the step is gained, and a Jacobian",
        ),
        Statement(
            Series(down(ahead) - x, k, 3),
            "=",
            -(k**2) * bent(answer),
            name="asked ahead",
            words="asked at the start but with the level of the end, only the change with x is lost",
        ),
    ),
    domain=KSTEP,
    hypotheses=(smoothness(field, 3, "the remainders are made of third derivatives"),),
    scope="any dimension d, any path in units of its signal, any network that is smooth in x and in the noise ratio; "
    "one step of size k in that ratio, so a round trip of many steps loses one power of k less",
    sources=("Song et al. 2021 (DDIM), section 4.3", "derived here"),
    words="The step down is implicit when it is read upwards. Each refinement is one fixed-point iteration of that "
    "equation, and brings the Jacobian of the answer times the step; where that product is not small it does not help.",
)


@round_trip.proves("explicit")
def _(line: Chain) -> None:
    line(Series(down(guess) - x, k, 3))
    line(-(k**2) * change, by=series, why="the answers cancel in first order")


@round_trip.proves("refined")
def _(line: Chain) -> None:
    line(Series(down(refined) - x, k, 4))
    line(-(k**3) * bent(change), by=series, why="k times the Jacobian, times what the first guess lost")


@round_trip.proves("asked ahead")
def _(line: Chain) -> None:
    line(Series(down(ahead) - x, k, 3))
    line(-(k**2) * bent(answer), by=series, why="both answers are at one level")
