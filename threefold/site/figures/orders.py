"""Figures of orders: how the error of one step falls with its size."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from reference import solvers
from threefold.site.figures.ink import BLUE, FAINT, GREEN, INK, RED, VIOLET, Drawing, label, paper

SIZES = np.geomspace(0.004, 0.5, 13)
LEVEL = 0.3
RATIOS = (1.3, 0.7)


def curve(x: np.ndarray) -> np.ndarray:
    """A prediction that turns from one value to another, as it does where a trajectory chooses a cluster."""
    return np.asarray(np.tanh(1.5 * x), dtype=np.float64)


def _missed(h: float, back: list[float], weights: np.ndarray) -> float:
    return abs(solvers.exact_gain(curve, LEVEL, h) - solvers.gain(curve, LEVEL, h, back, weights))


def one_step() -> Figure:
    figure, axes = paper(height=2.8)
    backs = ([0.0], [0.0, RATIOS[0]], [0.0, RATIOS[0], sum(RATIOS)])
    names = ("one value: DDIM", "two values", "three values")
    for back, name, colour in zip(backs, names, (BLUE, GREEN, VIOLET), strict=True):
        found = [_missed(float(h), back, solvers.weights(float(h), back)) for h in SIZES]
        slope = np.polyfit(np.log(SIZES[:4]), np.log(found[:4]), 1)[0]
        axes.loglog(SIZES, found, "o-", color=colour, markersize=3, label=f"{name}, slope {slope:.2f}")
    label(axes, "size of the step in λ", "error of one step")
    axes.legend()
    return figure


def published_coefficient() -> Figure:
    figure, axes = paper(height=2.6)
    back = [0.0, RATIOS[0], sum(RATIOS)]
    for published, name, colour in ((True, "as published", RED), (False, "with the right coefficient", GREEN)):
        found = [_missed(float(h), back, solvers.third_step(float(h), RATIOS, published)) for h in SIZES]
        slope = np.polyfit(np.log(SIZES[:4]), np.log(found[:4]), 1)[0]
        axes.loglog(SIZES, found, "o-", color=colour, markersize=3, label=f"{name}, slope {slope:.2f}")
        if published:
            axes.loglog(SIZES, found[0] * (SIZES / SIZES[0]) ** 3, color=FAINT, zorder=0)
    axes.annotate("slope 3", (SIZES[8], found[8]), (SIZES[2], found[10]), color=INK)
    label(axes, "size of the step in λ", "error of one step")
    axes.legend()
    return figure


FIGURES = {
    "one-step": Drawing(
        one_step,
        "What one step leaves out, for a prediction that turns as a hyperbolic tangent, on steps of unequal size. "
        "Each value that is kept adds one to the slope. The order of a method is one less than that of its step.",
        "Three straight lines on logarithmic axes, with slopes near two, three and four.",
    ),
    "published-coefficient": Drawing(
        published_coefficient,
        "The step through three values, with the coefficient as it was published and with twice it: a whole order.",
        "Two straight lines on logarithmic axes, the published one above and less steep.",
    ),
}
