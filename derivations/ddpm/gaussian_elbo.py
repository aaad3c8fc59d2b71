"""The diffusion ELBO for Gaussian kernels: each of its three terms in closed form, and the bound as sums of squares."""

from __future__ import annotations

import sympy as sp

from derivations.ddpm.elbo import ANY_T, bound, consistency, latent, reconstruction
from derivations.ddpm.posterior import posterior, posterior_is
from derivations.notation import (
    T,
    abar,
    beta_tilde,
    d,
    forward_factorisation,
    forward_markov,
    gaussian_forward,
    gaussian_reverse,
    i,
    integrable,
    marginal,
    mu_theta,
    mu_tilde,
    p,
    q,
    reverse_factorisation,
    schedule,
    sigma,
    standard_prior,
    t,
    x,
    z,
)
from derivations.rules import (
    KL,
    Chain,
    Claim,
    Domain,
    Expect,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    SumTo,
    above,
    by_claim,
    define,
    definition,
    density,
    given,
    identify,
    linearity,
    moments,
)
from derivations.vae.gaussian_kl import m_1, m_2, v_1, v_2

CHAIN = schedule()
WHOLE_CHAIN = Domain(CHAIN.intervals, ANY_T.indices, CHAIN.products)
GAUSSIAN_MODEL = (
    integrable,
    forward_factorisation,
    reverse_factorisation,
    gaussian_forward,
    forward_markov,
    gaussian_reverse,
    standard_prior,
)


def decoder(n: sp.Expr) -> Normal:
    """p(x_{n-1} | x_n) with a network for its mean."""
    return Normal(x(n - 1), mu_theta(x(n), n), sigma(n) ** 2)


prior = Normal(x(T), 0, 1)
before = q(x(t - 1), [x(t), x(0)])
miss = Norm2(mu_theta(x(t), t) - mu_tilde(t, x(t), x(0))) / (2 * sigma(t) ** 2)
last_miss = Norm2(x(0) - mu_theta(x(1), 1)) / (2 * sigma(1) ** 2)


def spread(n: sp.Expr) -> sp.Expr:
    """What unequal variances cost at step n: zero exactly when sigma_n^2 = beta_tilde_n."""
    ratio = beta_tilde(n) / sigma(n) ** 2
    return d / 2 * (ratio - 1 - sp.log(ratio))


# --- the noisy end ----------------------------------------------------------------------------------------------------

latent_value = (abar(T) * Norm2(x(0)) - abar(T) * d - d * sp.log(1 - abar(T))) / 2

latent_term = Claim(
    id="ddpm.latent_term.closed_form",
    title="Latent term in closed form",
    chapter="ELBO to loss",
    kind="identity",
    says=(
        Statement(KL(q(x(T), x(0)), prior), "=", latent_value),
        Statement(
            Expect(q(x(T), x(0)), Norm2(x(T))),
            "=",
            abar(T) * Norm2(x(0)) + (1 - abar(T)) * d,
            words="mean squared length at the noisy end: d, up to what is left of x_0",
        ),
    ),
    domain=WHOLE_CHAIN,
    hypotheses=(gaussian_forward, forward_markov),
    scope="any dimension d, any T >= 1, any schedule with abar_T < 1; nats",
    sources=("notes, after Lemma 2.4 (stated convenient, not written out)",),
    words="How far the encoder's last state still is from pure noise. Nothing here is trained: the schedule and the "
    "size of x_0 decide.",
)


@latent_term.proves()
def _(line: Chain) -> None:
    end = by_claim("ddpm.forward.marginal", at={t: T})
    line(KL(q(x(T), x(0)), prior))
    line(KL(marginal(T), prior), by=identify(q(x(T), x(0)), marginal(T), end), why="x_T given x_0 is Gaussian")
    line(
        abar(T) * Norm2(x(0)) / 2 + d / 2 * (1 - abar(T) - 1 - sp.log(1 - abar(T))),
        by=by_claim(
            "gaussian.kl.isotropic",
            at={z: x(T), m_1: sp.sqrt(abar(T)) * x(0), v_1: 1 - abar(T), m_2: sp.S.Zero, v_2: sp.S.One},
        ),
        why="the divergence between two isotropic Gaussians",
    )
    line(latent_value, why="d/2 goes into the bracket")


@latent_term.proves(1)
def _(line: Chain) -> None:
    end = by_claim("ddpm.forward.marginal", at={t: T})
    line(Expect(q(x(T), x(0)), Norm2(x(T))))
    line(Expect(marginal(T), Norm2(x(T))), by=identify(q(x(T), x(0)), marginal(T), end))
    line(abar(T) * Norm2(x(0)) + (1 - abar(T)) * d, by=moments, why="squared mean plus d variances")


# --- the steps between ------------------------------------------------------------------------------------------------

exact = Normal(x(t - 1), mu_theta(x(t), t), beta_tilde(t))

consistency_kl = Claim(
    id="ddpm.consistency.kl",
    title="Consistency term for Gaussian kernels",
    chapter="ELBO to loss",
    kind="identity",
    says=(
        Statement(KL(posterior(t), decoder(t)), "=", miss + spread(t)),
        Statement(KL(before, decoder(t)), "=", miss + spread(t), words="for the reverse encoder itself"),
        Statement(
            KL(before, exact),
            "=",
            Norm2(mu_theta(x(t), t) - mu_tilde(t, x(t), x(0))) / (2 * beta_tilde(t)),
            words="with the encoder's own variance only the means count",
        ),
    ),
    domain=schedule(2),
    hypotheses=(gaussian_forward, forward_markov),
    scope="any dimension d, any t >= 2, any mean network, any sigma_t > 0; nats",
    sources=("notes, 2.3.2",),
    words="The model's step is compared with the encoder's own step back: the squared distance of the means, and a "
    "penalty for a wrong variance that no mean can repair.",
)


@consistency_kl.proves()
def _(line: Chain) -> None:
    line(KL(posterior(t), decoder(t)))
    line(
        miss + spread(t),
        by=by_claim(
            "gaussian.kl.isotropic",
            at={
                z: x(t - 1),
                m_1: mu_tilde(t, x(t), x(0)),
                v_1: beta_tilde(t),
                m_2: mu_theta(x(t), t),
                v_2: sigma(t) ** 2,
            },
        ),
        why="the divergence between two isotropic Gaussians",
    )


@consistency_kl.proves(1)
def _(line: Chain) -> None:
    line(KL(before, decoder(t)))
    line(KL(posterior(t), decoder(t)), by=posterior_is, why="the reverse encoder is that Gaussian")
    line(miss + spread(t), by=above(0))


@consistency_kl.proves(2)
def _(line: Chain) -> None:
    same = {z: x(t - 1), m_1: mu_tilde(t, x(t), x(0)), v_1: beta_tilde(t), m_2: mu_theta(x(t), t), v_2: beta_tilde(t)}
    line(KL(before, exact))
    line(KL(posterior(t), exact), by=posterior_is)
    line(
        Norm2(mu_theta(x(t), t) - mu_tilde(t, x(t), x(0))) / (2 * beta_tilde(t)),
        by=by_claim("gaussian.kl.isotropic", at=same),
        why="the ratio of the variances is 1, so d/2 (1 - 1 - log 1) is left of it: nothing",
    )


# --- the clean end ----------------------------------------------------------------------------------------------------

log_scale = d * sp.log(sp.sqrt(2 * sp.pi) * sigma(1))

reconstruction_gaussian = Claim(
    id="ddpm.reconstruction.gaussian",
    title="Data term for a Gaussian last kernel",
    chapter="ELBO to loss",
    kind="identity",
    says=(
        Statement(
            Expect(q(x(1), x(0)), LogDensity(decoder(sp.Integer(1)))),
            "=",
            -Expect(q(x(1), x(0)), last_miss) - log_scale,
        ),
    ),
    domain=Domain(CHAIN.intervals),
    hypotheses=(integrable,),
    scope="any dimension d, any first encoder step, any mean network, sigma_1 > 0; a density, so it may exceed 0",
    sources=("notes, 2.3.2", "journey, 3.3"),
    words="A squared error in units of sigma_1, and the normaliser. The second may be forgotten only while sigma_1 is "
    "fixed.",
)


@reconstruction_gaussian.proves()
def _(line: Chain) -> None:
    line(Expect(q(x(1), x(0)), LogDensity(decoder(sp.Integer(1)))))
    line(
        Expect(q(x(1), x(0)), -d * sp.log(2 * sp.pi * sigma(1) ** 2) / 2 - last_miss),
        by=density,
        why="this is how a Gaussian looks",
    )
    line(
        -Expect(q(x(1), x(0)), last_miss) - d * sp.log(2 * sp.pi * sigma(1) ** 2) / 2,
        by=linearity,
        why="the normaliser does not depend on x_1",
    )
    line(-Expect(q(x(1), x(0)), last_miss) - log_scale, why="half the log of a square is the log of the root")


# --- all together -----------------------------------------------------------------------------------------------------


def constant_body(n: sp.Expr, x_0: sp.Expr) -> sp.Expr:
    """What the bound contains besides squared misses: normaliser, latent term, cost of the variances."""
    end = (abar(n) * Norm2(x_0) - abar(n) * d - d * sp.log(1 - abar(n))) / 2
    return -log_scale - end - SumTo(spread(i), i, 2, n)


Constant = define("C", "C", constant_body, notation=False)

gaussian_form = Claim(
    id="ddpm.elbo.gaussian_form",
    title="The bound of a Gaussian model, nothing dropped",
    chapter="ELBO to loss",
    kind="identity",
    says=(
        Statement(
            bound,
            "=",
            Constant(T, x(0)) - Expect(q(x(1), x(0)), last_miss) - SumTo(Expect(q(x(t), x(0)), miss), t, 2, T),
        ),
        Statement(
            Constant(T, x(0)),
            "=",
            -log_scale - latent_value - SumTo(spread(t), t, 2, T),
            words="free of the mean network; free of all parameters only while every sigma_t is fixed",
        ),
    ),
    domain=WHOLE_CHAIN,
    hypotheses=GAUSSIAN_MODEL,
    scope="any dimension d, any T >= 1, any schedule, any mean network, any sigma_t > 0; nats, for one x_0",
    sources=("notes, eq 2.6 (with the constants it drops)",),
    words="Every term is a squared miss of a mean, weighted by 1/(2 sigma_t^2), or does not involve the mean at all.",
    errata=("N4",),
)


@gaussian_form.proves()
def _(line: Chain) -> None:
    step, ending = p(x(t - 1), x(t)), p(x(T))
    line(bound)
    line(reconstruction - latent - consistency, by=by_claim("ddpm.elbo.decomposition"))
    line(
        Expect(q(x(1), x(0)), LogDensity(decoder(sp.Integer(1))))
        - KL(q(x(T), x(0)), prior)
        - SumTo(Expect(q(x(t), x(0)), KL(before, decoder(t))), t, 2, T),
        by=[
            given(gaussian_reverse, t=1),
            identify(step, decoder(t), given(gaussian_reverse)),
            identify(ending, prior, given(standard_prior)),
        ],
        why="the model's kernels are Gaussian, its prior standard normal",
    )
    line(
        -Expect(q(x(1), x(0)), last_miss)
        - log_scale
        - latent_value
        - SumTo(Expect(q(x(t), x(0)), miss + spread(t)), t, 2, T),
        by=[
            by_claim("ddpm.reconstruction.gaussian"),
            by_claim("ddpm.latent_term.closed_form"),
            by_claim("ddpm.consistency.kl", part=1),
        ],
        why="each term in closed form",
    )
    line(
        Constant(T, x(0)) - Expect(q(x(1), x(0)), last_miss) - SumTo(Expect(q(x(t), x(0)), miss), t, 2, T),
        by=[definition, linearity],
        why="collect what does not involve the mean network",
    )


@gaussian_form.proves(1)
def _(line: Chain) -> None:
    line(Constant(T, x(0)))
    line(-log_scale - latent_value - SumTo(spread(t), t, 2, T), by=definition)
