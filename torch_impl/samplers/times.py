"""Which times a sampler visits."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from torch_impl.process.schedule import NoiseSchedule
from torch_impl.process.tables import as_time

Callback = Callable[[int, Tensor], None]
"""(s, x_s), called after each step."""

Spacing = Literal["linspace", "leading", "trailing", "log_snr"]


def spaced_timesteps(schedule: NoiseSchedule, steps: int, spacing: Spacing = "linspace") -> list[int]:
    """`steps` sampling steps as a strictly decreasing list of `steps + 1` times that ends at 0.

    linspace: T to 1 evenly, rounded. trailing: T, T - T/steps, T - 2T/steps, ..., rounded. leading: 1, 1 + T // steps,
    1 + 2 (T // steps), ... backwards, so that T itself is usually not visited. log_snr: evenly spaced in log-SNR
    between T and 1. The list holds every end point itself, so that no sampler has to guess "the previous time".
    ValueError if steps is not in 1..T.
    """
    T = schedule.T
    if not 1 <= steps <= T:
        raise ValueError(f"steps = {steps}, but a schedule with T = {T} offers 1..{T} of them")
    if spacing == "linspace":
        times = [round(T - (T - 1) * i / max(steps - 1, 1)) for i in range(steps)]
    elif spacing == "trailing":
        times = [round(T * (steps - i) / steps) for i in range(steps)]
    elif spacing == "leading":
        stride = T // steps
        times = [1 + stride * i for i in reversed(range(steps))]
    elif spacing == "log_snr":
        times = _even_in_log_snr(schedule, steps) if steps > 1 else [T]
    else:
        raise ValueError(f"spacing = {spacing!r} is not one of 'linspace', 'leading', 'trailing', 'log_snr'")
    return [*times, 0]


def _even_in_log_snr(schedule: NoiseSchedule, steps: int) -> list[int]:
    lam = schedule.lam(torch.arange(1, schedule.T + 1))
    finite = lam[lam > -math.inf]
    wanted = torch.linspace(float(finite[-1]), float(finite[0]), steps, dtype=torch.float64)
    times = [schedule.T]
    for i, value in enumerate(wanted.tolist()[1:], start=1):
        nearest = int((lam - value).abs().argmin()) + 1
        times.append(max(min(nearest, times[-1] - 1), steps - i))  # strictly decreasing, room left for the rest
    return times


def even_times(T: float, steps: int) -> list[float]:
    """T, ..., 0 in even steps of real time."""
    return [T * (1 - i / steps) for i in range(steps + 1)]


def check_timesteps(timesteps: Sequence[int], T: int, increasing: bool = False) -> list[int]:
    """Times with both ends named, strictly decreasing (or increasing) in 0..T; ValueError otherwise."""
    times = [as_time(t, 0, T) for t in timesteps]
    ordered = [t for t in times if isinstance(t, int)]
    if len(ordered) != len(times):
        ordered = [int(t) for t in times]
    if len(ordered) < 2:
        raise ValueError(f"timesteps = {ordered} must name at least a start and an end")
    for before, now in pairwise(ordered):
        if (now <= before) if increasing else (now >= before):
            order = "increasing" if increasing else "decreasing"
            raise ValueError(
                f"timesteps go from {before} to {now}, but they must be strictly {order}, start and end included"
            )
    return ordered


def pairs(times: list[int]) -> Iterator[tuple[int, int, int]]:
    """(step index, from, to) for each step."""
    yield from ((i, t, s) for i, (t, s) in enumerate(pairwise(times)))
