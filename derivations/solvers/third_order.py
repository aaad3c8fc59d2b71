"""Three values: the right coefficient of the second difference, the published one, and what one poorer step costs."""

from __future__ import annotations

import sympy as sp

from derivations.rules import POSITIVE, Chain, Claim, Domain, Series, Statement, scalar, series, smoothness
from derivations.solvers.exact import exact, h, lam, m
from derivations.solvers.multistep import GRID, bashforth, c_0, missed, r_0, r_1, slope

c_1 = 1 - c_0 / h
c_2 = 1 - 2 * c_1 / h
m_0, m_1, m_2 = m(lam), m(lam - r_0 * h), m(lam - (r_0 + r_1) * h)
first, before = (m_0 - m_1) / r_0, (m_1 - m_2) / r_1
d_1 = first + r_0 * (first - before) / (r_0 + r_1)
d_2 = (first - before) / (r_0 + r_1)
phi_3 = ((sp.exp(-h) - 1) / h + 1) / h - sp.Rational(1, 2)


def third(second_difference: sp.Expr) -> sp.Expr:
    """The multistep step with this coefficient of the second difference D_2."""
    return c_0 * m_0 + c_1 * d_1 + second_difference * d_2


third_order = Claim(
    id="solver.multistep3.local_error",
    title="The third-order multistep step, with the right coefficient",
    chapter="Solvers",
    kind="order",
    order=3,
    says=(
        Statement(
            Series(exact(h) - third(c_2), h, 5),
            "=",
            missed(3),
            name="error",
            words="of third order on any grid: the error is that of the method through three values",
        ),
        Statement(
            Series(d_2, h, 3),
            "=",
            h**2 / 2 * slope(2),
            name="difference",
            words="the half of Taylor's formula is in the second difference already",
        ),
        Statement(c_2, "=", -2 * phi_3, name="coefficient", words="so its coefficient is twice the published one"),
        Statement(
            Series(third(c_2), h, 5),
            "=",
            Series(bashforth(3), h, 5),
            name="same method",
            words="the two ways to write it agree",
        ),
    ),
    domain=GRID,
    hypotheses=(smoothness(m, 4, "the error is made of third derivatives, and its remainder of fourth ones"),),
    scope="any dimension d, any path, any fixed ratios r_0, r_1 > 0, past predictions read on the exact "
    "trajectory; the error of one step, over a_s. With start values of third order the error over a fixed range "
    "is of third order",
    sources=("Lu et al. 2022b (DPM-Solver++)", "Hochbruck and Ostermann 2010", "derived here"),
    words="What is integrated is a parabola through three predictions. Its second difference is half a derivative.",
)


@third_order.proves("error")
def _(line: Chain) -> None:
    line(Series(exact(h) - third(c_2), h, 5))
    line(Series(exact(h), h, 5) - Series(third(c_2), h, 5), by=series)
    line(missed(3), by=series)


@third_order.proves("difference")
def _(line: Chain) -> None:
    line(Series(d_2, h, 3))
    line(h**2 / 2 * slope(2), by=series)


@third_order.proves("coefficient")
def _(line: Chain) -> None:
    line(c_2)
    line(-2 * phi_3, why="the 2 comes out of the bracket, and -(1 - e^{-h}) = e^{-h} - 1")


@third_order.proves("same method")
def _(line: Chain) -> None:
    line(Series(third(c_2), h, 5))
    line(Series(bashforth(3), h, 5), by=series)


# --- as published -----------------------------------------------------------------------------------------------------

published = Claim(
    id="solver.multistep3.published_coefficient",
    title="The third-order multistep step as published",
    chapter="Solvers",
    kind="order",
    order=3,
    says=(
        Statement(
            Series(exact(h) - third(-phi_3), h, 4),
            "=",
            0 * slope(3),
            name="error",
            words="an error of fourth order in one step, as a method of third order has it",
        ),
    ),
    domain=GRID,
    hypotheses=(smoothness(m, 3),),
    scope="as published: the coefficient phi_3 of D_2, exact start values, any r_0, r_1 > 0",
    sources=(
        "public, https://github.com/huggingface/diffusers, multistep_dpm_solver_third_order_update",
        "public, https://github.com/crowsonkb/k-diffusion, sample_dpmpp_3m_sde",
        "public, https://github.com/LuChengTHU/dpm-solver, multistep_dpm_solver_third_update",
    ),
    expects="refuted",
    corrected_by="solver.multistep3.published_order",
    words="The second difference D_2 tends to h^2 m''/2, so it meets the integral of u^2 and not half of it: the "
    "factor 2 is lost, and an order with it.",
)

published_order = Claim(
    id="solver.multistep3.published_order",
    title="The published third-order step is of second order",
    chapter="Solvers",
    kind="order",
    order=2,
    says=(
        Statement(
            Series(exact(h) - third(-phi_3), h, 4),
            "=",
            h**3 / 12 * slope(2),
            name="error",
            words="what is lost, over a_s: no ratio of steps makes it vanish",
        ),
    ),
    domain=GRID,
    hypotheses=(smoothness(m, 3, "the error is made of second derivatives, and its remainder of third ones"),),
    scope="any dimension d, any path, any fixed ratios r_0, r_1 > 0, past predictions read on the exact "
    "trajectory; the error of one step, over a_s",
    sources=("derived here",),
    words="With -2 phi_3 in the place of -phi_3 the term vanishes, and the step is of third order.",
)


@published_order.proves("error")
def _(line: Chain) -> None:
    line(Series(exact(h) - third(-phi_3), h, 4))
    line(
        Series(exact(h) - third(c_2), h, 4) + Series((c_2 + phi_3) * d_2, h, 4),
        by=series,
        why="the right step, and the half of the second difference that is missing",
    )
    line(h**3 / 12 * slope(2), by=series, why="c_2 = h/3 + O(h^2)")


# --- first steps and last ones ----------------------------------------------------------------------------------------

width = scalar("first_share", r"\theta", positive=True)  # the first step, in units of h
after = scalar("lam_left", "L", positive=True)  # what is left of lambda after the first step
START = Domain({"lam_step": POSITIVE, "first_share": POSITIVE, "lam_left": POSITIVE})
opening = (exact(h) - c_0 * m(lam)).xreplace({h: width * h})

start = Claim(
    id="solver.start.lower_order",
    title="One step of lower order caps the order",
    chapter="Solvers",
    kind="order",
    order=1,
    says=(
        Statement(
            Series(sp.exp(-after) * opening, h, 3),
            "=",
            sp.exp(-after) * width**2 * h**2 / 2 * slope(1),
            name="carried",
            words="the error of one step of DDIM at the start, carried to the end: h^2 is left of it, whatever follows",
        ),
        Statement(
            Series(exact(h) - c_0 * m(lam) - c_1 * (m(lam + h) - m(lam)), h, 4),
            "=",
            -(h**3) / 12 * slope(2),
            name="corrected",
            words="corrected with the prediction at the point that was reached, the first step is of second order",
        ),
    ),
    domain=START,
    hypotheses=(smoothness(m, 3, "the error is made of second derivatives, and its remainder of third ones"),),
    scope="any dimension d, any path, predictions that are a given function of lambda: then an error in x/a shrinks by "
    "e^{-L} on the way, and steps that follow add theirs to it",
    sources=("Hochbruck and Ostermann 2010", "diffusers, lower_order_nums", "derived here"),
    words="A method of third order that starts with DDIM, or ends with it, is of second order over the whole way: one "
    "step's h^2 stays. A start that evaluates once more does not pay this.",
)


@start.proves("carried")
def _(line: Chain) -> None:
    line(Series(sp.exp(-after) * opening, h, 3))
    line(sp.exp(-after) * Series(opening, h, 3), by=series)
    line(sp.exp(-after) * width**2 * h**2 / 2 * slope(1), by=series)


@start.proves("corrected")
def _(line: Chain) -> None:
    line(Series(exact(h) - c_0 * m(lam) - c_1 * (m(lam + h) - m(lam)), h, 4))
    line(
        h**2 / 2 * slope(1)
        + h**3 / 6 * (slope(2) - slope(1))
        - h**2 / 2 * slope(1)
        - h**3 * (slope(2) / 4 - slope(1) / 6),
        by=series,
    )
    line(-(h**3) / 12 * slope(2), why="m' cancels, and of m'' 1/6 - 1/4 = -1/12 is left")
