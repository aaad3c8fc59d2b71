"""Exponential multistep methods on any grid: Adams and Bashforth's up to four values, and DPM-Solver++(2M).

A step of size h in lambda sees the predictions m now and at r_0 h, (r_0 + r_1) h, ... before; the ratios are free. The
prediction is interpolated by a polynomial through them, and the polynomial is integrated exactly.
"""

from __future__ import annotations

from functools import reduce
from itertools import accumulate

import sympy as sp

from derivations.rules import (
    POSITIVE,
    Chain,
    Claim,
    Domain,
    IntegralTo,
    Series,
    Statement,
    rate,
    scalar,
    series,
    smoothness,
)
from derivations.solvers.exact import exact, h, lam, m

share = scalar("step_share", "v")
r_0, r_1, r_2 = (scalar(f"ratio_{n}", f"r_{n}", positive=True) for n in range(3))
RATIOS = (r_0, r_1, r_2)
GRID = Domain({"lam_step": POSITIVE, **{f"ratio_{n}": POSITIVE for n in range(3)}})
back = [sp.S.Zero, *accumulate(RATIOS)]  # how far back the known predictions lie, in steps
c_0 = 1 - sp.exp(-h)


def slope(n: int) -> sp.Expr:
    """The n-th derivative of the prediction along the trajectory, where the step starts."""
    return reduce(lambda e, _: rate(e), range(n), m(lam))


def interpolated(count: int) -> sp.Expr:
    """The polynomial in the share of the step through the last `count` predictions."""
    total = sp.S.Zero
    for j, node in enumerate(back[:count]):
        others = [other for i, other in enumerate(back[:count]) if i != j]
        total += m(lam - node * h) * sp.Mul(*[(share + other) / (other - node) for other in others])
    return total


def bashforth(count: int) -> sp.Expr:
    """What a step through the last `count` predictions adds to x/a."""
    return IntegralTo(h * sp.exp(-h * (1 - share)) * interpolated(count), share, 0, 1)


def missed(count: int) -> sp.Expr:
    """The leading error: the next derivative, times the mean of the product of the distances to the known values."""
    product = sp.expand(sp.Mul(*[share + node for node in back[:count]]))
    mean = sp.Add(*[c / (power + 1) for (power,), c in sp.Poly(product, share).terms()])
    return h ** (count + 1) * mean / sp.factorial(count) * slope(count)


adams_bashforth = Claim(
    id="solver.exponential_ab.local_error",
    title="Exponential Adams–Bashforth methods have the order of their values",
    chapter="Solvers",
    kind="order",
    order=4,
    says=tuple(
        Statement(
            Series(exact(h) - bashforth(count), h, count + 2),
            "=",
            missed(count),
            name=f"{count} value{'s' if count > 1 else ''}",
            words=words,
        )
        for count, words in (
            (4, "through four values: of fourth order, whatever the three ratios"),
            (3, "through three: third order"),
            (2, "through two: second order, and no other term in front"),
            (1, "through one: DDIM"),
        )
    ),
    domain=GRID,
    hypotheses=(smoothness(m, 5, "the error is made of the next derivative"),),
    scope="any dimension d, any path, any fixed ratios of the steps > 0, past predictions read on the exact "
    "trajectory; the error of one step, over a_s",
    sources=("Hochbruck and Ostermann 2010, section 2.5", "Zhang and Chen 2023 (DEIS)"),
    words="Each further value that is kept costs no evaluation and gives an order, as long as the ratios of the steps "
    "stand in the weights.",
)


def _expanded(count: int) -> None:
    @adams_bashforth.proves(4 - count)
    def _(line: Chain) -> None:
        body = Series(exact(h) - bashforth(count), h, count + 2)
        line(body)
        line(
            Series(exact(h), h, count + 2) - Series(bashforth(count), h, count + 2),
            by=series,
            why="the exact step and the method's, each up to the same power",
        )
        line(missed(count), by=series, why="they agree in every lower power of h")


for number in (4, 3, 2, 1):
    _expanded(number)

# --- 2M ---------------------------------------------------------------------------------------------------------------

two_values = c_0 * (m(lam) + (m(lam) - m(lam - r_0 * h)) / (2 * r_0))
missed_by_2m = h**3 / 12 * (slope(1) + (2 + 3 * r_0) * slope(2))

second_order = Claim(
    id="solver.dpmpp_2m.local_error",
    title="DPM-Solver++(2M) is of second order on any grid",
    chapter="Solvers",
    kind="order",
    order=2,
    says=(
        Statement(
            Series(exact(h) - two_values, h, 4),
            "=",
            missed_by_2m,
            name="error",
            words="what one step leaves out, over a_s: a first derivative of the prediction is in it",
        ),
        Statement(
            Series(exact(h) - two_values - (exact(h) - bashforth(2)), h, 4),
            "=",
            h**3 / 12 * slope(1),
            name="beside AB2",
            words="that first derivative is all that sets it apart from the method which integrates the line exactly",
        ),
    ),
    domain=GRID,
    hypotheses=(smoothness(m, 3, "the error is made of second derivatives, and its remainder of third ones"),),
    scope="any dimension d, any path, any fixed ratio r_0 > 0, the past prediction read on the exact trajectory; the "
    "error of one step. With start values of second order the error over a fixed range is of second order where "
    "ratios stay in a bounded range and the denoiser is Lipschitz",
    sources=("Lu et al. 2022b (DPM-Solver++), algorithm 2",),
    words="The published rule puts c_0/2 before the difference, where the exact integral of the line puts c_1. Both "
    "are of second order; only the latter is exact for a prediction that changes steadily.",
)


@second_order.proves("error")
def _(line: Chain) -> None:
    line(Series(exact(h) - two_values, h, 4))
    line(
        h * slope(0)
        + h**2 / 2 * (slope(1) - slope(0))
        + h**3 / 6 * (slope(2) - slope(1) + slope(0))
        - (h - h**2 / 2 + h**3 / 6) * slope(0)
        - (h**2 / 2 - h**3 / 4) * slope(1)
        + h**3 * r_0 / 4 * slope(2),
        by=series,
        why="the exact step, and the method's",
    )
    line(
        h**3 / 12 * slope(1) + (h**3 / 6 + h**3 * r_0 / 4) * slope(2),
        why="sort by m, m', m'': of m nothing is left, of m' 1/4 - 1/6 = 1/12",
    )
    line(missed_by_2m, why="h^3/12 comes out of both terms")


@second_order.proves("beside AB2")
def _(line: Chain) -> None:
    line(Series(exact(h) - two_values - (exact(h) - bashforth(2)), h, 4))
    line(missed_by_2m - missed(2), by=series)
    line(h**3 / 12 * slope(1), why="(3 r_0 + 2)/12 = (r_0/2 + 1/3)/2: the terms with m'' cancel")


# --- the ratio forgotten ----------------------------------------------------------------------------------------------

equal_steps = c_0 * (3 * m(lam) - m(lam - r_0 * h)) / 2

forgotten = Claim(
    id="solver.multistep2.ratio_forgotten",
    title="Two values without their ratio: an order is lost",
    chapter="Solvers",
    kind="order",
    order=1,
    says=(
        Statement(
            Series(exact(h) - equal_steps, h, 3),
            "=",
            (1 - r_0) * h**2 / 2 * slope(1),
            name="error",
            words="weights of equal steps, used on others: no better than DDIM",
        ),
        Statement(
            Series((exact(h) - equal_steps).xreplace({r_0: sp.S.One}), h, 4),
            "=",
            missed_by_2m.xreplace({r_0: sp.S.One}),
            name="equal steps",
            words="on equal steps nothing is forgotten",
        ),
    ),
    domain=GRID,
    hypotheses=(smoothness(m, 3, "the error is made of second derivatives, and its remainder of third ones"),),
    scope="any dimension d, any path, any fixed ratio r_0 > 0; on a grid whose ratios tend to 1 with the step, second "
    "order survives",
    sources=("Lu et al. 2022b (DPM-Solver++)", "derived here"),
    words="The difference of the last two predictions is a slope only after it is divided by the step between them.",
)


@forgotten.proves("error")
def _(line: Chain) -> None:
    line(Series(exact(h) - equal_steps, h, 3))
    line(
        h * slope(0) + h**2 / 2 * (slope(1) - slope(0)) - (h - h**2 / 2) * slope(0) - h**2 * r_0 / 2 * slope(1),
        by=series,
    )
    line((1 - r_0) * h**2 / 2 * slope(1), why="h m and h^2 m/2 cancel; h^2/2 and -r_0 h^2/2 of m' are left")


@forgotten.proves("equal steps")
def _(line: Chain) -> None:
    line(Series((exact(h) - equal_steps).xreplace({r_0: sp.S.One}), h, 4))
    line(missed_by_2m.xreplace({r_0: sp.S.One}), by=series)
