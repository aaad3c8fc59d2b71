"""Figures of the forward chain, the posterior of a step, and the bound along the chain."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from reference import chain, schedules
from reference.bounds import bound_terms
from threefold.site.figures.ink import BLUE, FAINT, GREEN, INK, RED, VIOLET, Drawing, label, paper

COARSE = [0.1, 0.2, 0.3, 0.4, 0.5]  # a chain of five steps, coarse enough that one sees each


def digit() -> Figure:
    from sklearn.datasets import load_digits

    moments = chain.forward_moments(schedules.linear_betas(1000))
    picture = load_digits().images[0] / 8 - 1
    noise = np.random.default_rng(0).normal(size=picture.shape)
    figure, row = paper(7, height=1.3)
    for axes, t in zip(row, (0, 50, 150, 300, 500, 750, 1000), strict=True):
        noisy = moments.gain[t] * picture + np.sqrt(moments.variance[t]) * noise
        axes.imshow(noisy, cmap="gray", vmin=-2, vmax=2, interpolation="nearest")
        axes.set_title(f"t = {t}")
        axes.set_axis_off()
    return figure


def levels() -> Figure:
    figure, (left, right) = paper(2)
    times = np.arange(1, 1001)
    kinds = {
        "linear": schedules.alpha_bars(schedules.linear_betas(1000)),
        "cosine": np.array(schedules.cosine_alpha_bars(1000), dtype=float),
        "sigmoid": np.array(schedules.sigmoid_alpha_bars(1000), dtype=float),
    }
    for (name, abar), colour in zip(kinds.items(), (BLUE, GREEN, VIOLET), strict=True):
        left.plot(np.arange(1001), abar, color=colour, label=name)
        inside = abar[1:-1]
        right.plot(times[:-1], np.log10(inside / (1 - inside)), color=colour)
    label(left, "t", "ᾱ")
    left.legend()
    label(right, "t", "log₁₀ SNR")
    right.set_ylim(-6, 5)
    return figure


def product_of_bells() -> Figure:
    """x_2 of the coarse chain given x_3 = -0.6 and x_0 = 1."""
    figure, axes = paper()
    x = np.linspace(-2.5, 2.5, 220)
    from_start = np.exp([chain.marginal_log_density([u], [1.0], 2, COARSE) for u in x])
    towards = np.exp([chain.transition_log_density([-0.6], [u], 3, COARSE) for u in x])
    posterior = np.exp([chain.posterior_log_density([u], [1.0], [-0.6], 3, COARSE) for u in x])
    axes.plot(x, from_start, color=BLUE, label="where x₀ = 1 leads: q(x₂ | x₀)")
    axes.plot(x, towards, color=VIOLET, label="what could lead to x₃ = −0.6: q(x₃ | x₂)")
    axes.plot(x, posterior, color=GREEN, label="both: q(x₂ | x₃, x₀)")
    axes.fill_between(x, posterior, color=FAINT)
    axes.set_ylim(0, 1.45)
    label(axes, "x₂", "")
    axes.legend(loc="upper left")
    return figure


def posterior_weights() -> Figure:
    figure, (left, right) = paper(2)
    betas = schedules.linear_betas(1000)
    times = np.unique(np.geomspace(1, 1000, 90).astype(int))
    found = np.array([chain.posterior_coefficients(int(t), betas) for t in times])
    left.semilogx(times, found[:, 0], color=BLUE, label="on x₀")
    left.semilogx(times, found[:, 1], color=VIOLET, label="on x_t")
    label(left, "t", "weight in the mean")
    left.legend()
    right.loglog(times[1:], found[1:, 2], color=GREEN, label="β̃")
    right.loglog(times, [float(betas[t - 1]) for t in times], color=RED, linestyle="--", label="β")
    label(right, "t", "variance")
    right.legend()
    return figure


def strip() -> Figure:
    """Every term of the bound for the coarse chain at x_0 = 1, with the exact posterior mean of N(0, 1) data."""
    figure, axes = paper(height=1.9)
    abar = schedules.alpha_bars(COARSE)
    betas = np.array(COARSE)
    variances = betas.copy()
    terms = bound_terms(1.0, COARSE, lambda x, t: np.sqrt(1 - betas[t - 1]) * x, variances)
    values = [-terms.reconstruction, *list(np.ravel(terms.transitions)), terms.prior]
    names = ["t = 1", *[f"t = {t}" for t in range(2, len(COARSE) + 1)], "prior"]
    place = 0.0
    for value, name, colour in zip(values, names, [BLUE, *[GREEN] * (len(COARSE) - 1), VIOLET], strict=True):
        axes.barh([0], [value], left=[place], color=colour, alpha=0.55, edgecolor=INK, linewidth=0.6)
        axes.annotate(name, (place + value / 2, -0.62), ha="center", color=INK, fontsize=8)
        place += value
    axes.set_yticks([])
    axes.set_ylim(-0.85, 0.6)
    label(axes, f"nats: together −ELBO = {place:.3f}, at ᾱ₅ = {abar[-1]:.2f}", "")
    return figure


def rotation() -> Figure:
    figure, axes = paper(height=2.9)
    axes.set_aspect("equal")
    angle = np.linspace(0, np.pi / 2, 60)
    axes.plot(np.cos(angle), np.sin(angle), color=FAINT)
    turn = 0.62
    arrows = (
        ((1, 0), "x₀", BLUE),
        ((0, 1), "ε", RED),
        ((np.cos(turn), np.sin(turn)), "x_t = √ᾱ x₀ + √(1−ᾱ) ε", GREEN),
        ((-np.sin(turn), np.cos(turn)), "v = √ᾱ ε − √(1−ᾱ) x₀", VIOLET),
    )
    for (x, y), name, colour in arrows:
        axes.annotate("", (x, y), (0, 0), arrowprops={"arrowstyle": "->", "color": colour, "linewidth": 1.6})
        axes.annotate(name, (1.06 * x + 0.02, 1.08 * y), color=colour, ha="right" if x < 0 else "left")
    axes.set_xlim(-2.1, 2.6)
    axes.set_ylim(-0.15, 1.25)
    axes.set_axis_off()
    return figure


FIGURES = {
    "chain-on-a-digit": Drawing(
        digit,
        "One handwritten digit and one draw of noise, mixed as the linear schedule says at seven times.",
        "A handwritten zero that fades into noise from t = 0 to t = 1000.",
    ),
    "noise-levels": Drawing(
        levels,
        "Three schedules of 1000 steps: what is left of the signal, and the signal-to-noise ratio in powers of ten.",
        "Three falling curves of abar over t, and three falling curves of the logarithm of the signal-to-noise ratio.",
    ),
    "product-of-bells": Drawing(
        product_of_bells,
        "A step back in a chain of five coarse steps. Two bells know something of x₂: the start, and the next state. "
        "Their product, normalised, is the posterior: narrower than each.",
        "Two wide bells and between them their normalised product, a narrower bell.",
    ),
    "posterior-weights": Drawing(
        posterior_weights,
        "The linear schedule, step by step. Late steps hardly move: the mean is almost x_t. Early ones go to x₀. "
        "β̃ is below β by much in the first steps only.",
        "Weights of x_0 and x_t in the posterior mean over t, which cross early; the two variances, which meet later.",
    ),
    "bound-strip": Drawing(
        strip,
        "The negative bound of a chain of five steps, end to end: reconstruction, one divergence a step, the prior.",
        "One bar made of six pieces: the reconstruction, four divergences of the steps, and the prior's divergence.",
    ),
    "rotation": Drawing(
        rotation,
        "Signal and noise as two axes: noising turns the pair (x₀, ε) into (x_t, v). A rotation is undone by its "
        "transpose, so no division is needed to come back.",
        "Two perpendicular arrows x_0 and epsilon, and the same pair turned by an angle: x_t and v.",
    ),
}
