"""One datum: every deterministic method is exact, on every grid."""

from __future__ import annotations

from derivations.ddim.as_euler import a_s, a_t, sigma_s, sigma_t
from derivations.flow.few_steps import a_m, sigma_m, start, stepped
from derivations.flow.paths import noise_of_clean
from derivations.rules import POSITIVE, Chain, Claim, Domain, Statement, definition, scalar, vector

only = vector("only_datum", "c")
w_1, w_2 = scalar("past_weight_1", "w_1"), scalar("past_weight_2", "w_2")
landed = stepped(start, only, a_t, sigma_t, a_s, sigma_s)
NAMES = ("signal_t", "signal_m", "signal_s", "level_t", "level_m", "level_s")

constant = Claim(
    id="solver.constant_denoiser.exact",
    title="A constant denoiser is integrated exactly by every method",
    chapter="Solvers",
    kind="identity",
    says=(
        Statement(
            landed - a_s * only,
            "=",
            sigma_s / sigma_t * (start - a_t * only),
            name="flow",
            words="a step keeps the direction from the datum and shrinks it as the noise shrinks: the exact flow",
        ),
        Statement(
            stepped(stepped(start, only, a_t, sigma_t, a_m, sigma_m), only, a_m, sigma_m, a_s, sigma_s),
            "=",
            landed,
            name="grid",
            words="so two steps are one, and any grid is as good as any other",
        ),
        Statement(
            noise_of_clean(a_s, sigma_s, landed, only),
            "=",
            noise_of_clean(a_t, sigma_t, start, only),
            name="noise",
            words="the noise that is seen is the same at both ends: Heun's mean of the two is either",
        ),
        Statement(
            stepped(start, (1 + w_1 + w_2) * only - w_1 * only - w_2 * only, a_t, sigma_t, a_s, sigma_s),
            "=",
            landed,
            name="multistep",
            words="and multistep methods, whose weights add up to 1, see nothing but the datum",
        ),
        Statement(
            stepped(start, only, a_t, sigma_t, 1, 0),
            "=",
            only,
            name="end",
            words="the last step lands on it, from anywhere",
        ),
    ),
    domain=Domain({name: POSITIVE for name in NAMES}),
    scope="any dimension d, any path, any grid, any start, any weights of past predictions",
    sources=("derived here",),
    words="A test of a sampler that no sampler fails, and one that shows an error at once. With two data none of it is "
    "exact: the answer then changes on the way.",
)


@constant.proves("flow")
def _(line: Chain) -> None:
    line(landed - a_s * only)
    line(sigma_s / sigma_t * (start - a_t * only), by=definition)


@constant.proves("grid")
def _(line: Chain) -> None:
    half = a_m * only + sigma_m / sigma_t * (start - a_t * only)
    line(stepped(stepped(start, only, a_t, sigma_t, a_m, sigma_m), only, a_m, sigma_m, a_s, sigma_s))
    line(
        stepped(half, only, a_m, sigma_m, a_s, sigma_s),
        by=definition,
        why="write the inner step out: a_m of the datum, and the noise scaled from sigma_t to sigma_m",
    )
    line(landed, by=definition, why="the outer step takes a_m c off again, and sigma_m cancels: one step from t to s")


@constant.proves("noise")
def _(line: Chain) -> None:
    line(noise_of_clean(a_s, sigma_s, landed, only))
    line((landed - a_s * only) / sigma_s, by=definition)
    line((start - a_t * only) / sigma_t, by=definition)
    line(noise_of_clean(a_t, sigma_t, start, only), by=definition)


@constant.proves("multistep")
def _(line: Chain) -> None:
    line(stepped(start, (1 + w_1 + w_2) * only - w_1 * only - w_2 * only, a_t, sigma_t, a_s, sigma_s))
    line(landed, by=definition, why="(1 + w_1 + w_2) - w_1 - w_2 = 1: the prediction is the datum itself")


@constant.proves("end")
def _(line: Chain) -> None:
    line(stepped(start, only, a_t, sigma_t, 1, 0))
    line(only, by=definition)
