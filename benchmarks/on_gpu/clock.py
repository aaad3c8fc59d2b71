"""Time between quiet devices, by turns; time that a device is busy; memory; multiplications."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def wall(step: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Seconds of one step, from a quiet device to a quiet device."""
    synchronize(device)
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    synchronize(device)
    return (time.perf_counter() - start) / repeats


def on_device(call: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Seconds of one call between two device events: launching is not counted while the device is behind."""
    if device.type != "cuda":
        return wall(call, repeats, device)
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(repeats):
        call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3 / repeats


def take_turns(
    calls: dict[str, Callable[[], object]],
    rounds: int,
    repeats: int,
    device: torch.device,
    clock: Callable[[Callable[[], object], int, torch.device], float] = wall,
) -> dict[str, float]:
    """Median seconds of each call, `repeats` times in each of `rounds` turns, after two untimed turns."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + 2):
        for name, call in calls.items():
            taken = clock(call, repeats, device)
            if number > 1:
                seconds[name].append(taken)
    return {name: statistics.median(values) for name, values in seconds.items()}


def busy(step: Callable[[], object], device: torch.device, repeats: int = 3) -> float:
    """Seconds in which the device works on one step: the sum of its kernels, without the gaps between them.

    Where this is far below the wall time, the device waits for the host to launch, and a faster host would help.
    """
    from torch.profiler import ProfilerActivity, profile

    step()
    synchronize(device)
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as seen:
        for _ in range(repeats):
            step()
        synchronize(device)
    kernels = [e for e in seen.key_averages() if e.device_type == torch.autograd.DeviceType.CUDA and "#" not in e.key]
    return sum(e.self_device_time_total for e in kernels) / 1e6 / repeats


@contextmanager
def peak_memory(device: torch.device, found: dict[str, float], name: str) -> Iterator[None]:
    """Most memory that tensors take meanwhile, beyond what they took before, in GiB."""
    if device.type != "cuda":
        yield
        return
    synchronize(device)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    yield
    synchronize(device)
    found[name] = (torch.cuda.max_memory_allocated() - before) / 2**30


def gflop(call: Callable[[], object]) -> float:
    """Multiplications and additions of matrix products and convolutions, in GFLOP."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops() / 1e9


def size_of(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def free(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    torch._dynamo.reset()
