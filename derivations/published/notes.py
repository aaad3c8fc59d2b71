"""Errata of the lecture notes "Chapter 2: VAEs and Diffusion Models"."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.notation import (
    SCHEDULE,
    abar,
    alpha,
    beta_tilde,
    mu_tilde,
    s,
    snr,
    t,
    x,
    z,
)
from derivations.published.erratum import Editorial, Erratum, at, misprint, standard_linear_schedule
from derivations.rules import (
    KL,
    POSITIVE,
    REAL,
    UNIT,
    Domain,
    Expect,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    SumTo,
    scalar,
)

T1000 = Domain(SCHEDULE, products={"abar": "alpha"})


def _weight(n: Any) -> Any:
    """Weight of the data loss at t in the bound, variances beta_tilde (claim ddpm.loss.weights_snr)."""
    return (snr(n - 1) - snr(n)) / 2


# --- N3: sigma_1 = 0 --------------------------------------------------------------------------------------------------

N3 = Erratum(
    id="N3",
    source="notes, (2.6)-(2.8) with the variance of Remark 2.8",
    severity="wrong",
    quoted="1/(2 σ_1²) with σ_t² = (1−α_t)(1−ᾱ_{t−1})/(1−ᾱ_t), for which no range of t is given",
    words="With abar_0 = 1 the variance of Remark 2.8 vanishes at t = 1, so the weight 1/(2 sigma_1^2) of the bound "
    "is "
    "infinite. The remark holds for t >= 2; at t = 1 take sigma_1^2 = beta_1 or a discretised decoder.",
    printed=misprint(
        "N3",
        Statement(beta_tilde(1), ">", 0),
        Domain(SCHEDULE, products={"abar": "alpha"}),
        at({}, alpha={1: "0.9999"}),
    ),
    right="σ₁² = β₁ (or a discretised decoder) at t = 1; β̃_t for t ≥ 2",
    correction="ddpm.posterior.t1",
)

# --- N4: the constants that (2.6) drops -------------------------------------------------------------------------------

decoder_gain, decoder_variance = scalar("a", "a"), scalar("w", "w", positive=True)
one_step = Normal(x(1), sp.sqrt(alpha(1)) * x(0), 1 - alpha(1))
bound = Expect(one_step, LogDensity(Normal(x(0), decoder_gain * x(1), decoder_variance))) - KL(
    one_step, Normal(x(1), 0, 1)
)
printed_bound = -Expect(one_step, Norm2(x(0) - decoder_gain * x(1))) / (2 * decoder_variance)

N4 = Erratum(
    id="N4",
    source="notes, (2.6), (2.7), (2.8)",
    severity="wrong",
    quoted="ELBO(x_0) = E[−‖x_0 − μ_θ‖²/(2 σ_1²)] − Σ_{t=2}^T E[‖μ̃_t − μ_θ‖²/(2 σ_t²)]",
    words="The normaliser of the last kernel, the latent KL and the variance terms are dropped while the equality "
    "sign "
    "stays. They are constant in the mean network only; with learned variances they decide.",
    printed=misprint(
        "N4",
        Statement(bound, "=", printed_bound),
        Domain({**SCHEDULE, "a": REAL, "w": POSITIVE}, products={"abar": "alpha"}),
        at({"a": "0.7", "w": "0.25"}, {("x", 0): 1}, alpha={1: "0.5"}),
    ),
    right="ELBO = C − …, with the constant C written out",
    correction="ddpm.elbo.gaussian_form",
)

# --- N5: the sum that gets lost ---------------------------------------------------------------------------------------


def _mean_divergence(n: Any) -> Any:
    """E over x_t of KL(q(x_{t-1} | x_t, x_0) || N(0, I)), at x_0 = 0."""
    law = Normal(x(n), 0, 1 - abar(n))
    return Expect(law, KL(Normal(x(n - 1), mu_tilde(n, x(n), 0 * x(0)), beta_tilde(n)), Normal(x(n - 1), 0, 1)))


N5 = Erratum(
    id="N5",
    source="notes, proof of Prop. 2.3, second and third line of the coloured term",
    severity="wrong",
    quoted="E[Σ_{t=2}^T log(p_t/q_t)] = E_{X_t} E_{X_{t−1}}[log(p_t/q_t)] = −E_{X_t}[KL(q_t ‖ p_t)]",
    words="The sum over t = 2..T is missing from two of the three lines; one term is not the sum of three.",
    printed=misprint(
        "N5",
        Statement(SumTo(_mean_divergence(t), t, 2, 4), "=", _mean_divergence(2)),
        T1000,
        at({}, alpha={1: "0.9", 2: "0.8", 3: "0.7", 4: "0.6"}),
    ),
    right="Σ_{t=2}^T in front of both lines",
    correction="ddpm.elbo.decomposition",
)

# --- N6: a network that is not told the time --------------------------------------------------------------------------

level = scalar("abar_s", r"\bar\alpha_{s}", positive=True)
other_level, value = scalar("abar_t", r"\bar\alpha_{t}", positive=True), scalar("x")


def _best_noise(noise_level: Any) -> Any:
    """E[eps | x_t = x] for N(0, 1) data: sqrt(1 - abar) x."""
    return sp.sqrt(1 - noise_level) * value


N6 = Erratum(
    id="N6",
    source="notes, (2.8)",
    severity="typographical",
    quoted="‖ε_θ(√ᾱ_t x_0 + √(1−ᾱ_t) ε) − ε‖²",
    words="The network is printed without its time argument. For one and the same input the best answer differs with "
    "t, "
    "so no function of x alone gives both.",
    printed=misprint(
        "N6",
        Statement(_best_noise(level), "=", _best_noise(other_level)),
        Domain({"abar_s": UNIT, "abar_t": UNIT, "x": REAL}),
        at({"abar_s": "0.9", "abar_t": "0.1", "x": "0.9"}),
    ),
    right="ε_θ(x_t, t)",
    correction="ddpm.loss.simple",
)

# --- N7, N8: which steps a loss emphasises ----------------------------------------------------------------------------

N7 = Erratum(
    id="N7",
    source="notes, Remark 2.7",
    severity="wrong",
    quoted="in words: with ᾱ_t falling in t, predicting the data puts its weight on small t",
    words="In noise units the uniform data loss carries the factor (1 - abar_t)/abar_t, which grows with t: it "
    "emphasises "
    "late steps, not early ones.",
    printed=misprint(
        "N7",
        Statement((1 - abar(1000)) / abar(1000), "<", (1 - abar(10)) / abar(10)),
        T1000,
        standard_linear_schedule,
    ),
    right="‖x̂₀ − x₀‖² = (1−ᾱ_t)/ᾱ_t ‖ε̂ − ε‖²: the uniform data loss emphasises large t",
    correction="ddpm.loss.eps_x0_equivalence",
)


def _shared_data_coefficient(weight: Any) -> Any:
    """The c that minimises sum_t weight_t E|x_0 - c x_t|^2 on N(0, 1) data: sum w sqrt(abar) / sum w."""
    return SumTo(weight * sp.sqrt(abar(t)), t, 2, 1000) / SumTo(weight, t, 2, 1000)


N8 = Erratum(
    id="N8",
    source="notes, after Algorithm 1",
    severity="wrong",
    quoted="in words: the coefficient (1/(2 σ_t²)) ᾱ_{t−1}(1−α_t)²/(1−ᾱ_t)² is dropped, with a suitable step size",
    words="The dropped coefficient depends on t, so no step size absorbs it: a predictor shared over t has another "
    "optimum.",
    printed=misprint(
        "N8",
        Statement(_shared_data_coefficient(_weight(t)), "=", _shared_data_coefficient(sp.S.One)),
        T1000,
        standard_linear_schedule,
    ),
    right="dropping the weights changes the objective; the optimum stays only for a predictor unrestricted in t",
    correction="ddpm.loss.x0_weighted",
)

# --- N10, N11: signs and constants ------------------------------------------------------------------------------------

best = scalar("best", r"\ell")

N10 = Erratum(
    id="N10",
    source="notes, log-likelihood training",
    severity="typographical",
    quoted="min E[−log p] = max E[log p]",
    words="Minimising the negative log-likelihood and maximising the log-likelihood have one optimiser and values of "
    "opposite sign.",
    printed=misprint("N10", Statement(-best, "=", best), Domain({"best": REAL}), at({"best": "-1"})),
    right="min E[−log p] = −max E[log p]",
    correction=None,
)

spread = scalar("sigma_x", r"\sigma", positive=True)
mse = scalar("mse", r"\mathrm{MSE}", positive=True)

N11 = Erratum(
    id="N11",
    source="notes, after (1.3) and (1.4)",
    severity="imprecise",
    quoted="in words: the constant −d log(√(2π) σ) can be neglected, where σ is learned",
    words="Without its normaliser the objective grows with sigma without end, so it cannot be used to learn sigma.",
    printed=misprint(
        "N11",
        Statement(-mse / (2 * spread**2), "=", -sp.log(sp.sqrt(2 * sp.pi) * spread) - mse / (2 * spread**2)),
        Domain({"sigma_x": POSITIVE, "mse": POSITIVE}),
        at({"mse": "0.04", "sigma_x": "0.2"}),
    ),
    right="keep −d log(√(2π) σ) when σ is learned",
    correction="vae.decoder.gaussian",
)

# --- N12 - N17: what a model can represent, and what a bound can reach ------------------------------------------------

target_variance, frequency = scalar("v", "v", positive=True), scalar("u", "u")

N12 = Erratum(
    id="N12",
    source="notes, Remark 1.7",
    severity="wrong",
    quoted="in words: with enough components, well chosen, a mixture of Gaussians is any law",
    words="A Gaussian mixture of fixed width sigma has a characteristic function below exp(-sigma^2 u^2/2) "
    "everywhere, so "
    "it cannot be any law narrower than that. It approximates every law only as the width may shrink.",
    printed=misprint(
        "N12",
        Statement(sp.exp(-target_variance * frequency**2 / 2), "<=", sp.exp(-(spread**2) * frequency**2 / 2)),
        Domain({"v": POSITIVE, "u": REAL, "sigma_x": POSITIVE}),
        at({"v": "0.25", "u": "2", "sigma_x": "1"}),
    ),
    right="mixtures approximate every law as their width tends to 0",
    correction="vae.decoder.mixture_view",
)

var_1, var_2, mean_1, mean_2 = (
    scalar(n, latex) for n, latex in (("v1", "v_1"), ("v2", "v_2"), ("m1", "m_1"), ("m2", "m_2"))
)

N13 = Erratum(
    id="N13",
    source="notes, 1.1",
    severity="imprecise",
    quoted="in words: a linear autoencoder finds the principal components",
    words="A linear autoencoder without biases keeps the directions of largest second moment, not of largest "
    "variance: it "
    "finds the principal components of centred data only.",
    printed=misprint(
        "N13",
        Statement(var_2 + mean_2**2, "<=", var_1 + mean_1**2, "error when keeping the first principal direction"),
        Domain({"v1": POSITIVE, "v2": POSITIVE, "m1": REAL, "m2": REAL}),
        at({"v1": "4", "v2": "1", "m1": "0", "m2": "10"}),
    ),
    right="centred data, or biases; then the principal subspace",
    correction=None,
)

chance = scalar("pi_0", r"\pi")

N14 = Erratum(
    id="N14",
    source="notes, Remark 1.8",
    severity="imprecise",
    quoted="π_θ(z) ∈ [0, 1]^d, the ends included",
    words="At the closed ends a wrong pixel has log-likelihood minus infinity: the probabilities lie in the open "
    "interval.",
    printed=misprint("N14", Statement(sp.S.Zero, ">=", sp.log(chance)), Domain({"pi_0": REAL}), at({"pi_0": "0"})),
    right="π in the open (0, 1)^d",
    correction="vae.decoder.bernoulli",
)

N15 = Erratum(
    id="N15",
    source="notes, 2.3.1 and Remark 2.6",
    severity="imprecise",
    quoted="in words: the chain of steps and the jump x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε are equivalent",
    words="Walking the chain and jumping give the same law for each single t, not jointly: one shared noise would "
    "correlate "
    "x_s and x_t ten times too strongly.",
    printed=misprint(
        "N15",
        Statement(
            sp.sqrt(abar(t) / abar(s)) * (1 - abar(s)),
            "=",
            sp.sqrt(1 - abar(s)) * sp.sqrt(1 - abar(t)),
            "Cov(x_s, x_t | x_0) per coordinate",
        ),
        T1000,
        standard_linear_schedule,
        {"s": 100, "t": 500},
    ),
    right="Cov(x_s, x_t | x₀) = √(ᾱ_t/ᾱ_s) (1 − ᾱ_s) I for s ≤ t",
    correction=None,
)

unit_evidence = LogDensity(Normal(x(0), 0, 2))


def _unit_model_elbo(q_variance: Any) -> Any:
    """ELBO of z ~ N(0,1), x | z ~ N(z,1) with q(z) = N(0, v), whose mean cannot move."""
    law = Normal(z, 0, q_variance)
    return Expect(law, LogDensity(Normal(x(0), z, 1))) - KL(law, Normal(z, 0, 1))


UNIT_MODEL = Domain({"v": POSITIVE})

N16 = Erratum(
    id="N16",
    source="notes, 1.2.3",
    severity="imprecise",
    quoted="in words: training within a parametric family is equivalent to maximising the likelihood",
    words="A parametric encoder restricts the bound. Here its mean is stuck at 0: even the best variance, 1/2, stays "
    "below "
    "the log-evidence.",
    printed=misprint(
        "N16", Statement(unit_evidence, "=", _unit_model_elbo(sp.Rational(1, 2))), UNIT_MODEL, at({}, {("x", 0): 1})
    ),
    right="the best parametric bound is ≤ the log-evidence",
    correction="vae.elbo.lower_bound",
)

N17 = Erratum(
    id="N17",
    source="notes, Remark 1.6",
    severity="imprecise",
    quoted="in words: the encoder N(0, I) for every x is a sign of too weak an encoder",
    words="An encoder that ignores x has latent term 0, and every encoder can do that; the bound is then 0.4034 nats "
    "below "
    "the log-evidence in this model. Matching the prior alone says nothing.",
    printed=misprint(
        "N17", Statement(unit_evidence, "=", _unit_model_elbo(sp.S.One)), UNIT_MODEL, at({}, {("x", 0): 1})
    ),
    right="log p(x) = ELBO + KL(q(z|x) ‖ p(z|x)): the gap counts, not the latent term",
    correction="vae.elbo.decomposition",
)

N20 = Erratum(
    id="N20",
    source="notes, after (2.8)",
    severity="imprecise",
    quoted="E[w_t ‖ε_θ − ε‖²] with the weights w_t of (2.8), called the most commonly used loss",
    words="The common loss is the unweighted one; the weights of (2.8) differ by a factor of about 120 between steps.",
    printed=misprint(
        "N20",
        Statement((snr(1) / snr(2) - 1) / 2, "=", (snr(349) / snr(350) - 1) / 2, "noise weights at t = 2 and t = 350"),
        T1000,
        standard_linear_schedule,
    ),
    right="the common loss drops these weights",
    correction="ddpm.loss.weights_snr",
)

ERRATA = (N3, N4, N5, N6, N7, N8, N10, N11, N12, N13, N14, N15, N16, N17, N20)

EDITORIAL = (
    Editorial("N9", "notes, 2.4", "define α_0 = 1", "define ᾱ_0 = 1 (the empty product); α_0 does not occur"),
    Editorial("N18", "notes, 2", "Diffusion Denoising Probabilistic Model", "Denoising Diffusion Probabilistic Model"),
    Editorial(
        "N19",
        "notes, 2.3.2",
        "the diffusion ELBO is fully tractable",
        "the inner KLs have a closed form given x_t; the outer expectation of a network needs Monte Carlo",
    ),
    Editorial(
        "N21",
        "notes, several places",
        "arguments inside subscripts; 'set ε = 0' in Algorithm 3; one symbol for two kernels",
        "arguments outside; set the last noise to 0; two symbols",
    ),
)
