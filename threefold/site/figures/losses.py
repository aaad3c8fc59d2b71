"""Figures of the losses: how the steps are weighed, and how low a loss can get."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from reference import schedules
from reference.bounds import Prediction, bound_weight, linear_loss
from reference.chain import posterior_coefficients
from reference.mixtures import GaussianMixture
from threefold.site.figures.ink import BLUE, FAINT, GREEN, INK, RED, VIOLET, Drawing, label, paper

TIMES = np.unique(np.geomspace(2, 1000, 70).astype(int))


def weights() -> Figure:
    figure, axes = paper(height=2.6)
    betas = schedules.linear_betas(1000)
    views: tuple[tuple[Prediction, str, str], ...] = (
        ("x0", "error in x₀", BLUE),
        ("eps", "error in ε", GREEN),
        ("v", "error in v", VIOLET),
    )
    for kind, name, colour in views:
        found = [bound_weight(int(t), betas, posterior_coefficients(int(t), betas)[2], kind) for t in TIMES]
        axes.loglog(TIMES, found, color=colour, label=name)
    axes.axhline(1, color=RED, linestyle="--", linewidth=1, label="the simple loss: 1")
    label(axes, "t", "weight in the bound")
    axes.legend()
    return figure


def reachable() -> Figure:
    figure, axes = paper()
    data = GaussianMixture.of([0.3, 0.7], [[-1.0], [1.0]], [[[0.04]], [[0.04]]])
    abar = np.linspace(0.02, 0.98, 49)
    views: tuple[tuple[Prediction, str, str], ...] = (("eps", "predicting ε", GREEN), ("x0", "predicting x₀", BLUE))
    for target, name, colour in views:
        axes.plot(abar, [data.best_loss(float(a), target) for a in abar], color=colour, label=name)
    label(axes, "ᾱ", "least mean squared error")
    axes.legend()
    return figure


def shared_coefficient() -> Figure:
    """Data N(0, 1), prediction c x_t of the noise for every t alike: the optimum depends on the weights."""
    figure, axes = paper()
    betas = schedules.linear_betas(1000)
    ones = np.ones(1000)
    bound = np.array(
        [0.0] + [bound_weight(t, betas, posterior_coefficients(t, betas)[2], "eps") for t in range(2, 1001)]
    )
    c = np.linspace(0.2, 1.1, 37)
    for used, name, colour in ((bound, "weights of the bound", GREEN), (ones, "all weights 1", BLUE)):
        found = np.array([linear_loss(float(k), betas, used, "eps") for k in c])
        found /= found.min()
        axes.plot(c, found, color=colour, label=name)
        best = c[found.argmin()]
        axes.plot([best], [1], "o", color=colour, markersize=5)
    axes.axhline(1, color=FAINT, zorder=0)
    axes.set_ylim(0.95, 2.6)
    axes.annotate("two weightings, two optima", (0.6, 1.02), (0.45, 2.3), color=INK)
    label(axes, "c, shared by all t", "loss / its least value")
    axes.legend(loc="upper right")
    return figure


FIGURES = {
    "loss-weights": Drawing(
        weights,
        "What the bound charges for a unit of squared error at each step of the linear schedule, in three units. "
        "The simple loss charges 1 for the noise, whatever the step.",
        "Three curves on logarithmic axes and a level dashed line at 1: the error in x_0 falls by far the fastest; "
        "those in noise and velocity lie together until late, where the one in the noise turns up.",
    ),
    "best-loss": Drawing(
        reachable,
        "No network does better: the least error on a mixture of two clusters. The noise is easy to guess where there "
        "is almost nothing else, the data where there is little of it; at the dip the clusters can be told apart.",
        "Two curves over abar: the error in the data falls; the error in the noise rises, dips, and rises again.",
    ),
    "shared-coefficient": Drawing(
        shared_coefficient,
        "One coefficient for all steps, data N(0, 1): dropping the weights moves the optimum from 0.57 to 0.81.",
        "Two curves with minima at different coefficients.",
    ),
}
