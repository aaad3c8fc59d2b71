"""Errata of the article "Variational Autoencoders and Diffusion Models" (Generative Models, module IV)."""

from __future__ import annotations

import sympy as sp

from derivations.notation import SCHEDULE, abar, alpha, eps, x, z
from derivations.published.erratum import Editorial, Erratum, at, misprint, proved, standard_linear_schedule
from derivations.rules import (
    KL,
    POSITIVE,
    REAL,
    UNIT,
    Domain,
    Expect,
    LogDensity,
    Normal,
    Statement,
    scalar,
)

CHAIN = Domain(SCHEDULE, products={"abar": "alpha"})
side = scalar("side", "s", positive=True)
guidance = scalar("guidance", "w")
level = scalar("abar_1", r"\bar\alpha", positive=True)
posterior_variance = scalar("v", "v", positive=True)
point = scalar("x", "x")
chance = scalar("lambda", r"\lambda", positive=True)
beta_weight = scalar("beta_kl", r"\beta", positive=True)

# --- A1 ---------------------------------------------------------------------------------------------------------------
noisy = sp.sqrt(abar(2)) * x(0) + sp.sqrt(1 - abar(2)) * eps
posterior_mean = (noisy - (1 - alpha(2)) / sp.sqrt(1 - abar(2)) * eps) / sp.sqrt(alpha(2))
clean_estimate = (noisy - sp.sqrt(1 - abar(2)) * eps) / sp.sqrt(abar(2))

A1 = Erratum(
    id="A1",
    source="article, Generation",
    severity="wrong",
    quoted="x_{t−1} = (x_t − √(1−ᾱ_t) ε_θ)/√ᾱ_t + σ_t ε'",
    words="The printed fraction is the estimate of the clean image, not the mean of the next, slightly less noisy "
    "one; used as if it were, it shrinks the result.",
    printed=misprint(
        "A1",
        Statement(posterior_mean, "=", clean_estimate),
        CHAIN,
        at({}, {("x", 0): 1, "eps": "0.3"}, alpha={1: "0.51", 2: "50/51"}),
    ),
    right="x_{t−1} = (x_t − (1−α_t)/√(1−ᾱ_t) ε_θ)/√α_t + σ_t z, z = 0 at t = 1",
    correction="ddpm.mean.eps_form",
)

A3 = Erratum(
    id="A3",
    source="article, latent diffusion",
    severity="wrong",
    quoted="compression ≈ 8× = 64×64×4",
    words="8 is the factor per side. The latent has 64 times fewer positions and 48 times fewer numbers.",
    printed=misprint(
        "A3",
        Statement(3 * side**2 / (4 * (side / 8) ** 2), "=", sp.Integer(8) * side / side),
        Domain({"side": POSITIVE}),
        at({"side": "512"}),
    ),
    right="48 times fewer numbers",
    correction=proved(
        "A3", Statement(3 * side**2 / (4 * (side / 8) ** 2), "=", sp.Integer(48)), Domain({"side": POSITIVE})
    ),
)

A8 = Erratum(
    id="A8",
    source="article, forward process",
    severity="wrong",
    quoted="ᾱ_t decreases from 1 to 0 (at t = T)",
    words="abar_T is a product of positive numbers: small if the schedule makes it so, never 0. The standard linear "
    "schedule ends at 4.04e-5.",
    printed=misprint("A8", Statement(abar(1000), "=", sp.S.Zero), CHAIN, standard_linear_schedule),
    right="ᾱ_1000 = 4.0358e-5 on the linear schedule",
    correction="ddpm.schedule.abar_values",
)

perfect = LogDensity(Normal(x(0), x(0), 1))

A9 = Erratum(
    id="A9",
    source="article, ELBO",
    severity="typographical",
    quoted="E[log p(x|z)], called the reconstruction loss",
    words="E[log p] is minus the reconstruction loss.",
    printed=misprint("A9", Statement(-perfect, "=", perfect), Domain(), at({}, {("x", 0): 1})),
    right="reconstruction term E[log p]; its negative is the loss",
    correction="vae.elbo.definition",
)

# --- A12: data N(0, 1), a label that is Gaussian given x; the conditional law is N(0, v) ------------------------------
conditional = -point / (level * posterior_variance + 1 - level)
guided = -point + guidance * (conditional + point)
tilted = -point / (level / (1 + guidance * (1 / posterior_variance - 1)) + 1 - level)

A12 = Erratum(
    id="A12",
    source="article, guidance scale",
    severity="imprecise",
    quoted="ε(x_t, ∅) + w (ε(x_t, c) − ε(x_t, ∅)), said to follow the prompt strictly at w = 7.5",
    words="Guided scores are not the scores of the tilted law p(x) p(c|x)^w once noise is added: tilting and noising "
    "do not commute.",
    printed=misprint(
        "A12",
        Statement(guided, "=", tilted),
        Domain({"abar_1": UNIT, "v": POSITIVE, "guidance": REAL, "x": REAL}),
        at({"abar_1": "0.5", "v": "0.5", "guidance": "3", "x": "1"}),
    ),
    right="w = 1 is the plain conditional model; guided sampling is not sampling from p(x) p(c|x)^w",
    correction="guidance.classifier_free.tilted_score",
)

A13 = Erratum(
    id="A13",
    source="article, assignment on CelebA",
    severity="imprecise",
    quoted="BCE + β KL as the loss on CelebA's real-valued pixels",
    words="Binary cross-entropy is not a log-likelihood of real-valued pixels: its exponential does not integrate to "
    "1 over [0, 1].",
    printed=misprint(
        "A13",
        Statement(
            (1 - 2 * chance) / (sp.log(1 - chance) - sp.log(chance)), "=", sp.S.One, "integral over a pixel in [0, 1]"
        ),
        Domain({"lambda": UNIT}),
        at({"lambda": "0.1"}),
    ),
    right="Bernoulli likelihood for x in {0, 1}^d only",
    correction="vae.decoder.bernoulli",
)

best_law = Normal(z, x(0) / 2, sp.Rational(1, 2))
beta_bound = Expect(best_law, LogDensity(Normal(x(0), z, 1))) - beta_weight * KL(best_law, Normal(z, 0, 1))

A16 = Erratum(
    id="A16",
    source="article, beta-VAE",
    severity="imprecise",
    quoted="in words: β > 1 makes the factors of variation independent",
    words="The beta objective is a lower bound only for beta >= 1, and no theorem makes the coordinates independent "
    "factors.",
    printed=misprint(
        "A16",
        Statement(beta_bound, "<=", LogDensity(Normal(x(0), 0, 2))),
        Domain({"beta_kl": POSITIVE}),
        at({"beta_kl": "0.5"}, {("x", 0): 1}),
    ),
    right="β ≥ 1 for a lower bound",
    correction="vae.elbo.lower_bound",
)

ERRATA = (A1, A3, A8, A9, A12, A13, A16)

EDITORIAL = (
    Editorial(
        "A2", "article", "512×512×3 = 786K iterations per step", "786,432 values; one step is one network evaluation"
    ),
    Editorial("A4", "article", "8× faster at comparable quality", "the paper reports at least 2.7× with better FID"),
    Editorial("A5", "article", "DDPM (FFHQ 256×256): FID 3.17", "unconditional CIFAR-10, 32×32"),
    Editorial("A6", "article", "DDIM (100 steps): FID 4.16, as if FFHQ", "CIFAR-10, η = 0"),
    Editorial("A7", "article", "better than StyleGAN2-ADA in certain modes", "unconditional yes, conditional no"),
    Editorial("A10", "article", "subscripts and norms lost in the mark-up", "E_{q_φ(z|x)}, ᾱ_t = ∏α_s, E‖ε − ε_θ‖²"),
    Editorial("A11", "article", "Q = W_Q z", "queries come from features of the U-Net, and the softmax is omitted"),
    Editorial("A14", "article", "KL ≈ 30 nats, r = 0.83, ...", "no model, run or paper is named"),
    Editorial(
        "A15", "article", "VAE and diffusion as separate foundations", "the DDPM objective is a re-weighted bound"
    ),
)
