"""Public threads on formulas of books, courses and code: divergences, noise levels and schedules.

Where the thread itself says something wrong, the entry says that too. Codes E.. follow the list of threads.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.notation import abar, alpha, beta, beta_tilde, schedule, t
from derivations.published.erratum import Editorial, Erratum, Severity, at, misprint, proved
from derivations.rules import POSITIVE, REAL, UNIT, D, Domain, Statement, algebra, differentiation, scalar

half = sp.Rational(1, 2)
level, rate = scalar("abar_1", r"\bar\alpha", positive=True), scalar("rate", r"\beta", positive=True)
second_rate = scalar("second_rate", r"\beta'", positive=True)
clean, time = scalar("x_0", "x_0"), scalar("tau", r"\tau", positive=True)
mean, log_std, log_variance = scalar("location", r"\mu"), scalar("log_std", r"\ell"), scalar("log_var", r"\ell_2")
spread, error = scalar("deviation", "s", positive=True), scalar("mse", r"\mathrm{MSE}", positive=True)
least, growth = scalar("least_level", r"\sigma_{\min}", positive=True), scalar("log_growth", "L", positive=True)
small, large = scalar("variance_one", r"\sigma_1^2", positive=True), scalar("variance_t", r"\sigma_t^2", positive=True)

LEVEL = Domain({"abar_1": UNIT})
HALF_WAY = at({"abar_1": "0.4735"})
THREAD = "https://github.com/"


def slip(
    name: str,
    thread: str,
    printed: Statement,
    right: Statement,
    domain: Domain,
    world: object,
    *,
    words: str,
    corrected: str,
    severity: Severity = "wrong",
    by: Any = algebra,
) -> Erratum:
    """One public thread: the formula put to the numbers of the thread's own demonstration, and what is proved."""
    return Erratum(
        id=name,
        source=f"public, {THREAD}{thread}",
        severity=severity,
        printed=misprint(name, printed, domain, world),
        words=words,
        right=corrected,
        correction=proved(name, right, domain, by),
    )


# --- divergences from N(0, 1) -----------------------------------------------------------------------------------------

divergence = half * (sp.exp(2 * log_std) + mean**2 - 1 - 2 * log_std)  # gaussian.kl.diagonal_to_standard at k = 1
of_log_variance = half * (sp.exp(log_variance) + mean**2 - 1 - log_variance)
ENCODER = Domain({"location": REAL, "log_std": REAL})
ENCODER_AT = at({"location": "0.7", "log_std": "-0.5"})

E31 = slip(
    "E31",
    "FluxML/model-zoo/issues/73",
    Statement(
        divergence, "=", half * (sp.exp(2 * log_std) + mean**2 - 1 + log_std**2), "the divergence as coded first"
    ),
    Statement(divergence, "=", half * sp.exp(2 * log_std) + half * mean**2 - half - log_std),
    ENCODER,
    ENCODER_AT,
    words="The logarithm of the variance is squared instead of subtracted. The first fix that was merged, + 2 log s, "
    "had the wrong sign still (-0.5711 at these numbers); the second put it right.",
    corrected="(exp(2 log s) + μ² − 1 − 2 log s)/2",
)
E32 = slip(
    "E32",
    "DaehanKim/vgae_pytorch/issues/2",
    Statement(-divergence, "=", half * (1 + 2 * log_std - mean**2 - sp.exp(log_std)), "minus the divergence, as coded"),
    Statement(-divergence, "=", half * (1 + 2 * log_std - mean**2 - sp.exp(2 * log_std))),
    ENCODER,
    ENCODER_AT,
    words="The network puts out the logarithm of the deviation; its variance is exp(2 log s). The first commenter is "
    "right; the second reads the output as a log variance.",
    corrected="(1 + 2 log s − μ² − exp(2 log s))/2",
)
E33 = slip(
    "E33",
    "KarenUllrich/Tutorial_BayesianCompressionForDL/issues/1",
    Statement(
        of_log_variance,
        "=",
        -log_variance + half * (sp.exp(log_variance) ** 2 + mean**2) - half,
        "the divergence as coded, from a log variance",
    ),
    Statement(of_log_variance, "=", -half * log_variance + half * (sp.exp(log_variance) + mean**2) - half),
    Domain({"location": REAL, "log_var": REAL}),
    at({"location": "0.7", "log_var": "-1"}),
    words="A log variance is treated like the logarithm of a deviation, twice: its exponential is squared, and its "
    "half is missing.",
    corrected="−ℓ/2 + (exp ℓ + μ²)/2 − 1/2",
)
E21 = slip(
    "E21",
    "orybkin/sigma-vae-pytorch/issues/1",
    Statement(-error / error**3 + 1 / error, "=", 0, "slope of MSE/(2 s²) + log s at the printed s = MSE"),
    Statement(-error / sp.sqrt(error) ** 3 + 1 / sp.sqrt(error), "=", 0, "slope at s = sqrt(MSE)"),
    Domain({"mse": POSITIVE}),
    at({"mse": "0.04"}),
    words="The optimal variance is printed as the optimal deviation: where s is the mean squared error, the loss still "
    "falls steeply.",
    corrected="s² = MSE",
)
E68 = slip(
    "E68",
    "udlbook/udlbook/issues/23",
    Statement(
        -sp.log(2 * sp.pi * small) / 2 - sp.Rational(1, 4) / (2 * small),
        "=",
        -sp.log(2 * sp.pi * large) / 2 - sp.Rational(1, 4) / (2 * large),
        "log-density at distance 1/2 with the variance of step 1, and with that of step t",
    ),
    Statement(
        -sp.log(2 * sp.pi * small) / 2 - sp.Rational(1, 4) / (2 * small),
        "=",
        -sp.log(2 * sp.pi * small) / 2 - 1 / (8 * small),
    ),
    Domain({"variance_one": POSITIVE, "variance_t": POSITIVE}),
    at({"variance_one": "0.01", "variance_t": "0.3"}),
    severity="typographical",
    words="The last step's decoder has the variance of step 1; an index t is printed.",
    corrected="σ₁² I",
)

# --- noise levels -----------------------------------------------------------------------------------------------------

E20 = slip(
    "E20",
    "Ryota-Kawamura/How-Diffusion-Models-Work/issues/1",
    Statement((1 - level) ** 2, "=", 1 - level, "variance of the noise, as coded, and as it must be"),
    Statement(sp.sqrt(1 - level) ** 2, "=", 1 - level),
    LEVEL,
    HALF_WAY,
    words="The noise is multiplied by its variance instead of its deviation. The sampler of the same lab divides by "
    "the root, so the two do not fit.",
    corrected="√ᾱ x + √(1−ᾱ) ε",
)
E23 = slip(
    "E23",
    "huggingface/diffusion-models-class/issues/18",
    Statement((1 - level) + sp.sqrt(1 - level), "=", 1, "variance of x_t for data of unit variance"),
    Statement(level + (1 - level), "=", 1),
    LEVEL,
    HALF_WAY,
    words="With mean sqrt(1 - alpha) x_0 and covariance sqrt(1 - alpha) I the variance of unit data would grow. The "
    "thread is right about the variance; its own mean is still sqrt(1 - alpha) x_0, with 1.0530 in place of 1.",
    corrected="N(√ᾱ x₀, (1−ᾱ) I)",
)
E25 = slip(
    "E25",
    "LuChengTHU/dpm-solver/issues/13",
    Statement((1 - rate) * (1 - second_rate), "=", rate * second_rate, "abar after two steps, as a comment has it"),
    Statement((1 - rate) * (1 - second_rate), "=", 1 - rate - second_rate + rate * second_rate),
    Domain({"rate": UNIT, "second_rate": UNIT}),
    at({"rate": "0.0001", "second_rate": "0.0003"}),
    words="The product is over 1 - beta. Products of the betas themselves vanish at once.",
    corrected="ᾱ_t = ∏ (1 − β_s)",
)
E27 = slip(
    "E27",
    "tqch/ddpm-torch/issues/9",
    Statement(sp.log(1 - level), "=", 1 - level, "log variance of q(x_t | x_0), and what was stored"),
    Statement(sp.log(1 - level), "=", 2 * sp.log(sp.sqrt(1 - level))),
    LEVEL,
    HALF_WAY,
    words="The variance was stored where its logarithm is read. Only the prior term of the bound uses it.",
    corrected="log(1 − ᾱ_t)",
)
E28 = slip(
    "E28",
    "blt2114/twisted_diffusion_sampler/issues/3",
    Statement(sp.sqrt(1 - level), "=", sp.sqrt(1 - level) * clean, "deviation of q(x_t | x_0), and what was returned"),
    Statement(sp.sqrt(1 - level) ** 2, "=", 1 - level),
    Domain({"abar_1": UNIT, "x_0": REAL}),
    at({"abar_1": "0.4735", "x_0": "0.3"}),
    words="The deviation is multiplied by the data, and is negative where they are. The algorithm does not use this "
    "function.",
    corrected="√(1 − ᾱ_t)",
)
E29 = Erratum(
    id="E29",
    source=f"public, {THREAD}varun-ml/diffusion-models-tutorial/pull/1",
    severity="wrong",
    printed=misprint(
        "E29",
        Statement(beta_tilde(t), "=", beta(t) * (1 - abar(t - 1)), "posterior variance, and what was coded"),
        schedule(2),
        at({}, alpha={1: "0.8", 2: "0.55"}),
        {"t": 2, "T": 2},
    ),
    words="The division by 1 - abar_t is left out. The description says that the factors cancel; they do not.",
    right="β_t (1 − ᾱ_{t−1}) / (1 − ᾱ_t)",
    correction="ddpm.posterior.variance",
)
E30 = slip(
    "E30",
    "jcwang-gh/classifier-free-diffusion-guidance-Pytorch/issues/12",
    Statement(sp.sqrt(1 / level - 1), "=", (1 - level) / sp.sqrt(level), "factor of the noise in the predicted data"),
    Statement(sp.sqrt(1 / level - 1), "=", sp.sqrt(1 - level) / sp.sqrt(level)),
    LEVEL,
    at({"abar_1": "0.36"}),
    words="The logarithm of a variance is used for that of a deviation. The same file has 1 - sqrt(abar) for 1 - abar.",
    corrected="√(1−ᾱ)/√ᾱ",
)
E26 = Erratum(
    id="E26",
    source=f"public, {THREAD}CompVis/stable-diffusion/pull/907",
    severity="wrong",
    printed=misprint(
        "E26",
        Statement(
            abar(t - 1) * (1 - alpha(t)) ** 2 / (2 * beta_tilde(t) * (1 - abar(t)) ** 2),
            "=",
            half * sp.sqrt(abar(t)) / (2 * 1 - abar(t)),
            "weight of the data error in the bound, and what is coded",
        ),
        schedule(2),
        at({}, alpha={1: "0.8", 2: "0.55"}),
        {"t": 2, "T": 2},
    ),
    words="A bracket is missing in 2 * 1 - abar, as the thread says. With it the expression would still not be the "
    "weight that the bound gives; the expression quoted in the thread is not the one in the file either.",
    right="ᾱ_{t−1} β_t² / (2 β̃_t (1−ᾱ_t)²)",
    correction="ddpm.loss.x0_weighted",
)

# --- rates ------------------------------------------------------------------------------------------------------------

E04 = slip(
    "E04",
    "probml/pml2-book/issues/317",
    Statement(
        D(clean * sp.exp(-rate * time / 2), time), "=", -rate / 2, "rate of the mean of x_t, and the printed drift"
    ),
    Statement(D(clean * sp.exp(-rate * time / 2), time), "=", -rate / 2 * (clean * sp.exp(-rate * time / 2))),
    Domain({"x_0": REAL, "rate": POSITIVE, "tau": POSITIVE}),
    at({"x_0": "1.2", "rate": "2", "tau": "0.5"}),
    words="x_t is missing in the drift: as printed every point moves at one speed, whatever it is.",
    corrected="f(x_t, t) = −β(t) x_t / 2",
    by=differentiation,
)
E14 = slip(
    "E14",
    "deepinv/deepinv/issues/775",
    Statement(
        D((least * sp.exp(growth * time)) ** 2, time),
        "=",
        (least * sp.exp(growth * time)) ** 2,
        "rate of the variance, and g² as printed; L = log(sigma_max/sigma_min)",
    ),
    Statement(
        D((least * sp.exp(growth * time)) ** 2, time), "=", (least * sp.exp(growth * time) * sp.sqrt(2 * growth)) ** 2
    ),
    Domain({"least_level": POSITIVE, "log_growth": POSITIVE, "tau": POSITIVE}),
    at({"least_level": "0.02", "log_growth": "6.9", "tau": "0.5"}),
    words="The factor sqrt(2 log(sigma_max/sigma_min)) of the variance-exploding process is left out, and with it most "
    "of the noise.",
    corrected="g(t) = σ_min (σ_max/σ_min)^t √(2 log(σ_max/σ_min))",
    by=differentiation,
)
E53 = slip(
    "E53",
    "NVlabs/edm/issues/1",
    Statement(level**2 * (1 + (1 / level - 1)), "=", 1, "s² (1 + σ²) with the thread's s = e, for the VP path"),
    Statement(sp.sqrt(level) ** 2 * (1 + (1 / level - 1)), "=", 1, "with s = sqrt(e), as the table has it"),
    LEVEL,
    HALF_WAY,
    severity="imprecise",
    words="Here the thread is wrong and the table is right, as its author found: e is written for the exponential "
    "whose root is the scale.",
    corrected="s(t) = √e, as the table says",
)
E60 = slip(
    "E60",
    "huggingface/diffusers/issues/9474",
    Statement(1 - (1 - rate) * (1 - second_rate), "=", rate * second_rate, "1 - abar after two steps, and prod beta"),
    Statement(1 - (1 - rate) * (1 - second_rate), "=", rate + second_rate - rate * second_rate),
    Domain({"rate": UNIT, "second_rate": UNIT}),
    at({"rate": "0.2", "second_rate": "0.45"}),
    severity="imprecise",
    words="Here the thread is wrong and the code is right: beta_prod_t is the code's name for 1 - abar_t and not a "
    "product of betas. Its author withdraws in the first comment.",
    corrected="beta_prod_t := 1 − ᾱ_t",
)

ERRATA = (E04, E14, E20, E21, E23, E25, E26, E27, E28, E29, E30, E31, E32, E33, E53, E60, E68)

EDITORIAL = (
    Editorial(
        "E67",
        f"public, {THREAD}probml/pml2-book/issues/489",
        "cosine schedule with s = 0.08",
        "s = 0.008, by its source (Nichol and Dhariwal 2021)",
    ),
    Editorial(
        "E43",
        f"public, {THREAD}YangLing0818/Diffusion-Models-Papers-Survey-Taxonomy/issues/17",
        "q(x_t) := ∫ q(x_t) q(x_0) dx_0",
        "q(x_t) := ∫ q(x_t|x_0) q(x_0) dx_0; as printed it says q(x_t) = q(x_t), which is not false, but empty",
    ),
)
