"""Methods that look at one step only: DDIM is of first order, Heun's rule of second; their leading errors."""

from __future__ import annotations

import sympy as sp

from derivations.rules import (
    POSITIVE,
    Chain,
    Claim,
    D,
    Domain,
    Series,
    Statement,
    rate,
    rates,
    scalar,
    series,
    smoothness,
    vector_function,
)
from derivations.solvers.exact import STEP, exact, h, lam, m, y

k = scalar("varsigma_step", "k", positive=True)
level = scalar("varsigma_now", r"\varsigma")
field = vector_function("eps_field", r"\hat\epsilon")  # of x/a and sigma/a
slope, bend, jerk = rate(y(level)), rate(rate(y(level))), rate(rate(rate(y(level))))
KSTEP = Domain({"varsigma_step": POSITIVE})

frozen = exact(h) - (1 - sp.exp(-h)) * m(lam)
travelled = y(level + k) - y(level)

euler_error = Claim(
    id="solver.euler.local_error",
    title="DDIM is of first order",
    chapter="Solvers",
    kind="order",
    order=1,
    says=(
        Statement(
            Series(frozen, h, 3),
            "=",
            h**2 / 2 * rate(m(lam)),
            name="lambda",
            words="what one step of DDIM leaves out, over a_s, in lambda",
        ),
        Statement(
            Series(travelled - k * slope, k, 3),
            "=",
            k**2 / 2 * bend,
            name="varsigma",
            words="the same step in varsigma: Euler's, along a trajectory whose velocity is the predicted noise",
            domain=KSTEP,
        ),
        Statement(
            D(field(y(level), level), level),
            "=",
            rate(field(y(level), level), 1, slope) + rate(field(y(level), level), 2),
            name="total",
            words="the noise changes along the trajectory because the level does, and because x does",
            domain=KSTEP,
        ),
    ),
    domain=STEP,
    hypotheses=(
        smoothness(m, 2, "the remainder is made of second derivatives"),
        smoothness(y, 3, "the trajectory is smoother than the noise that drives it, by one derivative"),
        smoothness(field, 1, "the chain rule needs its derivatives"),
    ),
    scope="any dimension d, any path, any step; the error of one step. Over a fixed range the error of n steps is of "
    "first order in the largest of them where the denoiser is Lipschitz",
    sources=("Lu et al. 2022 (DPM-Solver)", "Song et al. 2021 (DDIM), eq. 14"),
    words="DDIM is exact as long as the network's answer does not change during the step. Twice the steps, half the "
    "error.",
)


@euler_error.proves("lambda")
def _(line: Chain) -> None:
    line(Series(frozen, h, 3))
    line(
        h * m(lam) + h**2 / 2 * (rate(m(lam)) - m(lam)) - (h - h**2 / 2) * m(lam),
        by=series,
        why="the exact step, and 1 - e^{-h}, in powers of h",
    )
    line(h**2 / 2 * rate(m(lam)), why="h m and h^2 m/2 cancel; the derivative is left")


@euler_error.proves("varsigma")
def _(line: Chain) -> None:
    line(Series(travelled - k * slope, k, 3))
    line(k**2 / 2 * bend, by=series, why="Taylor's formula along the trajectory: its first term is Euler's step")


@euler_error.proves("total")
def _(line: Chain) -> None:
    line(D(field(y(level), level), level))
    line(rate(field(y(level), level), 1, slope) + rate(field(y(level), level), 2), by=rates)


# --- Heun -------------------------------------------------------------------------------------------------------------

predicted = y(level) + k * slope
there = rate(y(level + k)) + field(predicted, level + k) - field(y(level + k), level + k)
heun = travelled - k / 2 * (slope + there)
second_order = k**3 * (-jerk / 12 + rate(field(y(level), level), 1, bend) / 4)

heun_error = Claim(
    id="solver.heun.local_error",
    title="Heun's rule is of second order",
    chapter="Solvers",
    kind="order",
    order=2,
    says=(
        Statement(
            Series(heun, k, 4),
            "=",
            second_order,
            name="error",
            words="a third derivative of the trajectory, and the Jacobian of the predicted noise at its second",
        ),
        Statement(
            Series(there, k, 3),
            "=",
            slope + k * bend + k**2 / 2 * (jerk - rate(field(y(level), level), 1, bend)),
            name="slope",
            words="the slope at the predicted point: on the trajectory the noise is its velocity, and the predicted "
            "point lies beside it by k^2/2 times the bend",
        ),
    ),
    domain=KSTEP,
    hypotheses=(
        smoothness(y, 4, "the remainder is made of fourth derivatives of the trajectory"),
        smoothness(field, 3, "and of third derivatives of the noise"),
    ),
    scope="any dimension d, any path, any step in sigma/a; the error of one step, and so second order over a fixed "
    "range on any grid where the predicted noise is Lipschitz",
    sources=("Karras et al. 2022 (EDM), algorithm 1",),
    words="The second evaluation is made beside the trajectory, and pays for it with a Jacobian: two methods of one "
    "order may differ by much in front of it.",
)


@heun_error.proves("slope")
def _(line: Chain) -> None:
    line(Series(there, k, 3))
    line(
        slope + k * bend + k**2 / 2 * (jerk - rate(field(y(level), level), 1, bend)),
        by=series,
        why="Taylor's formula at the predicted point and on the trajectory: they differ first in k^2",
    )


@heun_error.proves("error")
def _(line: Chain) -> None:
    line(Series(heun, k, 4))
    line(
        k * slope
        + k**2 / 2 * bend
        + k**3 / 6 * jerk
        - k / 2 * (2 * slope + k * bend + k**2 / 2 * (jerk - rate(field(y(level), level), 1, bend))),
        by=series,
    )
    line(
        second_order,
        why="k and k^2 cancel; of the third derivative 1/6 - 1/4 = -1/12 is left, of the field's change 1/4",
    )
