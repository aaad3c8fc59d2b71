"""Diffusion in one step: a fixed encoder that mixes x_0 with noise, and a decoder that undoes it.

x_1 = sqrt(alpha) x_0 + sqrt(1 - alpha) eps with one alpha in (0, 1). There is nothing to learn in the encoder;
predicting the noise is then the same as maximising the likelihood of the decoder.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.kernel.terms import LATEX
from derivations.notation import d, eps, eps_theta, integrable, p, q, sigma_x, x, x0_theta, z
from derivations.rules import (
    KL,
    POSITIVE,
    UNIT,
    AtMost,
    Chain,
    Claim,
    Density,
    Domain,
    Expect,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    above,
    algebra,
    bayes,
    by_claim,
    define,
    definition,
    density,
    gibbs,
    linearity,
    log_p,
    positivity,
    reparameterize,
    scalar,
    scaled,
    vector_function,
)
from derivations.vae.gaussian_kl import m_1, m_2, v_1, v_2

half = sp.Rational(1, 2)
LATEX["p_data"] = r"p_{\mathrm{data}}"
alpha = scalar("alpha_one", r"\alpha", positive=True)
ONE_LEVEL = Domain({"alpha_one": UNIT, "sigma_x": POSITIVE})

noise = Normal(eps, 0, 1)
mixed = define(
    "x_mixed", "x_1", lambda a, x_0, e: sp.sqrt(a) * x_0 + sp.sqrt(1 - a) * e, is_vector_valued=True
)  # x_1 as a function of the noise
clean = define(
    "x0_restored", r"\hat x_0", lambda a, x_1, e: (x_1 - sp.sqrt(1 - a) * e) / sp.sqrt(a), is_vector_valued=True
)  # what x_0 is, if the noise in x_1 is e
noised = mixed(alpha, x(0), eps)
encoder = Normal(x(1), sp.sqrt(alpha) * x(0), 1 - alpha)
prior = Normal(x(1), 0, 1)
normaliser = -d * sp.log(sp.sqrt(2 * sp.pi) * sigma_x)

# --- the bound --------------------------------------------------------------------------------------------------------


def bound_of(x_0: sp.Expr) -> sp.Expr:
    return Expect(q(x(1), x_0), log_p("p", [x_0, x(1)]) - log_p("q", x(1), x_0))


bound = define("L_onestep", r"\mathcal L", bound_of, notation=False)(x(0))
log_q, log_decoder, log_prior = log_p("q", x(1), x(0)), log_p("p", x(0), x(1)), log_p("p", x(1))
decoder = Normal(x(0), x0_theta(x(1)), sigma_x**2)
divergence = half * (alpha * Norm2(x(0)) - alpha * d - d * sp.log(1 - alpha))


def encoded(body: sp.Expr) -> sp.Expr:
    """The mean over x_1 given x_0, for any encoder q."""
    return Expect(q(x(1), x(0)), body)


onestep_elbo = Claim(
    id="onestep.elbo",
    title="ELBO with fixed encoder",
    chapter="One step",
    kind="identity",
    says=(
        Statement(bound, "=", encoded(log_decoder) - KL(q(x(1), x(0)), p(x(1)))),
        Statement(bound, "<=", log_p("p", x(0)), words="it bounds the log-likelihood of the data"),
        Statement(
            KL(encoder, prior),
            "=",
            divergence,
            words="for the encoder N(sqrt(alpha) x_0, (1 - alpha) I) and the prior N(0, I): no parameter in it",
        ),
        Statement(
            Expect(encoder, LogDensity(decoder)) - KL(encoder, prior),
            "=",
            normaliser - Expect(noise, Norm2(x(0) - x0_theta(noised))) / (2 * sigma_x**2) - divergence,
            words="and with a decoder N(x0_theta(x_1), sigma^2 I): one squared error to learn",
        ),
    ),
    domain=ONE_LEVEL,
    hypotheses=(integrable,),
    scope="any densities in the first two statements; any d, 0 < alpha < 1, sigma > 0, any network in the last two",
    sources=("journey, 2.2",),
    words="A VAE whose encoder is fixed: x_1 plays the part of the code. Nothing can be tuned in the divergence, so "
    "only the reconstruction is trained.",
)


@onestep_elbo.proves()
def _(line: Chain) -> None:
    line(bound)
    line(encoded(log_p("p", [x(0), x(1)]) - log_q), by=definition, why="the mean log of the importance weight")
    line(encoded(log_decoder + log_prior - log_q), by=bayes, why="p(x_0, x_1) = p(x_0 | x_1) p(x_1)")
    line(encoded(log_decoder) - encoded(log_q - log_prior), by=linearity)
    line(encoded(log_decoder) - KL(q(x(1), x(0)), p(x(1))), by=definition, why="the second mean is a divergence")


@onestep_elbo.proves(1)
def _(line: Chain) -> None:
    log_posterior = log_p("p", x(1), x(0))
    line(bound)
    line(encoded(log_p("p", [x(0), x(1)]) - log_q), by=definition)
    line(encoded(log_p("p", x(0)) + log_posterior - log_q), by=bayes, why="split the joint law the other way")
    line(log_p("p", x(0)) - encoded(log_q - log_posterior), by=linearity, why="log p(x_0) does not depend on x_1")
    line(
        log_p("p", x(0)) - KL(q(x(1), x(0)), p(x(1), x(0))),
        by=definition,
        why="the mean of log q - log p under q is the divergence",
    )
    line.le(log_p("p", x(0)), by=gibbs, why="a divergence is never negative")


@onestep_elbo.proves(2)
def _(line: Chain) -> None:
    line(KL(encoder, prior))
    line(
        Norm2(sp.sqrt(alpha) * x(0)) / 2 + d * half * ((1 - alpha) - 1 - sp.log(1 - alpha)),
        by=by_claim(
            "gaussian.kl.isotropic",
            at={z: x(1), m_1: sp.sqrt(alpha) * x(0), m_2: 0, v_1: 1 - alpha, v_2: 1},
        ),
        why="isotropic Gaussians: means sqrt(alpha) x_0 and 0, variances 1 - alpha and 1",
    )
    line(divergence, by=algebra, why="|sqrt(alpha) x_0|^2 = alpha |x_0|^2, and d/2 goes into the bracket")


@onestep_elbo.proves(3)
def _(line: Chain) -> None:
    error = Norm2(x(0) - x0_theta(x(1)))
    line(Expect(encoder, LogDensity(decoder)) - KL(encoder, prior))
    line(
        Expect(encoder, normaliser - error / (2 * sigma_x**2)) - KL(encoder, prior),
        by=[density, algebra],
        why="log-likelihood of the Gaussian decoder",
    )
    line(
        normaliser - Expect(encoder, error) / (2 * sigma_x**2) - KL(encoder, prior),
        by=linearity,
        why="sigma is fixed, so the normaliser and the weight come out",
    )
    line(
        normaliser - Expect(noise, Norm2(x(0) - x0_theta(noised))) / (2 * sigma_x**2) - KL(encoder, prior),
        by=reparameterize(eps),
        why="x_1 = sqrt(alpha) x_0 + sqrt(1 - alpha) eps",
    )
    line(
        normaliser - Expect(noise, Norm2(x(0) - x0_theta(noised))) / (2 * sigma_x**2) - divergence,
        by=above(2),
        why="the divergence in closed form",
    )


# --- predicting the noise ---------------------------------------------------------------------------------------------

other_theta = vector_function("eps_theta_prime", r"\epsilon_{\theta'}")
data = Density("p_data", x(0))
factor = (1 - alpha) / (2 * alpha * sigma_x**2)


def restored(network: Any) -> sp.Expr:
    """The clean estimate: what x_0 would be if the noise in x_1 were the predicted one."""
    return clean(alpha, noised, network(noised))


def log_likelihood(network: Any) -> sp.Expr:
    return LogDensity(Normal(x(0), restored(network), sigma_x**2))


def over_data(body: sp.Expr) -> sp.Expr:
    """The mean over data and noise."""
    return Expect(data, Expect(noise, body))


def noise_error(network: Any) -> sp.Expr:
    return Norm2(eps - network(noised))


loss_equivalence = Claim(
    id="onestep.loss.equivalence",
    title="Noise prediction is equivalent to maximum likelihood of the decoder",
    chapter="One step",
    kind="identity",
    says=(
        Statement(
            log_likelihood(eps_theta),
            "=",
            normaliser - factor * noise_error(eps_theta),
            words="for each x_0 and each noise",
        ),
        Statement(
            over_data(log_likelihood(eps_theta)),
            "=",
            normaliser - factor * over_data(noise_error(eps_theta)),
            words="on average over data and noise",
        ),
        Statement(0, "<", factor, words="the factor is positive, and the same for all x_0, eps and theta"),
        Statement(
            over_data(log_likelihood(eps_theta)) - over_data(log_likelihood(other_theta)),
            "=",
            factor * (over_data(noise_error(other_theta)) - over_data(noise_error(eps_theta))),
            words="two parameters theta and theta': gain in likelihood against loss of error",
        ),
        Statement(
            AtMost(over_data(log_likelihood(other_theta)), over_data(log_likelihood(eps_theta))),
            "iff",
            AtMost(over_data(noise_error(eps_theta)), over_data(noise_error(other_theta))),
            words="more likely exactly when the noise is predicted better",
        ),
    ),
    domain=ONE_LEVEL,
    hypotheses=(integrable,),
    scope="one fixed 0 < alpha < 1 and one fixed sigma > 0, any d, any data law, any networks; 'same maximiser as "
    "minimiser' is the last statement for every pair of parameters. With several noise levels the factor differs "
    "between them, and the two objectives are no longer equivalent",
    sources=("journey, 2.3",),
    words="With mean x_0_theta = (x_1 - sqrt(1 - alpha) eps_theta) / sqrt(alpha), an error in the noise is an error in "
    "the image, scaled by a number. So the likelihood of the decoder is a falling affine function of the noise loss. "
    "At alpha = 1 the scale is 0 and the loss says nothing; at alpha = 0 the clean estimate does not exist.",
)


def clean_error(network: Any) -> sp.Expr:
    return Norm2(x(0) - restored(network))


@loss_equivalence.proves()
def _(line: Chain) -> None:
    line(log_likelihood(eps_theta))
    line(
        normaliser - clean_error(eps_theta) / (2 * sigma_x**2),
        by=density,
        why="log-likelihood of a Gaussian centred at the clean estimate",
    )
    line(
        normaliser - Norm2(-sp.sqrt(1 - alpha) / sp.sqrt(alpha) * (eps - eps_theta(noised))) / (2 * sigma_x**2),
        by=algebra,
        why="put in x_1: x_0 cancels, and what is left is the error of the noise",
    )
    line(normaliser - factor * noise_error(eps_theta), by=algebra, why="the square of the scale comes out of the norm")


@loss_equivalence.proves(1)
def _(line: Chain) -> None:
    line(over_data(log_likelihood(eps_theta)))
    line(
        over_data(normaliser - factor * noise_error(eps_theta)), by=above(), why="the first statement, inside the mean"
    )
    line(
        normaliser - factor * over_data(noise_error(eps_theta)),
        by=linearity,
        why="alpha and sigma are fixed, so normaliser and factor are constants",
    )


@loss_equivalence.proves(2)
def _(line: Chain) -> None:
    line(0)
    line.lt(factor, by=positivity, why="0 < alpha < 1 and sigma > 0")


@loss_equivalence.proves(3)
def _(line: Chain) -> None:
    line(over_data(log_likelihood(eps_theta)) - over_data(log_likelihood(other_theta)))
    line(
        over_data(normaliser - factor * noise_error(eps_theta))
        - over_data(normaliser - factor * noise_error(other_theta)),
        by=[density, algebra],
        why="the first statement, for each of the two networks",
    )
    line(
        factor * (over_data(noise_error(other_theta)) - over_data(noise_error(eps_theta))),
        by=linearity,
        why="the normaliser is the same for both and cancels",
    )


@loss_equivalence.proves(4)
def _(line: Chain) -> None:
    line(AtMost(over_data(log_likelihood(other_theta)), over_data(log_likelihood(eps_theta))))
    line.iff(
        AtMost(
            over_data(normaliser - factor * noise_error(other_theta)),
            over_data(normaliser - factor * noise_error(eps_theta)),
        ),
        by=[density, algebra],
        why="the first statement, for each of the two networks",
    )
    line.iff(
        AtMost(
            normaliser - factor * over_data(noise_error(other_theta)),
            normaliser - factor * over_data(noise_error(eps_theta)),
        ),
        by=linearity,
        why="both sides as in the second statement",
    )
    line.iff(
        AtMost(over_data(noise_error(eps_theta)), over_data(noise_error(other_theta))),
        by=scaled(1 / factor),
        why="subtract the normaliser, divide by the positive factor: the order turns with the sign",
    )
