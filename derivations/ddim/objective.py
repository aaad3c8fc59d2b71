"""What training has to do with the choice of a member: every one of them asks the same of the network."""

from __future__ import annotations

import sympy as sp

from derivations.ddim.family import ANY_PAIR, PAIR, fresh, rho, toward
from derivations.ddpm.forward import noisy
from derivations.ddpm.means import x0_hat
from derivations.notation import abar, d, eps, eps_theta, s, t, x, z
from derivations.rules import KL, Chain, Claim, Norm2, Normal, Statement, by_claim, definition
from derivations.vae.gaussian_kl import m_1, m_2, v_1, v_2

x_0, x_t = x(0), x(t)
drawn = noisy(t, x_0, eps)
answer = eps_theta(drawn, t)
true_mean, model_mean = toward(rho, t, s, drawn, x_0), toward(rho, t, s, drawn, x0_hat(drawn, answer, t))
encoder = Normal(z, true_mean, fresh(rho, s))
model = Normal(z, model_mean, fresh(rho, s))

kept = sp.sqrt((1 - rho) * (1 - abar(s)))
lost = sp.sqrt(abar(s)) * sp.sqrt(1 - abar(t)) / sp.sqrt(abar(t))
factor = (kept - lost) ** 2 / (2 * fresh(rho, s))

no_retraining = Claim(
    id="ddim.no_retraining",
    title="Every member asks the same of the network",
    chapter="DDIM",
    kind="identity",
    says=(
        Statement(
            model_mean - true_mean,
            "=",
            (kept - sp.sqrt(abar(s)) * sp.sqrt(1 - abar(t)) / sp.sqrt(abar(t))) * (answer - eps),
            words="the two means differ by a multiple of the error in the noise",
        ),
        Statement(
            KL(encoder, model),
            "=",
            factor * Norm2(answer - eps),
            words="so the divergence of each step is the squared error in the noise times a number",
        ),
    ),
    domain=ANY_PAIR,
    scope=PAIR + ", any network; x_t made from x_0 and the noise eps; nats",
    sources=("Song et al. 2021 (DDIM), Theorem 1", "slides, DDIM", "staircase, DDIM"),
    words="The share of fresh noise changes the weights of the steps and nothing else. A network that answers every "
    "step as well as can be is best for all members at once, so one trained for DDPM samples with any of them.",
)


@no_retraining.proves()
def _(line: Chain) -> None:
    line(model_mean - true_mean)
    line(
        (sp.sqrt(abar(s)) - kept * sp.sqrt(abar(t)) / sp.sqrt(1 - abar(t))) * (x0_hat(drawn, answer, t) - x_0),
        by=definition,
        why="both means use x_t in the same way",
    )
    line(
        (sp.sqrt(abar(s)) - kept * sp.sqrt(abar(t)) / sp.sqrt(1 - abar(t)))
        * (-sp.sqrt(1 - abar(t)) / sp.sqrt(abar(t)))
        * (answer - eps),
        by=definition,
        why="an error in the noise is one in the data, of the other sign",
    )
    line(
        (kept - sp.sqrt(abar(s)) * sp.sqrt(1 - abar(t)) / sp.sqrt(abar(t))) * (answer - eps),
        why="multiply the two factors: in the kept noise's term the roots of abar_t and 1 - abar_t cancel",
    )


@no_retraining.proves(1)
def _(line: Chain) -> None:
    variance = fresh(rho, s)
    line(KL(encoder, model))
    line(
        Norm2(true_mean - model_mean) / (2 * variance) + d / 2 * (1 - 1 - sp.log(1)),
        by=by_claim("gaussian.kl.isotropic", at={m_1: true_mean, v_1: variance, m_2: model_mean, v_2: variance}),
        why="two Gaussians of one variance",
    )
    line(
        Norm2((kept - sp.sqrt(abar(s)) * sp.sqrt(1 - abar(t)) / sp.sqrt(abar(t))) * (answer - eps)) / (2 * variance),
        by=definition,
        why="the means differ by that multiple of the error",
    )
    line(factor * Norm2(answer - eps), by=definition, why="a number leaves a squared length as its square")
