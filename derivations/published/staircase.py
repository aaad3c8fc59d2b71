"""Errata of the blog on the way VAE - DDPM - score - SDE - DDIM with a one-pixel example."""

from __future__ import annotations

import sympy as sp

from derivations.notation import SCHEDULE, abar, beta, snr
from derivations.published.erratum import Editorial, Erratum, at, misprint, proved, standard_linear_schedule
from derivations.rules import NONNEGATIVE, POSITIVE, REAL, UNIT, Domain, Statement, scalar

CHAIN = Domain(SCHEDULE, products={"abar": "alpha"})
level = scalar("abar_1", r"\bar\alpha", positive=True)
noise, clean, noisy = scalar("noise", r"\epsilon"), scalar("x_0", "x_0"), scalar("x_t", "x_t")
step = scalar("h", "h", positive=True)
time = scalar("tau", r"\tau")


def _over_bound(n: int) -> sp.Expr:
    """Uniform weight over the bound's weight of the data loss."""
    return 2 / (snr(n - 1) - snr(n))


B2 = Erratum(
    id="B2",
    source="staircase, the reparameterization",
    severity="wrong",
    quoted="in words: predicting x_0 with uniform weights does roughly the opposite of playing low noise down",
    words="Relative to the bound, the uniform data loss plays low noise down even more: 3.7e-4 at t = 2, 2.4e6 at t "
    "= 1000.",
    printed=misprint("B2", Statement(_over_bound(2), ">", _over_bound(1000)), CHAIN, standard_linear_schedule),
    right="relative to the bound it de-emphasises low noise by far more",
    correction="ddpm.loss.weights_snr",
)

B3 = Erratum(
    id="B3",
    source="staircase, the reparameterization",
    severity="imprecise",
    quoted="in words: a noise target keeps the regression in one numeric range at every t",
    words="The target's scale is constant, for x_0 as well; the loss that can be reached is not. On N(0, 1) data it "
    "is abar_t.",
    printed=misprint("B3", Statement(abar(1), "=", abar(1000), "best noise loss"), CHAIN, standard_linear_schedule),
    right="the best noise loss on N(0, 1) data is ᾱ_t",
    correction="ddpm.parameterization.eps_target_scale",
)

# --- B4: data on {-1, +1} ---------------------------------------------------------------------------------------------
at_noise = sp.sqrt(level) * clean + sp.sqrt(1 - level) * noise
lean = sp.exp(2 * sp.sqrt(level) * at_noise / (1 - level))
marginal_score = (sp.sqrt(level) * (lean - 1) / (lean + 1) - at_noise) / (1 - level)

B4 = Erratum(
    id="B4",
    source="staircase, score",
    severity="wrong",
    quoted="score = −ε/√(1−ᾱ_t), said of the blurred data",
    words="The noise gives the conditional score. The score of the blurred data is its average given x_t.",
    printed=misprint(
        "B4",
        Statement(marginal_score, "=", -noise / sp.sqrt(1 - level)),
        Domain({"abar_1": UNIT, "x_0": REAL, "noise": REAL}),
        at({"abar_1": "0.5", "x_0": "1", "noise": "-1.5"}),
    ),
    right="∇ log q(x_t) = E[−ε/√(1−ᾱ_t) | x_t]",
    correction="score.marginal_identity",
)

B5 = Erratum(
    id="B5",
    source="staircase, DDIM",
    severity="imprecise",
    quoted="in words: with σ_t at DDPM's value the DDIM step is DDPM's, for σ² = β as well",
    words="True for sigma^2 = beta_tilde. For sigma^2 = beta the radicand of the DDIM step is negative at t = 1.",
    printed=misprint(
        "B5", Statement(1 - abar(0) - beta(1), ">=", sp.S.Zero, "radicand at t = 1"), CHAIN, standard_linear_schedule
    ),
    right="σ_t² = β̃_t",
    correction="ddpm.posterior.variance",
)

B7 = Erratum(
    id="B7",
    source="staircase, the forward process",
    severity="imprecise",
    quoted="in words: the endpoint is the prior by construction",
    words="The end point is close to the prior, not equal to it: 2.0e-5 nats a pixel at |x_0| = 1.",
    printed=misprint(
        "B7",
        Statement(
            (abar(1000) * clean**2 - abar(1000) - sp.log(1 - abar(1000))) / 2,
            "=",
            sp.S.Zero,
            "KL to the prior, one pixel",
        ),
        Domain({**SCHEDULE, "x_0": REAL}, products={"abar": "alpha"}),
        standard_linear_schedule,
        {"x_0": 1},
    ),
    right="KL(q(x_T|x₀) ‖ N(0, I)) > 0, small if ᾱ_T is",
    correction="ddpm.latent_term.closed_form",
)

B9 = Erratum(
    id="B9",
    source="staircase, flow matching",
    severity="imprecise",
    quoted="in words: flow matching learns straight paths",
    words="Only the conditional paths are straight. From N(0, 1) to N(0, 4) the flow through 1 is at 1.118 half-way, "
    "the chord at 1.5.",
    printed=misprint(
        "B9",
        Statement(sp.sqrt((1 - time) ** 2 + 4 * time**2), "=", 1 + time),
        Domain({"tau": NONNEGATIVE}),
        at({"tau": "0.5"}),
    ),
    right="conditional paths are straight, marginal ones are not",
    correction="flow_matching.straight_paths",
)

B10 = Erratum(
    id="B10",
    source="staircase, score",
    severity="imprecise",
    quoted="in words: noise fills the space with gentle gradients",
    words="The conditional score's size is 1/sqrt(1 - abar_t): 100 at t = 1, 1 at t = 1000.",
    printed=misprint(
        "B10",
        Statement(1 / sp.sqrt(1 - abar(1)), "=", 1 / sp.sqrt(1 - abar(1000)), "rms score at t = 1 and t = 1000"),
        CHAIN,
        standard_linear_schedule,
    ),
    right="rms size 1/√(1−ᾱ_t)",
    correction=None,
)

B14 = Erratum(
    id="B14",
    source="staircase, the reparameterization",
    severity="typographical",
    quoted="in words: noise, score, drift and direction are linear relabelings of one another",
    words="The maps between predictions are affine: predicting no noise predicts x_t/sqrt(abar), not 0.",
    printed=misprint(
        "B14",
        Statement(noisy / sp.sqrt(level), "=", 0 * noisy, "estimate of x_0 at predicted noise 0"),
        Domain({"abar_1": UNIT, "x_t": REAL}),
        at({"abar_1": "0.5", "x_t": "0.919"}),
    ),
    right="affine",
    correction="ddpm.parameterization.bijection",
)

B16 = Erratum(
    id="B16",
    source="staircase, Langevin",
    severity="imprecise",
    words="Langevin sampling is exact only as the step tends to 0: at step 0.1 the variance settles at 1.0526.",
    printed=misprint(
        "B16",
        Statement(2 * step / (1 - (1 - step) ** 2), "=", sp.S.One, "stationary variance, target N(0, 1)"),
        Domain({"h": POSITIVE}),
        at({"h": "0.1"}),
    ),
    right="stationary variance 1/(1 − h/2)",
    correction=proved(
        "B16",
        Statement(
            (1 - step) ** 2 / (1 - step / 2) + 2 * step,
            "=",
            1 / (1 - step / 2),
            "the variance that one step leaves alone",
        ),
        Domain({"h": UNIT}),
    ),
)

ERRATA = (B2, B3, B4, B5, B7, B9, B10, B14, B16)

EDITORIAL = (
    Editorial("B6", "staircase", "provably close to a Gaussian", "for beta_t small against 1 − ᾱ_{t−1}; not at t = 1"),
    Editorial("B8", "staircase", "DDPM must visit every rung", "skipping leaves a Gaussian chain with respaced betas"),
    Editorial("B11", "staircase", "barely dusty at ᾱ_100 ≈ 0.90", "the noise has standard deviation 0.32"),
    Editorial("B12", "staircase", "every diffusion SDE has an exact reverse", "under regularity of the density"),
    Editorial("B13", "staircase", "the SDE often edges out the ODE", "it depends on the variance of the sampler"),
    Editorial(
        "B15",
        "staircase",
        "every model here optimises the ELBO",
        "L_simple is re-weighted; score matching is not a bound",
    ),
)
