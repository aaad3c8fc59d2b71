"""Errata of the lecture slides "VAEs and diffusion models"."""

from __future__ import annotations

import sympy as sp

from derivations.notation import SCHEDULE, abar, alpha, beta, t
from derivations.published.erratum import Editorial, Erratum, at, misprint, standard_linear_schedule
from derivations.rules import POSITIVE, REAL, UNIT, Domain, Statement, scalar

CHAIN = Domain(SCHEDULE, products={"abar": "alpha"})
level = scalar("abar_1", r"\bar\alpha", positive=True)
rate = scalar("rate", r"\beta", positive=True)
point = scalar("x", "x")
clean = scalar("x_0", "x_0")
noise = scalar("noise", r"\epsilon")
share = scalar("share", "w", positive=True)
time = scalar("B", "B", positive=True)
squared_error = scalar("sse", r"\mathrm{SSE}", positive=True)
divergence = scalar("kl", r"\mathrm{KL}", positive=True)
spread = scalar("sigma_x", r"\sigma", positive=True)

# --- S1, S2: data N(0, 1), whose noise predictor is sqrt(1 - abar) x --------------------------------------------------
predicted = sp.sqrt(1 - level) * point
NORMAL_DATA = Domain({"abar_1": UNIT, "rate": POSITIVE, "x": REAL})
HALF_WAY = at({"abar_1": "0.5", "rate": "1", "x": "1"})

S1 = Erratum(
    id="S1",
    source="slides, reverse SDE",
    severity="wrong",
    quoted="dx = (−½ β x − β ε_θ(x_t, t)) dt + √β dw",
    words="A noise predictor stands where the score should: the sign is reversed and the factor 1/sqrt(1 - abar) is "
    "missing.",
    printed=misprint(
        "S1",
        Statement(
            -rate * point / 2 + rate * predicted / sp.sqrt(1 - level),
            "=",
            -rate * point / 2 - rate * predicted,
            "reverse drift",
        ),
        NORMAL_DATA,
        HALF_WAY,
    ),
    right="dx = (−β x/2 + β ε_θ/√(1−ᾱ_t)) dt + √β dω̄",
    correction="sde.reverse",
)

S2 = Erratum(
    id="S2",
    source="slides, reverse ODE",
    severity="wrong",
    quoted="dx = −½ β (x + ε_θ) dt",
    words="The same slip in the probability-flow ODE: on standard normal data the flow must stand still, as printed "
    "it contracts.",
    printed=misprint(
        "S2",
        Statement(
            -rate * (point - predicted / sp.sqrt(1 - level)) / 2, "=", -rate * (point + predicted) / 2, "velocity"
        ),
        NORMAL_DATA,
        HALF_WAY,
    ),
    right="dx = −β (x − ε_θ/√(1−ᾱ_t))/2 dt",
    correction="ode.probability_flow",
)

# --- S3: data on {-1, +1}; given x_1 = 0 both are equally likely ------------------------------------------------------
second = share * 1**2 + (1 - share) * (-1) ** 2
mean = share - (1 - share)
fourth = share * (1 - mean) ** 4 + (1 - share) * (-1 - mean) ** 4

S3 = Erratum(
    id="S3",
    source="slides, reverse process",
    severity="wrong",
    quoted="q(x_{t−1} | x_t) = N(μ_θ, σ_t² I)",
    words="q(x_{t-1} | x_t) is the true reverse kernel and in general not Gaussian; the Gaussian is the model "
    "p_theta. Here it sits on two points, whose fourth moment is 1 and not 3.",
    printed=misprint(
        "S3",
        Statement(fourth, "=", 3 * (second - mean**2) ** 2, "fourth central moment of a Gaussian"),
        Domain({"share": UNIT}),
        at({"share": "0.5"}),
    ),
    right="p_θ(x_{t−1}|x_t) = N(μ_θ, σ_t² I)",
    correction=None,
)

# --- S4: DDIM from t = 500 to 100 -------------------------------------------------------------------------------------


def _stride(cumulative: object) -> sp.Expr:
    """The DDIM step 500 -> 100 with exact noise, reading `cumulative` as the signal level."""
    level_of = cumulative
    start = sp.sqrt(abar(500)) * clean + sp.sqrt(1 - abar(500)) * noise
    estimate = (start - sp.sqrt(1 - level_of(500)) * noise) / sp.sqrt(level_of(500))  # type: ignore[operator]
    return sp.sqrt(level_of(100)) * estimate + sp.sqrt(1 - level_of(100)) * noise  # type: ignore[operator]


S4 = Erratum(
    id="S4",
    source="slides, DDIM",
    severity="wrong",
    quoted="x_j = √α_j (x_i − √(1−α_i) ε)/√α_i + √(1−α_j−σ_i²) ε + σ_i z",
    words="The formula is right only if alpha means the cumulative product, as in the DDIM paper; the slides use "
    "alpha_t = 1 - beta_t.",
    printed=misprint(
        "S4",
        Statement(_stride(abar), "=", _stride(alpha)),
        Domain({**SCHEDULE, "x_0": REAL, "noise": REAL}, products={"abar": "alpha"}),
        standard_linear_schedule,
        {"x_0": 1, "noise": "0.3"},
    ),
    right="ᾱ in every place",
    correction=None,
)

S5 = Erratum(
    id="S5",
    source="slides, sampling loop",
    severity="imprecise",
    quoted="z ~ N(0, I) in every step of the sampling loop, t = 1 included",
    words="Noise drawn at t = 1 with variance beta_1 stays in the image: standard deviation 0.01 on the linear "
    "schedule.",
    printed=misprint(
        "S5", Statement(sp.sqrt(beta(1)), "=", sp.S.Zero, "noise left in x_0"), CHAIN, standard_linear_schedule
    ),
    right="z = 0 at t = 1",
    correction="ddpm.posterior.t1",
)

# --- S6: x_0 | y ~ N(+-1, 1/4) ----------------------------------------------------------------------------------------
centre = sp.sqrt(level)
width = level / 4 + 1 - level
lean = sp.exp(2 * centre * point / width)
score = (centre * (lean - 1) / (lean + 1) - point) / width
score_given_plus = (centre - point) / width
noise_of = {s: -sp.sqrt(1 - level) * s for s in (score, score_given_plus)}
classifier_gradient = score_given_plus - score

S6 = Erratum(
    id="S6",
    source="slides, classifier guidance",
    severity="wrong",
    quoted="in words: the classifier's gradient ∇ log p(y | x_t) is added to ε_θ",
    words="The classifier's gradient is added to the score; a noise prediction is minus sqrt(1 - abar) times the "
    "score, so there it is subtracted with that factor.",
    printed=misprint(
        "S6",
        Statement(noise_of[score_given_plus], "=", noise_of[score] + classifier_gradient, "noise given the class"),
        Domain({"abar_1": UNIT, "x": REAL}),
        at({"abar_1": "0.5", "x": "0.4"}),
    ),
    right="ε̂ = ε_θ − w √(1−ᾱ_t) ∇ log p(y|x_t)",
    correction="guidance.classifier",
)

S10 = Erratum(
    id="S10",
    source="slides, forward SDE",
    severity="imprecise",
    quoted="in words: the drift −½ β x pulls towards the mode",
    words="The drift pulls towards the origin, away from the mode of data that sit elsewhere.",
    printed=misprint(
        "S10",
        Statement(clean * sp.exp(-time / 2), ">=", clean, "mean of x"),
        Domain({"x_0": REAL, "B": POSITIVE}),
        at({"x_0": "3", "B": "1"}),
    ),
    right="towards the origin: the mean is √ᾱ_t x₀",
    correction="ddpm.forward.marginal",
)

S12 = Erratum(
    id="S12",
    source="slides, forward process",
    severity="typographical",
    quoted="x_t = √α_t x_{t−1} + √(1−α_t) ε and x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε, with one symbol ε",
    words="The noise of one step and the noise of the jump from x_0 are different variables; at t = 500 their "
    "correlation is 0.104.",
    printed=misprint(
        "S12",
        Statement(sp.sqrt((1 - alpha(t)) / (1 - abar(t))), "=", sp.S.One, "correlation of the two noises"),
        CHAIN,
        standard_linear_schedule,
        {"t": 500},
    ),
    right="two symbols",
    correction="ddpm.forward.symbol_reuse",
)

S13 = Erratum(
    id="S13",
    source="slides, VAE loss",
    severity="imprecise",
    quoted="d(x, x') + KL as the loss of the VAE",
    words="d(x, x') + KL is minus the ELBO only if d is minus the decoder's log-likelihood: the ratio of the two "
    "terms depends on sigma.",
    printed=misprint(
        "S13",
        Statement(squared_error / (2 * spread**2) / divergence, "=", squared_error / divergence, "reconstruction : KL"),
        Domain({"sse": POSITIVE, "kl": POSITIVE, "sigma_x": POSITIVE}),
        at({"sse": "4", "kl": "3", "sigma_x": "0.1"}),
    ),
    right="−log p_θ(x|z) + KL",
    correction="vae.loss.slides",
)

ERRATA = (S1, S2, S3, S4, S5, S6, S10, S12, S13)

EDITORIAL = (
    Editorial(
        "S7", "slides", "no adversarial attack is trained", "the published remark is about sampling along the gradient"
    ),
    Editorial(
        "S8", "slides", "NeurIPS 2021", "NeurIPS 2021 Workshop on Deep Generative Models and Downstream Applications"
    ),
    Editorial(
        "S9",
        "slides",
        "due to the reparametrization trick",
        "a change of the prediction target, not the gradient trick",
    ),
    Editorial("S11", "slides", "t ~ U{1, T}", "t uniform on the integers 1..T"),
    Editorial("S14", "slides", "all values are stored in 16 bits", "most are"),
    Editorial("S15", "slides", "Imagic without its interpolation", "ē = η e_tgt + (1 − η) e_opt"),
)
