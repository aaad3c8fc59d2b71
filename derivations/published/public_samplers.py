"""Public threads on formulas of books, courses and code: guidance, samplers, losses and their weights."""

from __future__ import annotations

import sympy as sp

from derivations.notation import obs, p, q, schedule, t, x, z
from derivations.published.erratum import Editorial, Erratum, at, misprint
from derivations.published.public_laws import THREAD, clean, half, level, mean, slip, spread
from derivations.rules import KL, POSITIVE, REAL, UNIT, D, Domain, Expect, Statement, differentiation, log_p, scalar

weight = scalar("guidance", "w")
conditional, unconditional = scalar("eps_c", r"\epsilon_c"), scalar("eps_u", r"\epsilon_\varnothing")
guided = unconditional + weight * (conditional - unconditional)
GUIDANCE = Domain({"guidance": REAL, "eps_c": REAL, "eps_u": REAL})
point, noise, target = scalar("x", "x"), scalar("noise", r"\epsilon"), scalar("target", "Z")
share = scalar("share", "w", positive=True)
snr = scalar("snr", r"\mathrm{SNR}", positive=True)
large, small = scalar("beta_large", r"\beta", positive=True), scalar("beta_small", r"\tilde\beta", positive=True)
code, word, commitment = scalar("code", "z"), scalar("word", "e"), scalar("commitment", r"\beta", positive=True)
frozen_code, frozen_word = scalar("heldcode", r"z_{\mathrm{sg}}"), scalar("heldword", r"e_{\mathrm{sg}}")
later = scalar("abar_s", r"\bar\alpha_{s}", positive=True)
drift, pull, step = scalar("drift", "f"), scalar("score", "s"), scalar("step", "h", positive=True)

# --- the bound --------------------------------------------------------------------------------------------------------

bound = Expect(q(z, obs), log_p("p", [obs, z]) - log_p("q", z, obs))
E01 = Erratum(
    id="E01",
    source=f"public, {THREAD}probml/pml2-book/issues/23",
    severity="wrong",
    printed=misprint(
        "E01",
        Statement(
            bound, "=", Expect(q(z, obs), log_p("p", [obs, z]) - sp.exp(log_p("q", z, obs))), "the bound, as printed"
        ),
        Domain(),
        lambda rng, n: None,
    ),
    words="A logarithm is lost: the density of the encoder itself is subtracted.",
    right="E_q[log p(x, z) − log q(z|x)]",
    correction="vae.elbo.joint_form",
)

divergence = KL(q(x(t - 1), [x(t), x(0)]), p(x(t - 1), x(t)))
E03 = Erratum(
    id="E03",
    source=f"public, {THREAD}probml/pml2-book/issues/160",
    severity="wrong",
    printed=misprint(
        "E03",
        Statement(Expect(q(x(t), x(0)), divergence), "=", divergence, "one term of the loss, and as printed"),
        schedule(2),
        lambda rng, n: None,
    ),
    words="The mean over x_t given x_0 is left out: as printed the loss is a function of a state that nobody has "
    "drawn.",
    right="Σ E_{q(x_t|x_0)} KL(q(x_{t−1}|x_t, x_0) ‖ p(x_{t−1}|x_t))",
    correction="ddpm.elbo.decomposition",
)

# --- guidance ---------------------------------------------------------------------------------------------------------

E15 = slip(
    "E15",
    "labmlai/annotated_deep_learning_paper_implementations/issues/177",
    Statement(guided, "=", weight * conditional + (weight - 1) * unconditional, "as the documentation has it"),
    Statement(guided, "=", weight * conditional + (1 - weight) * unconditional),
    GUIDANCE,
    at({"guidance": "3", "eps_c": "0.4", "eps_u": "-0.2"}),
    words="The sign of the unconditional share is turned: the weights do not add up to 1. The code beside it is right.",
    corrected="s ε(x_t, c) + (1 − s) ε(x_t, ∅)",
)
E18 = slip(
    "E18",
    "TeaPearce/Conditional_Diffusion_MNIST/pull/2",
    Statement(
        guided.xreplace({weight: 1 + weight}), "=", (1 + weight) * conditional + weight * unconditional, "as printed"
    ),
    Statement(guided.xreplace({weight: 1 + weight}), "=", (1 + weight) * conditional - weight * unconditional),
    GUIDANCE,
    at({"guidance": "2", "eps_c": "0.4", "eps_u": "-0.2"}),
    words="A minus is printed as a plus. Where both predictions agree, guidance must change nothing; as printed it "
    "multiplies them by 1 + 2w.",
    corrected="(1 + w) ψ(z_t, c) − w ψ(z_t)",
)
E19 = slip(
    "E19",
    "facebookresearch/DiT/issues/107",
    Statement(
        guided,
        "=",
        unconditional + weight * (-conditional / spread),
        "guidance, and the prediction plus w times the score of p(x | c)",
    ),
    Statement(
        guided,
        "=",
        unconditional - weight * spread * (-conditional / spread + unconditional / spread),
        "with the score of p(c | x), which is the difference of the two, times minus sigma",
    ),
    Domain({**GUIDANCE.intervals, "deviation": POSITIVE}),
    at({"guidance": "3", "eps_c": "0.4", "eps_u": "-0.2", "deviation": "0.6"}),
    words="The gradient that is meant is that of log p(c | x), as the thread says; its own display still lacks the "
    "factor -sigma that turns a score into a noise.",
    corrected="ε̂ = ε(x, ∅) − s σ_t ∇ log p(c|x)",
)

# --- scores and samplers ----------------------------------------------------------------------------------------------

E17 = slip(
    "E17",
    "lebellig/flow-matching/issues/2",
    Statement(
        D(-((point - mean) ** 2) / (2 * spread**2), point),
        "=",
        (point - mean) / spread**2,
        "the score of N(mu, sigma²), and the target as printed",
    ),
    Statement(D(-((point - mean) ** 2) / (2 * spread**2), point), "=", -(point - mean) / spread**2),
    Domain({"x": REAL, "location": REAL, "deviation": POSITIVE}),
    at({"x": "1", "location": "0.4", "deviation": "0.5"}),
    words="The target has the wrong sign: a network trained on it points away from the data.",
    corrected="‖ s_t(x) + (x − μ_t)/σ_t² ‖²",
    by=differentiation,
)
E45 = slip(
    "E45",
    "EnVision-Research/LucidDreamer/issues/15",
    Statement(
        sp.sqrt(later) * (point - sp.sqrt(1 - level) * noise) / sp.sqrt(level) + sp.sqrt(1 - later) * noise,
        "=",
        (point - sp.sqrt(1 - level) * noise) / sp.sqrt(level) + sp.sqrt(1 - later) * noise,
        "the deterministic step, and as printed",
    ),
    Statement(
        sp.sqrt(later) * (point - sp.sqrt(1 - level) * noise) / sp.sqrt(level) + sp.sqrt(1 - later) * noise,
        "=",
        sp.sqrt(later) / sp.sqrt(level) * point
        + (sp.sqrt(1 - later) - sp.sqrt(later) * sp.sqrt(1 - level) / sp.sqrt(level)) * noise,
    ),
    Domain({"abar_1": UNIT, "abar_s": UNIT, "x": REAL, "noise": REAL}),
    at({"abar_1": "0.4735", "abar_s": "0.8455", "x": "0.7", "noise": "0.4"}),
    words="The factor sqrt(abar_s) of the predicted data is lost, a slip of the writing as its author says.",
    corrected="√ᾱ_s (x_t − √(1−ᾱ_t) ε)/√ᾱ_t + √(1−ᾱ_s) ε",
)
E16 = slip(
    "E16",
    "labmlai/annotated_deep_learning_paper_implementations/issues/238",
    Statement(
        ((1 - share) ** 2 + share**2) * (1 - level),
        "=",
        (1 - share) ** 2 * (1 - level),
        "variance of the noise in the mixture of two noised pictures, and as printed",
    ),
    Statement(
        ((1 - share) ** 2 + share**2) * (1 - level), "=", (1 - share) ** 2 * (1 - level) + share**2 * (1 - level)
    ),
    Domain({"share": UNIT, "abar_1": UNIT}),
    at({"share": "0.3", "abar_1": "0.4735"}),
    words="Two noised pictures are mixed; as printed the second one is clean. The code beside it is right.",
    corrected="(1 − λ) x_t + λ x'_t",
)
E08 = slip(
    "E08",
    "facebookresearch/flow_matching/issues/47",
    Statement(
        sp.S.One * clean + (1 - sp.S.One) * target, "=", target, "the path as printed at t = 1, and the target there"
    ),
    Statement((1 - sp.S.One) * clean + sp.S.One * target, "=", target),
    Domain({"x_0": REAL, "target": REAL}),
    at({"x_0": "-0.5", "target": "2"}),
    words="Source and target have changed places: with alpha_t = t and sigma_t = 1 - t the path must end at the "
    "target.",
    corrected="σ_t X₀ + α_t Z",
)
E44 = slip(
    "E44",
    "YangLing0818/Diffusion-Models-Papers-Survey-Taxonomy/issues/15",
    Statement((drift - pull) * step, "=", drift - pull * step, "the drift over a step h, and without its brackets"),
    Statement((drift - pull) * step, "=", drift * step - pull * step),
    Domain({"drift": REAL, "score": REAL, "step": POSITIVE}),
    at({"drift": "-1", "score": "0.5", "step": "0.01"}),
    severity="typographical",
    words="Without brackets only the second term is multiplied by dt. In the same place a product begins at s = 0, "
    "where there is no alpha.",
    corrected="dx = [f − g² s_θ] dt + g dw; ∏ from s = 1",
)
E13 = slip(
    "E13",
    "eje24/iap-diffusion-labs/pull/28",
    Statement(sp.Integer(3) * 3, "=", sp.Integer(3), "fourth moment of a product of two normal numbers, and of one"),
    Statement(sp.Integer(3) * 3, "=", sp.Integer(9)),
    Domain(),
    at({}),
    words="The diffusion coefficient is random itself, and the integrator multiplies by noise again: the variance is "
    "right, the law of a step is not. Many small steps hide it.",
    corrected="g(t) = σ, and one draw in the integrator",
)

# --- losses and weights -----------------------------------------------------------------------------------------------

E38 = slip(
    "E38",
    "huggingface/diffusers/issues/5654",
    Statement(snr / (snr + 1), "=", (snr + 1) / (snr + 1), "min-SNR weight of v for SNR + 1 <= gamma, and as coded"),
    Statement(
        snr / (snr + 1) * (snr + 1), "=", snr, "the v error is SNR + 1 times the data error, whose weight is SNR"
    ),
    Domain({"snr": POSITIVE}),
    at({"snr": "0.1"}),
    words="The weight min(SNR, gamma) belongs to the data error, which is the v error over SNR + 1. As coded, 1 is "
    "added inside the minimum too, and all weights below gamma become 1.",
    corrected="min(SNR, γ)/(SNR + 1)",
)
E37 = slip(
    "E37",
    "huggingface/diffusers/pull/2090",
    Statement(
        sp.exp(half * sp.log(large) + half * sp.log(small)),
        "=",
        half * large + half * small,
        "the learned variance half-way between its bounds, and as coded",
    ),
    Statement(sp.exp(half * sp.log(large) + half * sp.log(small)), "=", sp.sqrt(large) * sp.sqrt(small)),
    Domain({"beta_large": POSITIVE, "beta_small": POSITIVE}),
    at({"beta_large": "0.3", "beta_small": "0.18"}),
    words="The interpolation is between the logarithms of the two variances; as coded it was between the variances.",
    corrected="exp(f log β + (1 − f) log β̃)",
)
BOOK = Domain({"code": REAL, "word": REAL, "commitment": POSITIVE, "heldcode": REAL, "heldword": REAL})
BOOK_AT = at({"code": "0.3", "word": "0.5", "commitment": "0.25", "heldcode": "0.3", "heldword": "0.5"})
E34 = slip(
    "E34",
    "CompVis/taming-transformers/issues/57",
    Statement(
        D((frozen_word - code) ** 2 + commitment * (word - frozen_code) ** 2, code),
        "=",
        2 * commitment * (code - frozen_word),
        "gradient on the encoder's output: of the loss as coded, and as it should be",
    ),
    Statement(
        D(commitment * (frozen_word - code) ** 2 + (word - frozen_code) ** 2, code),
        "=",
        2 * commitment * (code - frozen_word),
        "what is stopped is a number of its own",
    ),
    BOOK,
    BOOK_AT,
    words="The weight beta stands at the term that moves the codebook; the paper has it at the one that commits the "
    "encoder. The old class keeps it for the sake of its checkpoints.",
    corrected="β ‖sg[e] − z‖² + ‖e − sg[z]‖²",
    by=differentiation,
)
E35 = slip(
    "E35",
    "lucidrains/vector-quantize-pytorch/issues/22",
    Statement(
        D((frozen_word - code) ** 2 + commitment * (word - frozen_code) ** 2, word),
        "=",
        2 * (word - frozen_code),
        "gradient on the codeword: as the thread has the loss, and as the paper has it",
    ),
    Statement(
        D(commitment * (frozen_word - code) ** 2 + (word - frozen_code) ** 2, word), "=", 2 * (word - frozen_code)
    ),
    BOOK,
    BOOK_AT,
    severity="imprecise",
    words="Here the thread is wrong: beta belongs to the term that moves the encoder. The code in question has a "
    "weight of its own and moves the codebook by averages.",
    corrected="‖sg[z] − e‖² + β ‖z − sg[e]‖²",
    by=differentiation,
)

ERRATA = (E01, E03, E08, E13, E15, E16, E17, E18, E19, E34, E35, E37, E38, E44, E45)

EDITORIAL = (
    Editorial(
        "E07",
        f"public, {THREAD}facebookresearch/flow_matching/issues/33",
        "d/dt p_t + div(p_t u_t) = 0",
        "∂p_t/∂t + div(p_t u_t) = 0; at a fixed x the two mean the same, along a trajectory they do not",
    ),
    Editorial(
        "E49",
        f"public, {THREAD}sihyun-yu/REPA/issues/52",
        "w_t = 2t in code, w_t = t in the paper",
        "neither is wrong: drift v − w/2 score with noise √w keeps the marginals for every w ≥ 0",
    ),
    Editorial(
        "E50",
        f"public, {THREAD}willisma/SiT/issues/14",
        "the thread holds √(w dt) with s w/2 against √(2 w dt) with s w",
        "here the thread is wrong: both keep the marginals, w is rescaled by 2",
    ),
)
