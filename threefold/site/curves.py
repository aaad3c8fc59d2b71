"""A loss curve as SVG, from what a run logged: colours come from the page, so that it fits both schemes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 250, 52, 26, 10, 34
SERIES = (
    ("loss", "training"),
    ("validation_loss", "held out"),
    ("best_loss", "best reachable"),
    ("training_set_floor", "floor of the training set"),
)


def curve(lines: Sequence[Mapping[str, Any]], name: str) -> str:
    """The losses against the step, with a legend; empty where nothing was logged."""
    series = {
        key: [(int(line["step"]), float(line[key])) for line in lines if line.get(key) is not None] for key, _ in SERIES
    }
    series = {key: points for key, points in series.items() if points}
    if not series:
        return ""
    values = [value for points in series.values() for _, value in points]
    last = max(step for points in series.values() for step, _ in points)
    logarithmic = min(values) > 0 and max(values) > 4 * min(values)
    base = min(values) if min(values) > 0.5 * max(values) else min(0.0, *values)
    ticks = _powers(min(values), max(values)) if logarithmic else _even(base, max(values))
    low, high = min(ticks[0], *values), max(ticks[-1], *values)

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / last

    def y(value: float) -> float:
        place = math.log(value / low) / math.log(high / low) if logarithmic else (value - low) / (high - low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * place

    grid = "".join(
        f'<path d="M{LEFT} {y(tick):.1f}H{WIDTH - RIGHT}"/><text x="{LEFT - 6}" y="{y(tick) + 3.5:.1f}" '
        f'class="tf-y">{tick:g}</text>'
        for tick in ticks
    )
    grid += "".join(
        f'<text x="{x(step):.1f}" y="{HEIGHT - BOTTOM + 16}" class="tf-x">{step:,}</text>'
        for step in (round(tick) for tick in _even(0, last) if tick <= last)
    )
    grid += f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 3}" class="tf-x">step</text>'
    drawn, legend, said = [], [], []
    for key, label in SERIES:
        if key not in series:
            continue
        points = series[key]
        kind = f"tf-line-{key.split('_')[0]}"
        line = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in points)
        dots = "".join(f'<circle cx="{x(s):.1f}" cy="{y(v):.1f}" r="2.6"/>' for s, v in points)
        drawn.append(f'<g class="{kind}"><polyline points="{line}"/>{dots if key == "validation_loss" else ""}</g>')
        legend.append(f'<span class="{kind}"><i></i>{label}</span>')
        first, end = points[0][1], points[-1][1]
        said.append(f"{label} {first:.3g}" if first == end else f"{label} from {first:.3g} to {end:.3g}")
    title = f"{name} loss over {last:,} steps".strip().capitalize()
    words = escape(f"{title}: {'; '.join(said)}")
    axis = ", logarithmic" if logarithmic else ""
    return (
        f'<figure class="tf-curve"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{words}">'
        f"<g class='tf-grid'>{grid}</g>{''.join(drawn)}</svg>"
        f"<figcaption>{escape(name)}{': ' if name else ''}loss{axis} {''.join(legend)}</figcaption></figure>"
    )


def _even(low: float, high: float) -> list[float]:
    """About five round values that enclose the range."""
    step = 10 ** math.floor(math.log10((high - low) or 1))
    for factor in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0):
        if (high - low) / (step * factor) <= 6:
            step *= factor
            break
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def _powers(low: float, high: float) -> list[float]:
    """1, 2, 5 times powers of ten that enclose a positive range; fewer where it is wide."""
    steps = (1, 2, 5) if high / low < 200 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [factor * 10.0**power for power in powers for factor in steps]
    below, above = [tick for tick in every if tick <= low], [tick for tick in every if tick >= high]
    return [tick for tick in every if (below[-1] if below else low) <= tick <= (above[0] if above else high)]
