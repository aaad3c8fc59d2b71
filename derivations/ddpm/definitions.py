"""What the letters of VAEs and of diffusion models stand for: schedules, models and losses."""

from __future__ import annotations

import sympy as sp

from derivations.ddim.family import ANY_PAIR, fresh, rho, toward
from derivations.language.definitions import defined
from derivations.notation import (
    abar,
    absolute_continuity,
    alpha,
    beta,
    beta_tilde,
    eps,
    integrable,
    mu_theta,
    obs,
    p,
    q,
    s,
    schedule,
    sigma,
    snr,
    t,
    x,
    z,
)
from derivations.onestep import ONE_LEVEL, mixed
from derivations.onestep import alpha as share
from derivations.rules import (
    KL,
    POSITIVE,
    Domain,
    Expect,
    LogDensity,
    Norm2,
    Normal,
    define,
    log_p,
)
from derivations.vae.evidence import ELBO
from derivations.vae.limits import decode, encode
from derivations.vae.variants import weight, weighted
from derivations.vq.objective import beta as commitment_weight
from derivations.vq.objective import code, codeword, commitment, decoder_loss, dictionary, loss, through

LEARNING = "Definitions"

notation = defined(
    "ddpm.notation",
    "What the schedule's letters stand for",
    (beta(t), 1 - alpha(t), "the variance that step t adds"),
    (snr(t), abar(t) / (1 - abar(t)), "signal over noise, in power"),
    (
        beta_tilde(t),
        (1 - alpha(t)) * (1 - abar(t - 1)) / (1 - abar(t)),
        "the variance of the encoder's own step back",
    ),
    chapter=LEARNING,
    scope="any T, t = 1..T, any beta in (0, 1); abar is the running product of the alphas, abar_0 = 1",
    sources=("notes, 2.1", "Ho et al. 2020, section 2"),
    words="Two letters are free, alpha or beta; the others follow. In DDIM's paper alpha is what abar is here.",
    domain=schedule(),
)

reverse_kernel = define(
    "log_step_back",
    r"\kappa",
    lambda n, before, here: LogDensity(Normal(before, mu_theta(here, n), sigma(n) ** 2)),
    notation=False,
)
model_kernel = defined(
    "ddpm.reverse.model_kernel",
    "The model's step back",
    (
        reverse_kernel(t, x(t - 1), x(t)),
        LogDensity(Normal(x(t - 1), mu_theta(x(t), t), sigma(t) ** 2)),
        "Gaussian, with a mean that a network gives and a deviation that the step has",
    ),
    chapter=LEARNING,
    scope="any T, t = 1..T, any network, sigma_t > 0",
    sources=("notes, 2.3.2", "slides, reverse process"),
    words="The true step back is Gaussian for Gaussian data and for small steps; the model's always is.",
    domain=schedule(),
)

# --- VAEs -------------------------------------------------------------------------------------------------------------

reconstruction = define("autoencoder_loss", r"\ell", lambda v: Norm2(v - decode(encode(v))), notation=False)
mean_bound = define("mean_bound", r"\mathcal L", lambda v: Expect(q(v), ELBO(v)), notation=False)

autoencoder = defined(
    "ae.deterministic",
    "A deterministic autoencoder's loss",
    (reconstruction(obs), Norm2(obs - decode(encode(obs))), "squared distance to what comes back"),
    chapter=LEARNING,
    scope="any encoder and decoder; dimensions of data and code are their own",
    sources=("notes, 1.1", "slides, Autoencoder"),
    words="Averaged over the data and minimised over both networks.",
)

vae_objective = defined(
    "vae.elbo.objective",
    "What a VAE maximises",
    (mean_bound(obs), Expect(q(obs), ELBO(obs)), "the bound, averaged over the data"),
    chapter=LEARNING,
    scope="any data law, any encoder, any model",
    sources=("notes, 1.2.3",),
    words="One number for all data, in nats per datum.",
)

beta_objective = defined(
    "vae.beta.objective",
    "The objective of a beta-VAE",
    (
        weighted(weight, obs),
        Expect(q(z, obs), log_p("p", obs, z)) - weight * KL(q(z, obs), p(z)),
        "the latent term at another price",
    ),
    chapter=LEARNING,
    scope="any encoder, any model, any beta",
    sources=("slides, beta-VAE", "Higgins et al. 2017"),
    hypotheses=(integrable, absolute_continuity),
    words="At beta = 1 it is the ELBO; above, still a lower bound (vae.beta.bound).",
)

vq_objective = defined(
    "vqvae.loss",
    "The loss of a VQ-VAE",
    (
        loss(code, codeword, commitment_weight),
        decoder_loss(through(code, codeword))
        + dictionary(code, codeword)
        + commitment_weight * commitment(code, codeword),
        "the decoder's loss through the codeword, and two distances that train one side each",
    ),
    chapter=LEARNING,
    scope="any dimension, any codeword, any loss of the decoder, any beta > 0",
    sources=("slides, VQ-VAE learning", "van den Oord et al. 2017, eq. 3"),
    words="Which term trains what is vqvae.loss.gradients.",
    domain=Domain({"commitment": POSITIVE}),
)

# --- one step, and the family of DDIM ---------------------------------------------------------------------------------

one_step = defined(
    "onestep.forward",
    "One step of noise",
    (mixed(share, z, eps), sp.sqrt(share) * z + sp.sqrt(1 - share) * eps, "signal and noise, weighted by roots"),
    chapter=LEARNING,
    scope="any datum z, any noise, alpha in (0, 1); the chain with T = 1",
    sources=("journey, 2.1",),
    words="With roots as weights the powers add up to 1: unit data stay unit data.",
    domain=ONE_LEVEL,
)

inference_kernel = defined(
    "ddim.inference_kernel",
    "The kernels of DDIM's family",
    (
        toward(rho, t, s, z, obs),
        sp.sqrt(abar(s)) * obs
        + sp.sqrt((1 - rho) * (1 - abar(s))) * (z - sp.sqrt(abar(t)) * obs) / sp.sqrt(1 - abar(t)),
        "the mean, for the noisy point z and the datum x",
    ),
    (fresh(rho, s), rho * (1 - abar(s)), "the variance: the share rho of the noise is fresh"),
    chapter=LEARNING,
    scope="any schedule, any steps s < t, any share rho in (0, 1); sigma^2 = rho (1 - abar_s)",
    sources=("Song et al. 2021 (DDIM), eq. 7", "slides, DDIM"),
    words="Not a step of any chain that is run forwards: it sees the datum.",
    domain=ANY_PAIR,
)
