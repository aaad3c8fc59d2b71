"""The simple loss: what it is, and why only a network free to answer each t separately shares its optimum."""

from __future__ import annotations

import itertools
from fractions import Fraction
from random import Random

import sympy as sp

from derivations.ddpm.forward import jump, noise
from derivations.ddpm.gaussian_elbo import WHOLE_CHAIN
from derivations.ddpm.means import eps_hat
from derivations.ddpm.weighted_losses import w_eps
from derivations.notation import (
    T,
    abar,
    beta_tilde,
    d,
    eps,
    eps_theta,
    forward_markov,
    gaussian_forward,
    i,
    marginal,
    q,
    schedule,
    t,
    x,
)
from derivations.refutation.laws import number
from derivations.refutation.worlds import World
from derivations.rules import (
    POSITIVE,
    Chain,
    Claim,
    Domain,
    Expect,
    Norm2,
    Normal,
    Statement,
    SumTo,
    by_claim,
    define,
    definition,
    identify,
    moments,
    reparameterize,
    scalar,
    scalar_function,
)

# --- the simple loss --------------------------------------------------------------------------------------------------

data = q(x(0))
step_loss = define(
    "L_step",
    r"\mathcal L",
    lambda n: Expect(data, Expect(noise, Norm2(eps - eps_theta(jump(n), n)))),
    notation=False,
)
simple = define(
    "L_simple",
    r"\mathcal L^{\mathrm{simple}}",
    lambda n: SumTo(Expect(data, Expect(noise, Norm2(eps - eps_theta(jump(i), i)))), i, 1, n) / n,
    notation=False,
)

loss_simple = Claim(
    id="ddpm.loss.simple",
    title="Simplified objective",
    chapter="ELBO to loss",
    kind="definition",
    says=(
        Statement(
            simple(T),
            "=",
            SumTo(Expect(data, Expect(noise, Norm2(eps - eps_theta(jump(t), t)))), t, 1, T) / T,
            words="the mean over t drawn uniformly from 1..T, over data and over noise",
        ),
        Statement(simple(T), "=", SumTo(step_loss(t), t, 1, T) / T, words="every step counts the same"),
        Statement(
            step_loss(t),
            "=",
            Expect(data, Expect(q(x(t), x(0)), Norm2(eps_hat(x(t), x(0), t) - eps_theta(x(t), t)))),
            words="one step: guess the noise that separates x_t from x_0",
            domain=schedule(),
        ),
    ),
    domain=WHOLE_CHAIN,
    hypotheses=(gaussian_forward, forward_markov),
    scope="any data law, any dimension d, any T >= 1, any network; squared error summed over coordinates",
    sources=(
        "journey, 2.3, 3.3, 5",
        "article, training objective",
        "slides, Learning to denoise",
        "staircase, The reparameterization",
        "notes, Algorithm 2",
    ),
    words="All weights set to one. It is easy to estimate: draw a data point, a step and a noise, and square one "
    "difference.",
)


@loss_simple.proves()
def _(line: Chain) -> None:
    line(simple(T))
    line(SumTo(Expect(data, Expect(noise, Norm2(eps - eps_theta(jump(t), t)))), t, 1, T) / T, by=definition)


@loss_simple.proves(1)
def _(line: Chain) -> None:
    line(simple(T))
    line(SumTo(step_loss(t), t, 1, T) / T, by=definition)


@loss_simple.proves(2)
def _(line: Chain) -> None:
    law, gap = q(x(t), x(0)), Norm2(eps_hat(x(t), x(0), t) - eps_theta(x(t), t))
    line(step_loss(t))
    line(Expect(data, Expect(noise, Norm2(eps - eps_theta(jump(t), t)))), by=definition)
    line(
        Expect(data, Expect(noise, Norm2(eps_hat(jump(t), x(0), t) - eps_theta(jump(t), t)))),
        why="the noise is what x_t and x_0 say it is (ddpm.parameterization.bijection)",
    )
    line(Expect(data, Expect(marginal(t), gap)), by=reparameterize(eps), why="read x_t = signal + noise backwards")
    line(
        Expect(data, Expect(law, gap)),
        by=identify(law, marginal(t), by_claim("ddpm.forward.marginal")),
        why="which is how x_t is distributed",
    )


# --- and why it is not the bound --------------------------------------------------------------------------------------

c = scalar("c")
weight = scalar_function("weight", "w", positive=True)


def hidden(n: sp.Expr) -> sp.Expr:
    """How much of x_n is noise."""
    return sp.sqrt(1 - abar(n))


def shared_loss(coefficient: sp.Expr, w: sp.Expr) -> sp.Expr:
    """Weighted loss of the predictor coefficient * x_t on N(0, I) data, for each of the d coordinates."""
    return SumTo(w * (1 - 2 * coefficient * hidden(t) + coefficient**2), t, 2, T)


total, pull = SumTo(weight(t), t, 2, T), SumTo(weight(t) * hidden(t), t, 2, T)
steps, plain_pull = T - 1, SumTo(hidden(t), t, 2, T)

shared_coefficient = Claim(
    id="ddpm.loss.shared_coefficient",
    title="The best shared coefficient under any weights",
    chapter="ELBO to loss",
    kind="identity",
    says=(
        Statement(
            Expect(Normal(x(0), 0, 1), Expect(noise, Norm2(eps - c * jump(t)))),
            "=",
            d * (1 - 2 * c * hidden(t) + c**2),
            words="the loss of the predictor c x_t at one step, for standard normal data",
        ),
        Statement(
            total * shared_loss(c, weight(t)),
            "=",
            (total * c - pull) ** 2 + total**2 - pull**2,
            words="only the square depends on c: under weights w_t the best c is the weighted mean of sqrt(1 - abar_t)",
        ),
        Statement(
            steps * shared_loss(c, sp.S.One),
            "=",
            (steps * c - plain_pull) ** 2 + steps**2 - plain_pull**2,
            words="without weights it is the plain mean",
        ),
    ),
    domain=Domain({**schedule(2).intervals, "weight": POSITIVE}, schedule(2).indices, schedule(2).products),
    scope="N(0, I) data in any dimension d, any schedule, any weights w_t > 0, steps t = 2..T",
    sources=("staircase, The Bridge (counterexample to)", "notes, 2.4 after Algorithm 1 (counterexample to)"),
    words="A model that cannot adapt to t separately has to compromise between the steps, and the weights decide how.",
)


@shared_coefficient.proves()
def _(line: Chain) -> None:
    line(Expect(Normal(x(0), 0, 1), Expect(noise, Norm2(eps - c * jump(t)))))
    line(
        Expect(Normal(x(0), 0, 1), (1 - c * hidden(t)) ** 2 * d + c**2 * abar(t) * Norm2(x(0))),
        by=moments,
        why="average the noise in (1 - c sqrt(1 - abar_t)) eps - c sqrt(abar_t) x_0",
    )
    line((1 - c * hidden(t)) ** 2 * d + c**2 * abar(t) * d, by=moments, why="average the data")
    line(d * (1 - 2 * c * hidden(t) + c**2), why="c^2 (1 - abar_t) + c^2 abar_t = c^2")


@shared_coefficient.proves(1)
def _(line: Chain) -> None:
    line(total * shared_loss(c, weight(t)))
    line(total * (total - 2 * c * pull + c**2 * total), why="sum the three parts of the loss")
    line((total * c - pull) ** 2 + total**2 - pull**2, why="complete the square in c")


@shared_coefficient.proves(2)
def _(line: Chain) -> None:
    line(steps * shared_loss(c, sp.S.One))
    line(steps * (steps - 2 * c * plain_pull + c**2 * steps), why="sum the three parts of the loss")
    line((steps * c - plain_pull) ** 2 + steps**2 - plain_pull**2, why="complete the square in c")


def linear_thousand(_: Random, n: int) -> World | None:
    """The linear schedule from 1e-4 to 0.02 in 1000 steps."""
    if n:
        return None
    low, high = Fraction(1, 10**4), Fraction(2, 100)
    alphas = [number(1 - low - Fraction(m, 999) * (high - low)) for m in range(1000)]
    products = list(itertools.accumulate(alphas, lambda a, b: a * b, initial=number(1)))
    made = World(1, numbers={"T": 1000})
    made.families = {"alpha": lambda m: alphas[int(m) - 1], "abar": lambda m: products[int(m)]}
    made.drawn = {"beta": "linear from 1e-4 to 0.02"}
    return made


bound_weight = w_eps(t, beta_tilde(t))

simple_is_elbo = Claim(
    id="ddpm.loss.simple_is_elbo",
    title="L_simple presented as the ELBO",
    chapter="ELBO to loss",
    kind="identity",
    says=(
        Statement(
            SumTo(bound_weight * hidden(t), t, 2, T) / SumTo(bound_weight, t, 2, T),
            "=",
            SumTo(hidden(t), t, 2, T) / (T - 1),
            words="if the two had the same optimum, one shared coefficient would be best for both: left the bound's "
            "(sigma_t^2 = beta_tilde_t), right L_simple's, steps t = 2..T, N(0, 1) data",
        ),
    ),
    domain=Domain(schedule(2).intervals, {T: schedule(2).indices[T]}, schedule(2).products),
    scope="as printed: 'collapses the entire weighted ELBO into', 'simplifies to', 'exactly an ELBO'",
    sources=("staircase, The Bridge, The reparameterization", "journey, 3.3"),
    words="L_simple drops the weights beta_t^2 / (2 sigma_t^2 alpha_t (1 - abar_t)). Only a network that may answer "
    "every t separately does not notice; any model that shares something between steps has another optimum. Both "
    "coefficients are ddpm.loss.shared_coefficient's.",
    expects="refuted",
    corrected_by="ddpm.loss.eps_weighted",
    errata=("B1", "J6"),
    worlds=(linear_thousand,),
)
