"""The way back: every amount of noise has a drift with which the marginals stay what they were.

Here q(x, t) is any smooth positive density that moves in time. Each claim compares what two processes do to it, the
right sides of their Fokker-Planck equations: where those are the same, what solves one equation solves the other. A
process that runs backwards in time spreads its density backwards, so its Laplacian has the other sign.
"""

from __future__ import annotations

import sympy as sp

from derivations.notation import smooth
from derivations.rules import (
    NONNEGATIVE,
    POSITIVE,
    Chain,
    Claim,
    Div,
    Domain,
    Grad,
    Laplacian,
    Statement,
    by_claim,
    define,
    definition,
    scalar,
    scalar_function,
    vector_calculus,
    vector_function,
)
from derivations.sde.fokker_planck import x
from derivations.sde.laws import beta, f, g_squared, t

density = scalar_function("density_at", "q", positive=True)
spread = scalar_function("spread_at", "D")
velocity = vector_function("velocity_at", "u")
share = scalar("noise_share", r"\lambda")
level = scalar("level", r"\varsigma", positive=True)

q, u, spread_here = density(x, t), velocity(x, t), spread(x, t)
score = Grad(sp.log(q), x)
MOVING = {"time": POSITIVE, "density_at": POSITIVE}
RATES = Domain({**MOVING, "noise_rate": POSITIVE})
VP = Domain({**MOVING, "vp_rate": POSITIVE, "level": POSITIVE})
ANY = "any dimension d, any smooth positive density q(x, t), any rates f and g^2 > 0; that a process has these "
ANY += "marginals needs besides that its Fokker-Planck equation has one solution"


def forwards(drift: sp.Expr, noise: sp.Expr) -> sp.Expr:
    """What dx = drift dt + sqrt(2 noise) dw does to q: - div(drift q) + Laplacian(noise q)."""
    return -Div(drift * q, x) + Laplacian(noise * q, x)


def backwards(drift: sp.Expr, noise: sp.Expr) -> sp.Expr:
    """The same of a process that runs from the end to the start, with t still counted from the start."""
    return -Div(drift * q, x) - Laplacian(noise * q, x)


# --- noise on any flow ------------------------------------------------------------------------------------------------

noise_family = Claim(
    id="sde.noise_family",
    title="Any amount of noise may be added to a flow without changing its marginals",
    chapter="SDE",
    kind="identity",
    says=(
        Statement(
            -Div(u * q, x),
            "=",
            forwards(u + spread_here * score + Grad(spread_here, x), spread_here),
            name="forwards",
            words="dx = [u + D grad log q + grad D] dt + sqrt(2 D) dw does to q what x' = u does",
        ),
        Statement(
            -Div(u * q, x),
            "=",
            backwards(u - spread_here * score - Grad(spread_here, x), spread_here),
            name="backwards",
            words="and so does dx = [u - D grad log q - grad D] dt + sqrt(2 D) dw from the end to the start",
        ),
    ),
    domain=Domain({**MOVING, "spread_at": NONNEGATIVE}),
    hypotheses=(smooth,),
    scope="any dimension d, any smooth positive density q(x, t), any velocity u(x, t), flow matching's among them, any "
    "isotropic noise 2 D(x, t) >= 0, wherever it is put; uniqueness of the solution is another matter",
    sources=("Karras et al. 2022 (EDM), appendix B.5", "Albergo et al. 2023 (stochastic interpolants)"),
    words="Noise flattens a density, the score drives it back together: D grad log q is the drift at which the two "
    "balance. One may add as much noise as one likes, at any time and place, if one pays for it with the score.",
)


@noise_family.proves("forwards")
def _(line: Chain) -> None:
    driven = u + spread_here * score + Grad(spread_here, x)
    line(-Div(u * q, x))
    line(
        -Div(driven * q, x) + Div(spread_here * Grad(q, x) + q * Grad(spread_here, x), x),
        by=vector_calculus,
        why="q grad log q = grad q",
    )
    line(forwards(driven, spread_here), by=vector_calculus, why="D grad q + q grad D is the gradient of D q")


@noise_family.proves("backwards")
def _(line: Chain) -> None:
    driven = u - spread_here * score - Grad(spread_here, x)
    line(-Div(u * q, x))
    line(
        -Div(driven * q, x) - Div(spread_here * Grad(q, x) + q * Grad(spread_here, x), x),
        by=vector_calculus,
        why="q grad log q = grad q",
    )
    line(backwards(driven, spread_here), by=vector_calculus)


# --- no noise: the probability-flow ODE -------------------------------------------------------------------------------

pull, noise = f(t) * x, g_squared(t) / 2
flow = pull - noise * score
best_noise = define("noise_in", r"\epsilon^*", lambda s, slope: -s * slope, is_vector_valued=True)

probability_flow = Claim(
    id="ode.probability_flow",
    title="The probability-flow ODE",
    chapter="SDE",
    kind="identity",
    says=(
        Statement(
            forwards(pull, noise),
            "=",
            -Div(flow * q, x),
            name="marginals",
            words="x' = f x - g^2/2 grad log q does to q what dx = f x dt + g dw does",
        ),
        Statement(
            -beta(t) / 2 * (x + score),
            "=",
            -beta(t) / 2 * (x - best_noise(level, score) / level),
            name="noise",
            domain=VP,
            words="for VP, through the expected noise eps* = - sigma grad log q: it is subtracted, over its level",
        ),
    ),
    domain=RATES,
    hypotheses=(smooth,),
    scope=ANY,
    sources=("Song et al. 2021b (score SDE), eq. 13", "staircase, The SDE View", "slides, Connection to SDEs"),
    words="Half of g^2 times the score replaces all of the noise: the same law at each time, with no chance in it but "
    "the start.",
)


@probability_flow.proves("marginals")
def _(line: Chain) -> None:
    line(forwards(pull, noise))
    line(
        forwards(flow + noise * score + Grad(noise, x), noise),
        by=vector_calculus,
        why="the flow, and what D = g^2/2 costs: this D is the same everywhere",
    )
    line(
        -Div(flow * q, x),
        by=vector_calculus,
        why="the noise of the flow, taken out again",
    )


@probability_flow.proves("noise")
def _(line: Chain) -> None:
    line(-beta(t) / 2 * (x + score))
    line(-beta(t) / 2 * (x - best_noise(level, score) / level), by=definition)


# --- all amounts of noise ---------------------------------------------------------------------------------------------

back_drift = pull - (1 + share**2) / 2 * g_squared(t) * score
back_noise = share**2 * g_squared(t) / 2

family = Claim(
    id="sde.family",
    title="One parameter's worth of reverse processes",
    chapter="SDE",
    kind="identity",
    says=(
        Statement(
            forwards(pull, noise),
            "=",
            backwards(back_drift, back_noise),
            name="marginals",
            words="dx = [f x - (1 + lambda^2)/2 g^2 grad log q] dt + lambda g dw, run from the end to the start, "
            "undoes dx = f x dt + g dw",
        ),
    ),
    domain=Domain({**RATES.intervals, "noise_share": NONNEGATIVE}),
    hypotheses=(smooth,),
    scope=ANY + "; lambda >= 0: 0 is the flow, 1 Anderson's reverse",
    sources=("slides, Connection to SDEs (Consequences)", "Zhang and Chen 2021 (diffusion normalizing flow)"),
    words="Each amount of fresh noise is paid for with so much more of the score. lambda may even change on the way: "
    "nothing here asks what it was a moment ago.",
)


@family.proves()
def _(line: Chain) -> None:
    line(forwards(pull, noise))
    line(-Div(flow * q, x), by=by_claim("ode.probability_flow", part="marginals"))
    line(-Div(back_drift * q, x) - back_noise * Div(q * score, x), by=vector_calculus, why="lambda^2 g^2/2 more score")
    line(backwards(back_drift, back_noise), by=vector_calculus, why="q grad log q = grad q")


# --- as much noise as on the way there --------------------------------------------------------------------------------

reverse = Claim(
    id="sde.reverse",
    title="The reverse-time SDE",
    chapter="SDE",
    kind="identity",
    says=(
        Statement(
            forwards(pull, noise),
            "=",
            backwards(pull - g_squared(t) * score, noise),
            name="marginals",
            words="dx = [f x - g^2 grad log q] dt + g dw, run from the end to the start",
        ),
        Statement(
            -beta(t) / 2 * x - beta(t) * score,
            "=",
            -beta(t) / 2 * x + beta(t) / level * best_noise(level, score),
            name="noise",
            domain=VP,
            words="for VP, through the expected noise: it is added, over its level, and t runs down",
        ),
        Statement(
            backwards(pull - g_squared(t) * score, noise),
            "=",
            -Div(flow * q, x),
            name="flow",
            words="what the score does beyond the flow's half is undone by the fresh noise",
        ),
    ),
    domain=RATES,
    hypotheses=(smooth,),
    scope=ANY + "; for data on a thin set only at times t > 0, where q is a density",
    sources=("Anderson 1982", "Song et al. 2021b (score SDE), eq. 6", "staircase, The SDE View"),
    words="The price for going backwards is the score. Everything else in the equation one has chosen oneself.",
)


@reverse.proves("marginals")
def _(line: Chain) -> None:
    line(forwards(pull, noise))
    line(
        backwards(pull - g_squared(t) * score, noise),
        by=by_claim("sde.family", part="marginals", at={share: sp.S.One}),
        why="lambda = 1",
    )


@reverse.proves("noise")
def _(line: Chain) -> None:
    line(-beta(t) / 2 * x - beta(t) * score)
    line(-beta(t) / 2 * x + beta(t) / level * best_noise(level, score), by=definition)


@reverse.proves("flow")
def _(line: Chain) -> None:
    line(backwards(pull - g_squared(t) * score, noise))
    line(-Div(flow * q, x), by=vector_calculus, why="g^2/2 q grad log q is g^2/2 grad q")
