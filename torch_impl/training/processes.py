"""The processes of a run: one, or several started by `torchrun`; data parallel (DDP) or fully sharded (FSDP2).

Several nodes: start the same `torchrun --nnodes N --nproc-per-node M --rdzv-backend c10d --rdzv-endpoint HOST:PORT`
on each, with `--out` on a file system that all nodes see; rank 0 writes, all read.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn

__all__ = ["Parallelism", "Processes", "average_whole_gradients", "is_sharded", "shard", "total_gradient_norm"]

Parallelism = Literal["ddp", "fsdp"]


@dataclass(frozen=True)
class Processes:
    """Who this process is among `world` processes, and the device it works on."""

    rank: int
    world: int
    device: torch.device

    @classmethod
    def start(cls, device: str = "auto") -> Processes:
        """Join the group that `torchrun` announced in the environment; alone otherwise.

        Args:
            device: `auto` (CUDA if present, else the CPU), or a torch device name.

        Raises:
            ValueError: an unknown device, or one that this machine lacks.
        """
        local_rank = int(os.environ.get("LOCAL_RANK", "0"))
        chosen = _choose_device(device, local_rank)
        if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
            if chosen.type == "cuda":
                torch.cuda.set_device(chosen)
                dist.init_process_group("nccl", device_id=chosen)
            else:
                dist.init_process_group("gloo")
        if dist.is_initialized():
            return cls(dist.get_rank(), dist.get_world_size(), chosen)
        return cls(0, 1, chosen)

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def barrier(self) -> None:
        if self.world > 1:
            dist.barrier()

    def agree(self, *values: float) -> list[float]:
        """The maximum of each value over all processes."""
        if self.world == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor, op=dist.ReduceOp.MAX)
        return tensor.tolist()

    def failure(self, message: str | None) -> str | None:
        """The failure of the lowest process that had one, known to all processes; None when none had."""
        if self.world == 1:
            return message
        gathered: list[str | None] = [None] * self.world
        dist.all_gather_object(gathered, message)
        return next((text for text in gathered if text is not None), None)

    def finish(self) -> None:
        """Leave the group together, after a run that went well: one that leaves early makes the others abort."""
        if dist.is_initialized():
            dist.barrier()
            # A gloo thread lets go of the barrier's tensors a moment after the barrier returns; if the interpreter is
            # already ending by then, the process aborts.
            time.sleep(0.1)
            dist.destroy_process_group()


def _choose_device(name: str, local_rank: int) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    unknown = f"device {name!r} is unknown; choose auto, cpu, cuda, cuda:N or mps"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(unknown) from None
    if device.type not in ("cpu", "cuda", "mps"):
        raise ValueError(unknown)
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise ValueError(f"device {name!r} was asked for, but this torch sees no CUDA device; use --device cpu")
        index = local_rank if device.index is None else device.index
        if index >= torch.cuda.device_count():
            raise ValueError(
                f"device cuda:{index} was asked for, but there are {torch.cuda.device_count()} CUDA devices"
            )
        return torch.device("cuda", index)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ValueError("device 'mps' was asked for, but this torch has none; use --device cpu")
    return device


# -- sharding ---------------------------------------------------------------------------------------------------------


def shard(module: nn.Module, processes: Processes, *, bf16: bool, smallest: int = 100_000) -> nn.Module:
    """Shard a module's parameters over all processes with FSDP2, in place.

    Every member of a `ModuleList` or `Sequential` with at least `smallest` parameters (a residual block, a
    transformer block) is gathered on its own; what remains belongs to the root.  With `bf16` the gathered copies and
    the arithmetic are bfloat16, the shards stay float32 and gradients are reduced in float32.  Scalar parameters cannot
    be cut and stay whole everywhere: see `average_whole_gradients`.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    mesh = init_device_mesh(processes.device.type, (processes.world,))
    policy = MixedPrecisionPolicy(cast_forward_inputs=False)
    if bf16:
        policy = MixedPrecisionPolicy(torch.bfloat16, torch.float32, cast_forward_inputs=False)
    whole = {parameter for parameter in module.parameters() if parameter.ndim == 0}
    for block in [*_blocks(module, smallest), module]:
        fully_shard(block, mesh=mesh, mp_policy=policy, ignored_params=whole)
    return module


def _blocks(module: nn.Module, smallest: int) -> Iterator[nn.Module]:
    """Members of lists and sequences that are large enough and hold no list themselves."""
    for child in module.children():
        if isinstance(child, (nn.ModuleList, nn.Sequential)):
            for item in child:
                nested = any(isinstance(part, (nn.ModuleList, nn.Sequential)) for part in item.modules())
                if nested:
                    yield from _blocks(item, smallest)
                elif sum(p.numel() for p in item.parameters()) >= smallest:
                    yield item
        else:
            yield from _blocks(child, smallest)


def is_sharded(tensor: Tensor) -> bool:
    """Whether a tensor is a DTensor, of which each process holds a part."""
    return hasattr(tensor, "device_mesh")


def average_whole_gradients(parameters: Iterable[Tensor]) -> None:
    """Average, over processes, the gradients of parameters that sharding left whole."""
    for parameter in parameters:
        if not is_sharded(parameter) and parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


def total_gradient_norm(gradients: list[Tensor]) -> Tensor:
    """Euclidean norm over all gradients and, where they are sharded, all processes; a scalar on the device."""
    if not (dist.is_available() and dist.is_initialized()):
        total: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        return total
    sharded, whole = [g for g in gradients if is_sharded(g)], [g for g in gradients if not is_sharded(g)]
    norms = [nn.utils.get_total_norm(part) for part in (sharded, whole) if part]
    full = [_whole(norm) for norm in norms]
    return full[0] if len(full) == 1 else torch.linalg.vector_norm(torch.stack(full))


def _whole(tensor: Any) -> Tensor:
    whole: Tensor = tensor.full_tensor() if is_sharded(tensor) else tensor
    return whole


def without_gradient_exchange(module: nn.Module, last: bool) -> AbstractContextManager[object]:
    """Hold back the exchange of gradients for all but the last micro-batch of a step."""
    if isinstance(module, nn.parallel.DistributedDataParallel) and not last:
        return module.no_sync()
    set_sync = getattr(module, "set_requires_gradient_sync", None)
    if set_sync is not None:
        set_sync(last)
    return nullcontext()
