"""What a guided step does: when a shift of the mean is the tilted law exactly, and how wrong it is otherwise."""

from __future__ import annotations

import sympy as sp

from derivations.guidance.classifier import variance
from derivations.guidance.classifier_free import guidance
from derivations.notation import d
from derivations.rules import (
    NONNEGATIVE,
    POSITIVE,
    Chain,
    Claim,
    Domain,
    Inner,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    density,
    scalar,
    vector,
)
from derivations.sde.fokker_planck import x

centre, gradient = vector("step_centre", r"\mu"), vector("log_classifier_slope", "g")
bend = scalar("log_classifier_bend", "h")
narrowed = 1 + guidance * variance * bend

# --- classifier guidance ----------------------------------------------------------------------------------------------

exponential_tilt = Claim(
    id="guidance.classifier.exponential_tilt",
    title="When shifting the mean of a step is exact",
    chapter="Guidance",
    kind="identity",
    says=(
        Statement(
            LogDensity(Normal(x, centre, variance)) + guidance * Inner(gradient, x),
            "=",
            LogDensity(Normal(x, centre + guidance * variance * gradient, variance))
            + guidance * Inner(gradient, centre)
            + guidance**2 * variance * Norm2(gradient) / 2,
            name="linear",
            words="tilted by a classifier whose logarithm is linear, a normal step keeps its variance: its mean moves "
            "by w sigma^2 times the gradient, and the rest is a number",
        ),
        Statement(
            LogDensity(Normal(x, centre, variance)) + guidance * (Inner(gradient, x) - bend * Norm2(x) / 2),
            "=",
            LogDensity(
                Normal(x, (centre + guidance * variance * gradient) / narrowed, variance / narrowed),
            )
            - guidance * bend / (2 * narrowed) * Norm2(centre)
            + guidance / narrowed * Inner(gradient, centre)
            + guidance**2 * variance / (2 * narrowed) * Norm2(gradient)
            - sp.log(narrowed) * d / 2,
            name="bent",
            words="one that bends narrows the step too: then the shift alone is wrong, by a factor that tends to 1 "
            "with sigma^2",
        ),
    ),
    domain=Domain({"guidance": NONNEGATIVE, "step_variance": POSITIVE, "log_classifier_bend": NONNEGATIVE}),
    scope="any dimension d, isotropic steps, log p(c | x) = <g, x> - h |x|^2/2 up to a constant with h >= 0; any "
    "w >= 0",
    sources=("Dhariwal and Nichol 2021, algorithm 1 and appendix H",),
    words="The gradient is taken at one point and believed at all others. Where the classifier bends on the scale of "
    "a step that is not so, and the error is of second order in the step's spread.",
)


@exponential_tilt.proves("linear")
def _(line: Chain) -> None:
    line(LogDensity(Normal(x, centre, variance)) + guidance * Inner(gradient, x))
    line(
        LogDensity(Normal(x, centre + guidance * variance * gradient, variance))
        + guidance * Inner(gradient, centre)
        + guidance**2 * variance * Norm2(gradient) / 2,
        by=density,
        why="complete the square",
    )


@exponential_tilt.proves("bent")
def _(line: Chain) -> None:
    line(LogDensity(Normal(x, centre, variance)) + guidance * (Inner(gradient, x) - bend * Norm2(x) / 2))
    line(exponential_tilt.says[1].rhs, by=density, why="complete the square: the precision is 1/sigma^2 + w h")
