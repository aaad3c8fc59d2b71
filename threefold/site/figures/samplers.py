"""Figures of samplers, guidance and codebooks."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from reference.guidance import guided_score, tilted_score
from reference.mixtures import GaussianMixture
from reference.ode import flow
from threefold.site.figures.ink import BLUE, FAINT, GREEN, INK, RED, VIOLET, Drawing, label, paper

LINE = GaussianMixture.of([0.4, 0.6], [[-1.5], [1.2]], [[[0.06]], [[0.06]]])
FIRST, LAST = 0.01, 0.9999  # levels between which the samplers below run


def _ddim(x: np.ndarray, steps: int) -> list[np.ndarray]:
    """DDIM on a grid that is even in arctan of noise over signal, with the exact predictor."""
    angle = np.linspace(np.arccos(np.sqrt(FIRST)), np.arccos(np.sqrt(LAST)), steps + 1)
    path = [x]
    for before, after in zip(np.cos(angle[:-1]) ** 2, np.cos(angle[1:]) ** 2, strict=True):
        noise = LINE.predicted_noise(x, float(before))
        clean = (x - np.sqrt(1 - before) * noise) / np.sqrt(before)
        x = np.sqrt(after) * clean + np.sqrt(1 - after) * noise
        path.append(x)
    return path


def strides() -> Figure:
    figure, row = paper(3, share_y=True, height=2.3)
    start = np.linspace(-2, 2, 9)[:, None]
    end = flow(LINE, start, FIRST, LAST)
    for axes, steps in zip(row, (4, 10, 40), strict=True):
        path = np.concatenate(_ddim(start, steps), axis=1)
        axes.plot(np.linspace(0, 1, steps + 1), path.T, color=BLUE, linewidth=0.9, marker=".", markersize=3)
        axes.plot(np.ones(len(end)), end, "o", color=GREEN, markersize=4, markerfacecolor="none")
        label(axes, "share of the way", "x" if steps == 4 else "", f"{steps} steps")
    return figure


def order_of_ddim() -> Figure:
    figure, axes = paper()
    start = np.linspace(-2, 2, 9)[:, None]
    end = flow(LINE, start, FIRST, LAST)
    counts = np.array([10, 20, 40, 80, 160, 320])
    errors = np.array([np.abs(_ddim(start, int(n))[-1] - end).max() for n in counts])
    axes.loglog(counts, errors, "o-", color=BLUE, label="DDIM, the worst of nine starts")
    axes.loglog(counts, errors[-1] * counts[-1] / counts, color=FAINT, label="slope −1")
    slope = np.polyfit(np.log(counts[-3:]), np.log(errors[-3:]), 1)[0]
    axes.annotate(f"measured slope {slope:.2f}", (counts[3], errors[3]), (counts[3], 2.2 * errors[3]), color=INK)
    label(axes, "number of steps", "distance from the flow")
    axes.legend()
    return figure


def guided() -> Figure:
    """Two classes; the score with scale 3 against the score of the law that the scale is said to sample from."""
    figure, (left, right) = paper(2)
    data = GaussianMixture.of([0.5, 0.5], [[-1.0], [1.0]], [[[0.3]], [[0.3]]])
    x = np.linspace(-2.5, 3.5, 121)
    for axes, abar in ((left, 0.97), (right, 0.4)):
        scores = [guided_score(data, float(u), abar, 1, 3.0) for u in x]
        tilted = [tilted_score(data, float(u), abar, 1, 3.0) for u in x]
        axes.plot(x, scores, color=BLUE, label="guided")
        axes.plot(x, tilted, color=VIOLET, linestyle="--", label="of the tilted law, noised")
        axes.axhline(0, color=FAINT, linewidth=0.8)
        label(axes, "x", "score" if axes is left else "", f"ᾱ = {abar}")
    right.legend()
    return figure


def cells() -> Figure:
    figure, axes = paper(height=2.8)
    rng = np.random.default_rng(5)
    words = rng.uniform(-2, 2, size=(8, 2))
    words[-1] = (2.4, 2.3)
    data = rng.normal(size=(160, 2))
    grid = np.linspace(-2.6, 2.6, 220)
    plane = np.stack(np.meshgrid(grid, grid), -1)
    nearest = ((plane[:, :, None] - words) ** 2).sum(-1).argmin(-1)
    for word in range(len(words)):
        axes.contour(grid, grid, nearest == word, levels=[0.5], colors=[FAINT], linewidths=0.9)
    chosen = ((data[:, None] - words) ** 2).sum(-1).argmin(-1)
    for point, word in zip(data, chosen, strict=True):
        axes.plot([point[0], words[word][0]], [point[1], words[word][1]], color=FAINT, linewidth=0.5)
    axes.plot(*data.T, ".", color=BLUE, markersize=3)
    used = np.bincount(chosen, minlength=len(words)) > 0
    axes.plot(*words[used].T, "s", color=GREEN, markersize=6)
    axes.plot(*words[~used].T, "s", color=RED, markersize=6, markerfacecolor="none")
    axes.set_aspect("equal")
    axes.set_axis_off()
    return figure


FIGURES = {
    "ddim-strides": Drawing(
        strides,
        "DDIM with the exact predictor in 4, 10 and 40 steps; circles: where the flow really ends.",
        "Three panels of nine paths from noise to two clusters; with more steps they end in the circles.",
    ),
    "ddim-order": Drawing(
        order_of_ddim,
        "Twice the steps, half the error: DDIM is a method of first order.",
        "Error against the number of steps on logarithmic axes, along a line of slope minus one.",
    ),
    "guided-score": Drawing(
        guided,
        "Guidance with scale 3 on two clusters. With little noise the guided score is nearly that of the tilted law. "
        "With much it is another.",
        "Two panels: the guided and the tilted score nearly coincide on the left, and differ on the right.",
    ),
    "codebook-cells": Drawing(
        cells,
        "A codebook of eight words cuts the plane into cells; each point is replaced by the word of its cell. "
        "The hollow word far out is chosen by nobody, and learns nothing.",
        "Points joined to the nearest of eight squares, and the borders of the cells.",
    ),
}
