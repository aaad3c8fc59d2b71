"""What stands in the public threads, in one notation: the formula as printed or coded, beside what that implies."""

from __future__ import annotations

from collections.abc import Mapping

QUOTED: Mapping[str, str] = {
    "E01": "ELBO = E_q[log p(x, z) − q(z|x)], with the bare density of the encoder",
    "E03": "Σ_{t≥2} KL(q(x_{t−1}|x_t, x_0) ‖ p(x_{t−1}|x_t)), with no mean over x_t given x_0",
    "E04": "f(x, t) with f = −β(t)/2, x_t not written",
    "E08": "the loss of a consistency model, evaluated at α_t X₀ + σ_t Z",
    "E13": "diffusion_coefficient returns σ · randn, and the integrator multiplies by randn again",
    "E14": "g(t) = σ_min (σ_max/σ_min)^t, for the variance-exploding process",
    "E15": "ε(x_t, c) = s ε_cond(x_t, c) + (s − 1) ε_cond(x_t, ∅)",
    "E16": "x̄_t = (1 − λ) x_t + λ x'₀",
    "E17": "‖ s_t(x) − (x − μ_t)/σ_t² ‖² as the loss of score matching",
    "E18": "ε̂ = (1 + w) ψ(z_t, c) + w ψ(z_t)",
    "E19": "ε̂ = ε(x, ∅) + s ∇ log p(x|c), proportional to ε(x, ∅) + s (ε(x, c) − ε(x, ∅))",
    "E20": "x_t = √ᾱ x + (1 − ᾱ) · noise, in code",
    "E21": "the optimal deviation σ* = MSE(x, μ)",
    "E23": "q(x_t|x_0) = N(√(1−α) x_0, √(1−α) I)",
    "E25": "alphas_cumprod = cumprod(betas), in a comment",
    "E26": "lvlb_weights = 0.5 √ᾱ/(2 · 1 − ᾱ), in code",
    "E27": "the log variance of q(x_t|x_0), stored without its logarithm",
    "E28": "the scale of q(x_t|x_0) = √(1−ᾱ_t) · x_start, in code",
    "E29": "posterior variance = β_t (1−ᾱ_{t−1}), in code",
    "E30": "√(1/ᾱ − 1) coded as exp(log(1−ᾱ) − log √ᾱ)",
    "E31": "KL = ½ Σ (exp(2 log s) + μ² − 1 + (log s)²), in code",
    "E32": "KL with exp(logstd) in the place of the variance, in code",
    "E33": "−logvar + ½ (exp(logvar)² + μ²) − ½, in code",
    "E34": "loss = ‖sg[z_q] − z‖² + β ‖z_q − sg[z]‖², in code",
    "E35": "in a thread: the commitment loss should be (sg[e] − x)² + β (e − sg[x])²",
    "E37": "the learned variance as f β + (1 − f) β̃, in code",
    "E38": "min-SNR weight for v: min(SNR + 1, γ)/(SNR + 1), in code",
    "E44": "dx = f − g² s_θ dt + g dw, without brackets; ∏ from s = 0",
    "E45": "x_s = (x_t − √(1−ᾱ_t) ε)/√ᾱ_t + √(1−ᾱ_s) ε",
    "E53": "in a thread: the table has s(t) = e for the variance-preserving process",
    "E60": "in a thread: the code takes 1 − ᾱ for a product of betas, which is not true",
    "E68": "p(x|z_1) = N(f_1, σ_t² I) for the last step",
}
