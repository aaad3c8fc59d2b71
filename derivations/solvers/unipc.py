"""UniPC: a predictor, and a corrector that reads the network where the predictor has led and gains an order."""

from __future__ import annotations

import sympy as sp

from derivations.rules import (
    Chain,
    Claim,
    Hypothesis,
    IntegralTo,
    Series,
    Statement,
    rate,
    scalar,
    series,
    smoothness,
    vector_function,
)
from derivations.solvers.exact import h, lam, y
from derivations.solvers.multistep import GRID, c_0, r_0

field = vector_function("clean_field", r"\hat x_0")  # of x/a and lambda
inside = scalar("inside_share", "v")


def seen(step: sp.Expr) -> sp.Expr:
    """The prediction along the trajectory: what pulls x/a is its velocity and itself."""
    return y(lam + step) + rate(y(lam + step))


def slope(order: int) -> sp.Expr:
    """The derivatives of that prediction where the step starts."""
    found = [y(lam)]
    for _ in range(order + 1):
        found.append(rate(found[-1]))
    return found[order] + found[order + 1]


def read_at(predicted: sp.Expr) -> sp.Expr:
    """The prediction at the end of the step, at a point beside the trajectory."""
    return seen(h) + field(predicted, lam + h) - field(y(lam + h), lam + h)


def jacobian(direction: sp.Expr) -> sp.Expr:
    """The derivative of the prediction by x/a."""
    return rate(field(y(lam), lam), 1, direction)


def moment(power: int) -> sp.Expr:
    """c_k: what a prediction v^k adds to x/a, v the share of the step."""
    return IntegralTo(h * sp.exp(-h * (1 - inside)) * inside**power, inside, 0, 1)


now, travelled = slope(0), y(lam + h) - sp.exp(-h) * y(lam)

# --- one value --------------------------------------------------------------------------------------------------------

by_ddim = sp.exp(-h) * y(lam) + c_0 * now


def missed_with(weight: sp.Expr) -> sp.Expr:
    """What the corrector of one value leaves out, over a_s, with B(h) = weight."""
    return travelled - c_0 * now - weight / 2 * (read_at(by_ddim) - now)


BENT = jacobian(slope(1)) / 4


def smooth(order: int) -> tuple[Hypothesis, ...]:
    """What the remainder of an error of h^order is made of."""
    return (
        smoothness(y, order, "the trajectory is smoother than what pulls it"),
        smoothness(field, order - 1, "the remainder is made of its derivatives"),
    )


unipc = Claim(
    id="solver.unipc.order",
    title="UniPC's corrector makes DDIM a method of second order",
    chapter="Solvers",
    kind="order",
    order=2,
    says=(
        Statement(
            Series(missed_with(c_0), h, 4),
            "=",
            h**3 * ((slope(1) - slope(2)) / 12 + BENT),
            name="B2",
            words="DDIM predicts, the network is asked there, and both answers are averaged, with B = 1 - e^{-h}",
        ),
        Statement(
            Series(missed_with(h), h, 4),
            "=",
            h**3 * (-(2 * slope(1) + slope(2)) / 12 + BENT),
            name="B1",
            words="with B = h the order is the same, and what stands in front of it another",
        ),
    ),
    domain=GRID,
    hypotheses=smooth(4),
    scope="any dimension d, any path, any step; the error of one step over a_s, begun on the exact trajectory, whose "
    "prediction is m = y + y' with y = x/a; J is the derivative of the prediction by x/a",
    sources=("Zhao et al. 2023 (UniPC)",),
    words="The answer at the predicted point is asked for anyway, by the next step. To use it twice is an order "
    "for nothing.",
)


@unipc.proves("B2")
def _(line: Chain) -> None:
    line(Series(missed_with(c_0), h, 4))
    line(
        h**3 * ((slope(1) - slope(2)) / 12 + BENT),
        by=series,
        why="of m' 1/6 + 1/4 - 1/3 = 1/12 is left, and DDIM's own error h^2 m'/2 comes in through J",
    )


@unipc.proves("B1")
def _(line: Chain) -> None:
    line(Series(missed_with(h), h, 4))
    line(
        h**3 * (-(2 * slope(1) + slope(2)) / 12 + BENT),
        by=series,
        why="h is 1 - e^{-h} and h^2/2 more, which takes h^3 m'/4",
    )


# --- two values -------------------------------------------------------------------------------------------------------

behind = seen(-r_0 * h)
by_2m = sp.exp(-h) * y(lam) + c_0 * (now + (now - behind) / (2 * r_0))
first, second = (moment(1) - moment(2)) / (1 + r_0), (r_0 * moment(1) + moment(2)) / (1 + r_0)
with_two = travelled - c_0 * now - first * (now - behind) / r_0 - second * (read_at(by_2m) - now)
of_2m = (slope(1) + (2 + 3 * r_0) * slope(2)) / 12

corrected_2m = Claim(
    id="solver.unipc.second_corrector",
    title="UniPC's second corrector makes 2M a method of third order",
    chapter="Solvers",
    kind="order",
    order=3,
    says=(
        Statement(
            Series(with_two, h, 5),
            "=",
            h**4 * (-(1 + 2 * r_0) / 72 * slope(3) + (2 + 3 * r_0) / (6 * (1 + r_0)) * jacobian(of_2m)),
            name="error",
            words="the parabola through the past, the present and the predicted answer; 2M's own error comes in by J",
        ),
    ),
    domain=GRID,
    hypotheses=smooth(5),
    scope="any dimension d, any path, any ratio r_0 > 0 of the step before to this one; the weights w of the divided "
    "differences have sum c_1, and sum c_2 with the places -r_0 and 1: c_2, and not c_2/2",
    sources=("Zhao et al. 2023 (UniPC)", "diffusers, scheduling_unipc_multistep.py"),
    words="No step ratio is forgotten, and no factorial: unlike the published multistep formula of third order this "
    "one has the order that it is said to have.",
)


@corrected_2m.proves("error")
def _(line: Chain) -> None:
    line(Series(with_two, h, 5))
    line(
        h**4 * (-(1 + 2 * r_0) / 72 * slope(3) + (2 + 3 * r_0) / (6 * (1 + r_0)) * jacobian(of_2m)),
        by=series,
        why="a parabola through three answers misses the third derivative; the point asked at misses what 2M does",
    )
