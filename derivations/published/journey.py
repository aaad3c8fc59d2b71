"""Errata of the blog post "From VAEs to Diffusion Models: A Step-by-Step Journey"."""

from __future__ import annotations

import sympy as sp

from derivations.notation import SCHEDULE, abar, alpha, beta, d, eps, i, j
from derivations.published.erratum import Editorial, Erratum, at, misprint, proved, standard_linear_schedule
from derivations.rules import (
    CLOSED_UNIT,
    POSITIVE,
    REAL,
    UNIT,
    Domain,
    Expect,
    Norm2,
    Normal,
    ProductTo,
    Rounded,
    Statement,
    SumTo,
    interval_arithmetic,
    moments,
    scalar,
)

CHAIN = Domain(SCHEDULE, products={"abar": "alpha"})
signal = scalar("alpha_1", r"\alpha")
pixel = scalar("x_0", "x_0")
chance = scalar("pi_shown", r"\hat x", positive=True)
mean, spread = scalar("m", "m"), scalar("s_d", "s", positive=True)

J1 = Erratum(
    id="J1",
    source="journey, 2.4, alpha = 1.0",
    severity="wrong",
    quoted="in words: at α = 1 the network must predict zero noise",
    words="At alpha = 1 the noise is still N(0, I), only invisible in x_1 = x_0. The best guess is 0, and the loss "
    "stays at 1 a dimension.",
    printed=misprint(
        "J1",
        Statement(Expect(Normal(eps, 0, 1), Norm2(eps)), "=", sp.S.Zero, "noise loss of the guess 0, one dimension"),
        Domain(),
        at({}),
    ),
    right="the best guess is 0 and the loss stays at 1 a dimension",
    correction=proved("J1", Statement(Expect(Normal(eps, 0, 1), Norm2(eps)), "=", d), Domain(), moments),
)

J2 = Erratum(
    id="J2",
    source="journey, 2.4, alpha = 0.9",
    severity="typographical",
    quoted="x_1 ≈ 0.95 x_0 + 0.31 ε at α = 0.9",
    words="The square root of 0.1 rounds to 0.32.",
    printed=misprint(
        "J2", Statement(sp.sqrt(1 - signal), "=", Rounded("0.31")), Domain({"alpha_1": UNIT}), at({"alpha_1": "0.9"})
    ),
    right="x₁ ≈ 0.95 x₀ + 0.32 ε",
    correction=proved(
        "J2", Statement(sp.sqrt(sp.Rational(1, 10)), "=", Rounded("0.32")), Domain(), interval_arithmetic
    ),
)

J4 = Erratum(
    id="J4",
    source="journey, 1.4",
    severity="typographical",
    quoted="BCE = log p(x|z) = Σ [x log x̂ + (1−x) log(1−x̂)]",
    words="Binary cross-entropy is minus the log-likelihood.",
    printed=misprint(
        "J4",
        Statement(-sp.log(chance), "=", sp.log(chance), "x = 1"),
        Domain({"pi_shown": UNIT}),
        at({"pi_shown": "0.8"}),
    ),
    right="BCE = −log p",
    correction="vae.decoder.bernoulli",
)

J5 = Erratum(
    id="J5",
    source="journey, 2.3",
    severity="imprecise",
    quoted="the noise loss and the data loss are equivalent, for α from 0 to 1",
    words="The equivalence needs 0 < alpha < 1: at alpha = 1 the factor between the losses is 0, and the noise says "
    "nothing of the likelihood.",
    printed=misprint(
        "J5", Statement((1 - signal) / signal, ">", sp.S.Zero), Domain({"alpha_1": CLOSED_UNIT}), at({"alpha_1": "1"})
    ),
    right="0 < α < 1 and fixed σ",
    correction="onestep.loss.equivalence",
)


def _noise_weight(n: int) -> sp.Expr:
    """beta_t^2 / (2 sigma_t^2 alpha_t (1 - abar_t)) with sigma_t^2 = beta_t."""
    return beta(n) / (2 * alpha(n) * (1 - abar(n)))


J6 = Erratum(
    id="J6",
    source="journey, 3.3",
    severity="wrong",
    quoted="the ELBO simplifies to E‖ε − ε_θ(x_t, t)‖²",
    words="The boxed loss is not the bound simplified: its weights, which differ by two orders of magnitude over t, "
    "are dropped.",
    printed=misprint(
        "J6",
        Statement(_noise_weight(2), "=", _noise_weight(350), "weights at t = 2 and t = 350"),
        CHAIN,
        standard_linear_schedule,
    ),
    right="the bound carries β_t²/(2σ_t² α_t (1−ᾱ_t))",
    correction="ddpm.loss.eps_weighted",
)

J7 = Erratum(
    id="J7",
    source="journey, 3.5",
    severity="imprecise",
    quoted="x_0^image = (x_0 + 1)/2 ∈ [0, 1]",
    words="A sample is not confined to [-1, 1]: without clipping the image leaves [0, 1].",
    printed=misprint("J7", Statement((pixel + 1) / 2, "<=", sp.S.One), Domain({"x_0": REAL}), at({"x_0": "1.4"})),
    right="after clipping to [−1, 1]",
    correction=None,
)

# --- J8: 50 steps t = 1000, 980, ..., 20 with the exact predictor of data that are all 3 ------------------------------


def _gain(n: sp.Expr) -> sp.Expr:
    return (1 - (1 - alpha(n)) / (1 - abar(n))) / sp.sqrt(alpha(n))


def _pull(n: sp.Expr) -> sp.Expr:
    return (1 - alpha(n)) * sp.sqrt(abar(n)) * 3 / (sp.sqrt(alpha(n)) * (1 - abar(n)))


skipped_mean = SumTo(_pull(20 * i) * ProductTo(_gain(20 * j), j, 1, i - 1), i, 1, 50)

J8 = Erratum(
    id="J8",
    source="journey, 3.5",
    severity="imprecise",
    quoted="in words: 50 to 100 steps of the same sampler are enough",
    words="The sampler as printed, run on every twentieth step, removes too little noise each time. Skipping needs "
    "beta' = 1 - abar_t/abar_s.",
    printed=misprint(
        "J8", Statement(skipped_mean, "=", sp.Integer(3), "mean of the samples"), CHAIN, standard_linear_schedule
    ),
    right="β′ = 1 − ᾱ_{S_i}/ᾱ_{S_{i−1}} (or DDIM)",
    correction="ddpm.sampling.respaced",
)

J13 = Erratum(
    id="J13",
    source="journey, 2.4, alpha = 0.5",
    severity="imprecise",
    quoted="in words: at α = 0.5, half signal and half noise",
    words="Half signal, half noise holds for data of unit power; MNIST in [0, 1] has power 0.112.",
    printed=misprint(
        "J13",
        Statement(signal * (mean**2 + spread**2) / (1 - signal), "=", sp.S.One, "signal power : noise power"),
        Domain({"alpha_1": UNIT, "m": REAL, "s_d": POSITIVE}),
        at({"alpha_1": "0.5", "m": "0.1307", "s_d": "0.3081"}),
    ),
    right="the ratio is α E|x₀|²/((1−α) d)",
    correction=None,
)

J14 = Erratum(
    id="J14",
    source="journey, 3.4",
    severity="imprecise",
    quoted="in words: the time embedding is the same as the positional encoding of 2017",
    words="The usual DDPM embedding divides the exponent by d/2 - 1, so its last frequency is 1.0e-4 and not "
    "1.155e-4 (d = 128).",
    printed=misprint(
        "J14",
        Statement(sp.Pow(10000, -sp.Rational(63, 63)), "=", sp.Pow(10000, -sp.Rational(63, 64)), "last frequency"),
        Domain(),
        at({}),
    ),
    right="the exponent is i/(d/2 − 1) in common DDPM code",
    correction=None,
)

ERRATA = (J1, J2, J4, J5, J6, J7, J8, J13, J14)

EDITORIAL = (
    Editorial("J3", "journey", "errors compound", "nothing compounds in one step: errors are amplified by √((1−α)/α)"),
    Editorial(
        "J9",
        "journey",
        "no reparameterisation trick",
        "the formula is the same; only the gradient through it is absent",
    ),
    Editorial("J10", "journey", "expectation over q(x_t, x_{t-1} | x_0)", "x_{t-1} is redundant"),
    Editorial("J11", "journey", "the embedding is reshaped to the channels", "a learned linear map, then broadcasting"),
    Editorial("J12", "journey", "x_1 ~ N(0, I) only as α → 0", "for standard normal data at any α"),
    Editorial("J15", "journey", "z_t ~ {N(0, I), 0}", "z_1 = 0, which is no distribution"),
)
