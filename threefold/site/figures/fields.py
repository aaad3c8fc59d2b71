"""Figures of scores, and of the equations that carry noise to data."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from reference.mixtures import GaussianMixture
from reference.ode import flow
from threefold.site.figures.ink import BLUE, FAINT, GREEN, INK, RED, VIOLET, Drawing, label, paper

PLANE = ([0.3, 0.4, 0.3], [[-1.5, -0.6], [0.2, 1.2], [1.5, -0.8]], [np.eye(2) * 0.05] * 3)
LINE = GaussianMixture.of([0.4, 0.6], [[-1.5], [1.2]], [[[0.06]], [[0.06]]])


def scores() -> Figure:
    data = GaussianMixture.of(*PLANE)
    figure, row = paper(3, height=2.5)
    line = np.linspace(-2.4, 2.4, 11)
    fine = np.linspace(-2.6, 2.6, 40)
    grid, dense = (np.stack(np.meshgrid(g, g), -1).reshape(-1, 2) for g in (line, fine))
    for axes, abar in zip(row, (0.95, 0.6, 0.1), strict=True):
        density = np.exp(data.log_prob(dense, abar)).reshape(40, 40)
        axes.contour(fine, fine, density, levels=4, colors=[FAINT], linewidths=0.9)
        arrows = data.score(grid, abar)
        arrows *= (np.log1p(np.linalg.norm(arrows, axis=1)) / np.linalg.norm(arrows, axis=1))[:, None]
        axes.quiver(*grid.T, *arrows.T, color=BLUE, width=0.008, scale=17)
        axes.set_aspect("equal")
        axes.set_title(f"ᾱ = {abar}")
        axes.set_xticks([])
        axes.set_yticks([])
    return figure


def two_ways_back() -> Figure:
    """The same marginals, by a stochastic equation and by an ordinary one; VP with constant rate, ᾱ = exp(−s)."""
    figure, row = paper(2, share_y=True, height=2.6)
    span, steps = 3.5, 500
    times = np.linspace(span, 0.004, steps + 1)
    rng = np.random.default_rng(3)
    start = rng.normal(size=(7, 1))
    x, path = start.copy(), [start.copy()]
    for s, later in pairwise(times):
        h = s - later
        x = x + h * (0.5 * x + LINE.score(x, float(np.exp(-s)))) + np.sqrt(h) * rng.normal(size=x.shape)
        path.append(x.copy())
    random_paths = np.concatenate(path, axis=1)
    chosen = times[:: steps // 50]
    carried = np.concatenate(
        [start, *[flow(LINE, start, float(np.exp(-span)), float(np.exp(-s))) for s in chosen[1:]]], axis=1
    )
    x_grid = np.linspace(-3, 3, 80)
    density = np.stack([np.exp(LINE.log_prob(x_grid[:, None], float(np.exp(-s)))) for s in chosen], 1)
    for axes, at, paths, title, colour in (
        (row[0], times, random_paths, "reverse SDE", BLUE),
        (row[1], chosen, carried, "probability-flow ODE", GREEN),
    ):
        axes.contour(chosen, x_grid, density, levels=6, colors=[FAINT], linewidths=0.8)
        axes.plot(at, paths.T, color=colour, linewidth=0.9)
        axes.invert_xaxis()
        label(axes, "time s, data at 0", "x" if axes is row[0] else "", title)
    return figure


def langevin() -> Figure:
    figure, axes = paper()
    steps = np.linspace(0.01, 1.6, 120)
    axes.plot(steps, 2 * steps / (1 - (1 - steps) ** 2), color=RED, label="Langevin with step h")
    axes.axhline(1, color=GREEN, label="target N(0, 1)")
    rng = np.random.default_rng(0)
    tried = np.array([0.1, 0.4, 0.8, 1.2])
    for h in tried:
        x = rng.normal(size=40_000)
        for _ in range(120):
            x = (1 - h) * x + np.sqrt(2 * h) * rng.normal(size=x.size)
        axes.plot([h], [x.var()], "o", color=INK, markersize=4)
    label(axes, "step h", "stationary variance")
    axes.legend()
    return figure


def straight_or_curved() -> Figure:
    """N(0, 1) to N(0, 4), drawn independently: conditional paths are chords, the flow is sqrt((1-s)^2 + 4 s^2)."""
    figure, row = paper(2, share_y=True, height=2.5)
    s = np.linspace(0, 1, 60)
    rng = np.random.default_rng(1)
    ends = np.stack([rng.normal(size=12), 2 * rng.normal(size=12)])
    for a, b in ends.T:
        row[0].plot(s, (1 - s) * a + s * b, color=BLUE, linewidth=0.9)
    for a in np.linspace(-1.8, 1.8, 9):
        row[1].plot(s, a * np.sqrt((1 - s) ** 2 + 4 * s**2), color=GREEN, linewidth=1.1)
        row[1].plot([0, 1], [a, 2 * a], color=FAINT, linewidth=0.9, linestyle="--")
    label(row[0], "τ", "x", "paths given both ends")
    label(row[1], "τ", "", "the flow that is learned; its chords dashed")
    return figure


def reverse_kernels() -> Figure:
    from reference.reverse import kernel_moments, reverse_kernel

    figure, row = paper(2, height=2.3)
    x = np.linspace(-2.2, 2.2, 240)
    for axes, before, after in ((row[0], 0.95, 0.25), (row[1], 0.28, 0.25)):
        kernel = reverse_kernel(LINE, [0.0], before, after)
        moments = kernel_moments(kernel)
        mean, variance = float(np.ravel(moments[0])[0]), float(np.ravel(moments[1])[0])
        axes.plot(x, np.exp(kernel.log_prob(x[:, None])), color=BLUE, label="the true step back")
        bell = np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
        axes.plot(x, bell, color=VIOLET, linestyle="--", label="a bell of its moments")
        label(axes, "x_s", "", f"from ᾱ = {after} to {before}")
    row[0].legend(loc="upper left")
    return figure


FIGURES = {
    "score-fields": Drawing(
        scores,
        "The score of three clusters at three levels of noise. With little noise the arrows know the nearest cluster "
        "only; with much they lead to the middle. Arrow lengths are logarithmic.",
        "Three panels of arrows over contour lines: towards three clusters, then towards their middle.",
    ),
    "two-ways-back": Drawing(
        two_ways_back,
        "Seven starting points, two equations, the same law at every time (contours). The stochastic paths forget "
        "where they began; those of the ordinary equation never cross.",
        "Left, rough paths from noise to two clusters; right, smooth paths to the same clusters.",
    ),
    "langevin-bias": Drawing(
        langevin,
        "Langevin sampling settles at the wrong variance unless its step is small. Dots: 40,000 walkers, 120 steps.",
        "A curve that rises from 1 as the step grows, with measured dots on it, above the level line at 1.",
    ),
    "straight-or-curved": Drawing(
        straight_or_curved,
        "Flow matching from N(0, 1) to N(0, 4). Each path between two given ends is straight. The flow, which averages "
        "over the paths through each point, is not.",
        "Left, straight lines that cross; right, curves that bend and do not cross, each with its dashed chord.",
    ),
    "reverse-kernel": Drawing(
        reverse_kernels,
        "One long step back from the middle has two answers, and no bell describes it. A short step is nearly a bell.",
        "Left, a density with two peaks and a wide bell; right, a density and a bell that lie on each other.",
    ),
}
