"""Figures of laws on their way: variances under noise, processes in continuous time, paths, spreads and units."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

import reference
from reference import pixels, schedules, sde, views
from reference.chain import forward_moments
from reference.decoders import gaussian_log_likelihood
from threefold.site.figures.ink import BLUE, FAINT, GREEN, INK, RED, VIOLET, Drawing, label, paper


def variances() -> Figure:
    figure, axes = paper()
    moments = forward_moments(schedules.linear_betas(1000))
    for start, colour in ((3.0, RED), (1.0, GREEN), (0.1, BLUE)):
        axes.plot(moments.gain**2 * start + moments.variance, color=colour, label=f"data of variance {start:g}")
    label(axes, "t", "variance of x_t")
    axes.set_ylim(0, 3.1)
    axes.legend()
    return figure


def three_equations() -> Figure:
    """VP, sub-VP and VE from their moment equations, started at one point; variances up to the end of the run."""
    figure, (left, right) = paper(2)
    times = np.linspace(0.01, 1, 40)

    def beta(t: float) -> float:
        return 0.1 + 19.9 * t

    def gone(t: float) -> float:
        return 1.0 - float(np.exp(-2.0 * (0.1 * t + 9.95 * t * t)))

    def steep(t: float) -> float:
        return float(0.01 * 500.0**t * np.sqrt(2.0 * np.log(500.0)))

    kinds = (
        ("VP", lambda t: -0.5 * beta(t), lambda t: float(np.sqrt(beta(t))), BLUE),
        ("sub-VP", lambda t: -0.5 * beta(t), lambda t: float(np.sqrt(beta(t) * gone(t))), VIOLET),
        ("VE", lambda t: 0.0, steep, RED),
    )
    for name, slope, diffusion, colour in kinds:
        found = [
            sde.linear_moments(slope, lambda _: 0.0, diffusion, sde.Moments(1.0, 0.0), 0.0, float(t)) for t in times
        ]
        dashes = "--" if name == "sub-VP" else "-"
        left.plot(times, [m.mean for m in found], color=colour, linestyle=dashes, label=name)
        right.semilogy(times, [m.variance for m in found], color=colour, label=name)
    label(left, "time", "mean, from 1")
    label(right, "time", "variance, from 0")
    left.legend()
    return figure


def paths_in_the_plane() -> Figure:
    figure, axes = paper(height=2.9)
    angle = np.linspace(0, np.pi / 2, 61)
    axes.plot(np.cos(angle), np.sin(angle), color=BLUE, label="variance preserving")
    axes.plot([1, 0], [0, 1], color=GREEN, label="straight")
    axes.plot([1, 1], [0, 1.25], color=RED, label="variance exploding")
    for slope in (0.25, 0.7, 2.0):  # one ratio of noise to signal on each ray
        ends = np.array([0.0, min(1.0, 1.2 / slope)])
        axes.plot(ends, slope * ends, color=FAINT, linewidth=1, zorder=0)
        crossings = [(1 / np.hypot(1, slope), BLUE), (1 / (1 + slope), GREEN), (1.0, RED)]
        for signal, colour in crossings:
            if signal * slope <= 1.2:
                axes.plot([signal], [signal * slope], "o", color=colour, markersize=4)
    axes.set_aspect("equal")
    label(axes, "weight of the data", "weight of the noise")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure


def best_spread() -> Figure:
    figure, axes = paper()
    sigma = np.geomspace(0.05, 2, 80)
    for error, colour in ((0.01, BLUE), (0.09, GREEN), (0.49, VIOLET)):
        miss = float(np.sqrt(error))
        cost = np.array([-gaussian_log_likelihood([miss], [0.0], float(s)) for s in sigma])
        axes.semilogx(sigma, cost, color=colour, label=f"mean squared error {error:g}")
        best = int(cost.argmin())
        axes.plot([sigma[best]], [cost[best]], "o", color=colour, markersize=5)
        axes.axvline(miss, color=FAINT, linewidth=1, zorder=0)
    axes.set_ylim(-1.6, 4)
    label(axes, "σ of the decoder", "−log p(x | z), nats a coordinate")
    axes.legend()
    return figure


def price_of_a_variance() -> Figure:
    figure, (left, right) = paper(2, share_y=True)
    ratio = np.geomspace(0.15, 5, 60)
    kept = [reference.gaussian_kl_diag([0.0], [float(r)], [0.0], [1.0]) for r in ratio]
    left.semilogx(ratio, kept, color=BLUE)
    shift = np.linspace(-2, 2, 41)
    right.plot(shift, [reference.gaussian_kl_diag([float(m)], [1.0], [0.0], [1.0]) for m in shift], color=GREEN)
    left.axvline(1, color=FAINT, zorder=0)
    right.axvline(0, color=FAINT, zorder=0)
    label(left, "ratio of the variances", "divergence, nats")
    label(right, "distance of the means, in standard deviations", "")
    return figure


def error_in_every_unit() -> Figure:
    """A unit of error in x_0 at each level, read as an error of every other answer."""
    figure, axes = paper()
    abar = np.linspace(0.01, 0.99, 99)
    for name, field, colour in (("ε", "eps", GREEN), ("v", "v", VIOLET), ("score", "score", RED)):
        found = []
        for level in abar:
            right, wrong = (views.from_x0([x0], [0.0], float(level)) for x0 in (0.0, 1.0))
            found.append(abs(float((getattr(wrong, field) - getattr(right, field))[0])))
        axes.semilogy(abar, found, color=colour, label=f"error in {name}")
    axes.axhline(1, color=BLUE, label="error in x₀: 1")
    label(axes, "ᾱ", "error, for one of 1 in x₀")
    axes.legend()
    return figure


def one_pixel() -> Figure:
    """The worked example on a line: where the pixel is, what the network guesses, where a stride leads."""
    figure, axes = paper(height=1.9)
    example, stride = pixels.one_pixel(), pixels.ddim_stride()

    def middle(interval: object) -> float:
        low, high = interval.low, interval.high  # type: ignore[attr-defined]  # an Interval
        return float(low + high) / 2

    points = (
        (1.0, "x₀", GREEN),
        (middle(example.x_t), "x_t, ᾱ = 0.5", RED),
        (middle(example.x0_hat), "guess of x₀", BLUE),
        (middle(stride.x_s), "x_s, ᾱ = 0.8", VIOLET),
    )
    for height, (place, name, colour) in enumerate(points):
        axes.plot([place], [0], "o", color=colour, markersize=6)
        axes.annotate(
            f"{name}: {place:.4f}", (place, 0), (place, 0.35 + 0.3 * height), color=INK, ha="center",
            arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.8},
        )  # fmt: skip
    axes.set_ylim(-0.2, 1.6)
    axes.set_xlim(0.82, 1.12)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    label(axes, "value of the pixel", "")
    return figure


FIGURES = {
    "variances": Drawing(
        variances,
        "The linear schedule leads data of any variance to variance 1. Data of variance 1 keep it at every step.",
        "Three curves over t that end at 1: one falls from 3, one stays at 1, one rises from 0.1.",
    ),
    "three-equations": Drawing(
        three_equations,
        "Mean and variance of three equations, each started at the point 1. VP and sub-VP shrink the mean alike; "
        "the variance of sub-VP is the square of that of VP. VE keeps the mean and adds noise without end.",
        "Left, two falling curves that lie on each other and a level line. Right, three rising curves on a "
        "logarithmic axis; two end at 1, the third far above.",
    ),
    "paths-in-the-plane": Drawing(
        paths_in_the_plane,
        "Three paths by the weights that they give to data and noise. On a grey ray the ratio of noise to signal is "
        "one number: points on it differ by a factor only, and a network's answer needs no conversion.",
        "A quarter circle, a straight line between its ends, and a vertical line, crossed by three rays from 0.",
    ),
    "best-spread": Drawing(
        best_spread,
        "What a Gaussian decoder pays for an error, as its spread varies: least where the variance is the mean "
        "squared error. A spread that is too small is far worse than one too large.",
        "Three curves with minima at 0.1, 0.3 and 0.7, steep on the left and flat on the right.",
    ),
    "price-of-a-variance": Drawing(
        price_of_a_variance,
        "A divergence between normal laws is made of two prices. Too narrow costs more than too wide by the same "
        "number of nats in the logarithm; the means cost the square of their distance.",
        "Left, a curve that is 0 at ratio 1 and rises on both sides. Right, a parabola.",
    ),
    "error-in-every-unit": Drawing(
        error_in_every_unit,
        "The same mistake of a network, by what it was asked for. An error of 1 in the data is a small one in the "
        "noise where there is little signal, and a large one where there is much.",
        "Three rising curves on a logarithmic axis and a level line at 1, which the error in the noise crosses "
        "in the middle.",
    ),
    "one-pixel": Drawing(
        one_pixel,
        "One pixel, x₀ = 1 and ε = 0.3. The network guesses 0.25 for the noise: its image is 5 hundredths off.",
        "Four marked points on a line between 0.9 and 1.1: the pixel, the noisy pixel, the guess, the next state.",
    ),
}
