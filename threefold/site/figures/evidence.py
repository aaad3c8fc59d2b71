"""Figures of the evidence and its bound."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from reference.divergences import gaussian_kl_line
from reference.information import normal_log_density
from reference.latent import gaussian_elbo, gaussian_log_evidence
from threefold.site.figures.ink import BLUE, FAINT, GREEN, INK, RED, Drawing, label, paper


def logarithm() -> Figure:
    figure, axes = paper()
    a = np.linspace(0.08, 3.2, 200)
    axes.plot(a, a - 1, color=BLUE, label="a − 1")
    axes.plot(a, np.log(a), color=GREEN, label="log a")
    axes.fill_between(a, np.log(a), a - 1, color=FAINT)
    axes.plot([1], [0], "o", color=INK, markersize=4)
    axes.annotate("equal at a = 1 only", (1, 0), (1.15, -1.2), color=INK)
    label(axes, "a", "")
    axes.legend()
    return figure


def two_bells() -> Figure:
    figure, (left, right) = paper(2)
    x = np.linspace(-4.5, 6.5, 240)
    log_p, log_q = normal_log_density(0.0, 1.0)(x), normal_log_density(2.0, 2.25)(x)
    left.plot(x, np.exp(log_p), color=BLUE, label="p = N(0, 1)")
    left.plot(x, np.exp(log_q), color=RED, label="q = N(2, 1.5²)")
    left.fill_between(x, np.exp(log_p) * (log_p - log_q), color=FAINT)
    left.annotate("p log(p/q): its area is KL(p ‖ q)", (0.2, 0.12), (-4.4, 0.84), color=INK)
    left.set_ylim(-0.12, 0.92)
    label(left, "x", "")
    left.legend(loc="center right")
    shifts = np.linspace(-3, 3, 61)
    right.plot(shifts, [gaussian_kl_line(0, 1, m, 2.25) for m in shifts], color=BLUE, label="KL(p ‖ q)")
    right.plot(shifts, [gaussian_kl_line(m, 2.25, 0, 1) for m in shifts], color=RED, label="KL(q ‖ p)")
    label(right, "mean of q", "nats")
    right.set_ylim(0)
    right.legend()
    return figure


def split() -> Figure:
    """The model x = z + noise, both of variance 1, at x = 1: the posterior is N(1/2, 1/2)."""
    figure, axes = paper()
    means = np.linspace(-1.2, 2.2, 69)
    evidence = gaussian_log_evidence([1.0], 1, lambda z: z, 1.0)
    bound = np.array([gaussian_elbo([1.0], [m], [0.5], lambda z: z, 1.0) for m in means])
    axes.axhline(evidence, color=INK, linewidth=1)
    axes.plot(means, bound, color=GREEN)
    axes.fill_between(means, bound, evidence, color=FAINT)
    axes.annotate("log p(x)", (2.2, evidence), (1.95, evidence + 0.12), color=INK)
    axes.annotate("gap: KL(q ‖ posterior)", (-0.8, -1.9), (-1.15, -2.1), color=INK)
    axes.annotate("ELBO", (1.7, -2.7), (1.95, -3.0), color=GREEN)
    axes.set_ylim(-4.6, -1.2)
    label(axes, "mean of the encoder q", "nats")
    return figure


def moved_noise() -> Figure:
    figure, axes = paper()
    noise = np.linspace(-2, 2, 17)
    for mean, deviation, place in ((0.0, 1.0, 1), (1.5, 1.0, 2), (1.5, 0.4, 3)):
        axes.plot(mean + deviation * noise, np.full_like(noise, -place), "o", color=BLUE, markersize=4)
    for before, after, top in (((0, 1), (1.5, 1), 1), ((1.5, 1), (1.5, 0.4), 2)):
        for e in noise:
            axes.plot(
                [before[0] + before[1] * e, after[0] + after[1] * e], [-top, -top - 1], color=FAINT, linewidth=0.8
            )
    axes.set_yticks([-1, -2, -3], ["noise", "μ = 1.5, σ = 1", "μ = 1.5, σ = 0.4"])
    label(axes, "z = μ + σ ε", "")
    return figure


FIGURES = {
    "logarithm": Drawing(
        logarithm,
        "The logarithm lies below its tangent at 1. Every divergence is non-negative because of this one picture.",
        "The line a minus 1 and the curve log a, which touch at a = 1 and nowhere else; the curve lies below.",
    ),
    "two-bells": Drawing(
        two_bells,
        "Left: two bells, and the function whose area is their divergence. Right: both divergences as the second bell "
        "moves. They differ: the order of the arguments matters.",
        "Two bell curves and p log(p/q) between them; beside it two parabolas, one steeper, over the mean of q.",
    ),
    "evidence-split": Drawing(
        split,
        "In the model x = z + noise at x = 1: the bound as the encoder's mean moves, its variance being right. "
        "The bound and the gap always add up to log p(x).",
        "A parabola, the ELBO, touches a horizontal line, log p(x), at mean one half; the space between is the gap.",
    ),
    "moved-noise": Drawing(
        moved_noise,
        "The same seventeen draws of noise, shifted and then squeezed. The draws do not depend on μ and σ: "
        "each sample moves smoothly with them, so one can differentiate along its line.",
        "Three rows of dots joined by lines: the noise, the noise shifted by 1.5, and the same squeezed by 0.4.",
    ),
}
