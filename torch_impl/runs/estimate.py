"""What a run needs before it has it: memory for weights and for a batch, time for a step, room for a checkpoint.

Weights are counted without being made (on torch's meta device); a batch is judged by a trial of a few examples.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from torch_impl.networks import build
from torch_impl.random.draws import Draws
from torch_impl.runs.presets import Preset
from torch_impl.training.system import Batch, System
from torch_impl.training.trainer_config import TrainerConfig

__all__ = ["Trial", "available_memory", "checkpoint_bytes", "count_parameters", "refuse_too_large", "trial", "words"]

_FLOAT = 4  # bytes of a weight
_SLOW = 1.0  # seconds for one example, beside which warming up does not count


@dataclass(frozen=True)
class Trial:
    """What a step of n examples takes: `seconds(n)` from a constant part and one for each example; bytes an example."""

    constant: float
    each: float
    bytes_each: int

    def seconds(self, examples: int) -> float:
        return self.constant + self.each * examples


def count_parameters(config: Any) -> int:
    """Weights of a system, counted without memory for them; for configs that say which networks they are made of."""
    with torch.device("meta"):
        if hasattr(config, "network_config"):
            modules = [build(config.network_config())]
            if hasattr(config, "compressor"):
                modules.append(build(config.compressor().network()))
        else:
            try:
                modules = [config.build()]
            except RuntimeError:  # it looks at numbers while it is made, as schedules do
                modules = [build(config.network())]
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def training_bytes(parameters: int, config: TrainerConfig) -> int:
    """Bytes of weights, gradients, the two moments of AdamW, and the moving averages."""
    return _FLOAT * parameters * (4 + len(config.ema))


def checkpoint_bytes(parameters: int, config: TrainerConfig) -> int:
    """Bytes of a checkpoint: weights, averages, moments."""
    return _FLOAT * parameters * (3 + len(config.ema))


def available_memory(device: torch.device | str = "cpu") -> int | None:
    """Bytes that could be had on a device now; None where nobody says."""
    device = torch.device(device)
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    found = [value for value in (_machine(), _container(), _process()) if value is not None]
    return min(found) if found else None


def _machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (ValueError, OSError, AttributeError):
            return None


def _container() -> int | None:
    """What a control group leaves to its processes."""
    group = Path("/sys/fs/cgroup")
    for limit, used in (
        (group / "memory.max", group / "memory.current"),
        (group / "memory" / "memory.limit_in_bytes", group / "memory" / "memory.usage_in_bytes"),
    ):
        try:
            return max(0, int(limit.read_text()) - int(used.read_text()))
        except (OSError, ValueError):
            continue
    return None


def _process() -> int | None:
    """What `ulimit -v` leaves to this process."""
    if sys.platform == "win32":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return max(0, limit - pages * resource.getpagesize())
    except (OSError, ValueError):
        return limit


def refuse_too_large(chosen: Preset, device: torch.device | str) -> int:
    """Refuse weights or a batch that cannot fit the memory, by what they need at least; the number of weights.

    Raises:
        ValueError: naming what is too large, what it needs and what there is.
    """
    system, trainer = chosen.system, chosen.trainer
    limit = available_memory(device)
    parameters = count_parameters(system)
    values = system.image_size**2 * system.channels
    batch = trainer.batch_size // trainer.accumulate
    for need, what, remedy in (
        (
            training_bytes(parameters, trainer),
            f"{parameters:,} weights with their gradients, moments and averages",
            "choose a smaller model (--latent-dim, --set widths=..., --set hidden=...)",
        ),
        (3 * _FLOAT * batch * values, f"a batch of {batch:,} examples", "choose a smaller --batch-size"),
    ):
        if limit is not None and need > limit:
            raise ValueError(
                f"{what} need at least {words(need)} of memory, and {torch.device(device)} has {words(limit)} free; "
                f"{remedy}"
            )
    return parameters


# -- a trial ----------------------------------------------------------------------------------------------------------


def trial(chosen: Preset, x: Tensor, y: Tensor | None, device: torch.device | str = "cpu") -> Trial | None:
    """Take forward and backward of one and of all given examples with a model that is thrown away; None if it cannot.

    Where one example takes seconds, that one is all that is tried.  What is drawn here is drawn beside the run: the
    global generators are as they were.
    """
    with torch.random.fork_rng(devices=[]):
        system: System = chosen.system.build().to(device).train()
        counted: list[int] = []
        try:
            step = _step(system, x.to(device), None if y is None else y.to(device))
            with _bytes_of_outputs(system, counted):
                first = step(1)  # warms up too
            if first > _SLOW:
                return Trial(0.0, first, sum(counted))
            one, all_of_them = step(1), min(step(len(x)), step(len(x)))
        except (RuntimeError, ValueError, NotImplementedError):
            return None
    each = max(0.0, all_of_them - one) / max(1, len(x) - 1)
    return Trial(max(0.0, one - each), each, sum(counted))


def _step(system: System, x: Tensor, y: Tensor | None) -> Callable[[int], float]:
    def step(n: int) -> float:
        draws = Draws(0, n, 1, x.device, stream="trial").at(0)
        begun = time.perf_counter()
        terms = system(Batch(x[:n], None if y is None else y[:n]), draws)
        torch.autograd.backward(terms["loss"])
        system.zero_grad(set_to_none=True)
        return time.perf_counter() - begun

    return step


@contextmanager
def _bytes_of_outputs(system: nn.Module, counted: list[int]) -> Iterator[None]:
    """Collect the sizes of what the innermost modules put out, most of which is kept for the backward pass."""

    def hook(_: nn.Module, __: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            counted.append(output.numel() * output.element_size())

    leaves = [module for module in system.modules() if not any(True for _ in module.children())]
    handles = [leaf.register_forward_hook(hook) for leaf in leaves]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def refuse_large_batch(chosen: Preset, found: Trial, parameters: int, device: torch.device | str) -> None:
    """Refuse a batch whose activations cannot fit beside the weights.

    Raises:
        ValueError: naming the batch, what it needs, what there is, and the accumulation that fits.
    """
    limit, config = available_memory(device), chosen.trainer
    batch = config.batch_size // config.accumulate
    need = training_bytes(parameters, config) + batch * found.bytes_each
    if limit is None or need <= limit or batch == 1:
        return
    room = max(1, (limit - training_bytes(parameters, config)) // max(1, found.bytes_each))
    pieces = next(
        (n for n in range(1, config.batch_size + 1) if config.batch_size % n == 0 and batch // n <= room), None
    )
    way = f"--accumulate {pieces * config.accumulate} or " if pieces is not None else ""
    raise ValueError(
        f"a batch of {batch:,} examples needs about {words(need)} of memory, and {torch.device(device)} has "
        f"{words(limit)} free; choose {way}--batch-size {room} or less"
    )


def words(size: float) -> str:
    """A number of bytes in words."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
