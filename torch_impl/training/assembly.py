"""What a trainer works with, put together once: the system on its device, its averages, wrappers and optimizer."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass

import torch
from torch import nn

from torch_impl.training.ema import EMA, unwrap
from torch_impl.training.processes import Processes, is_sharded, shard
from torch_impl.training.system import System
from torch_impl.training.trainer_config import TrainerConfig

__all__ = ["Assembly", "assemble", "prepare_backend"]


@dataclass(frozen=True)
class Assembly:
    """The modules of a run.

    Attributes:
        system: on its device, sharded or not.
        emas: its moving averages.
        run: what is called in a step: the system, or the data-parallel wrapper around it.
        parameters: those that are trained, by name.
        optimizer: AdamW over them.
        sharded: whether FSDP deals the weights out among processes.
        compiled: whether the networks are compiled.
    """

    system: System
    emas: list[EMA]
    run: nn.Module
    parameters: dict[str, nn.Parameter]
    optimizer: torch.optim.Optimizer
    sharded: bool
    compiled: bool


def prepare_backend(config: TrainerConfig, device: torch.device, bf16: bool) -> None:
    """Seed torch's generators and choose the kernels that the config asks for."""
    cuda = device.type == "cuda"
    torch.manual_seed(config.seed)
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    elif cuda:
        torch.backends.cudnn.benchmark = True
    if cuda and bf16:
        torch.set_float32_matmul_precision("high")


def assemble(system: System, config: TrainerConfig, processes: Processes, bf16: bool) -> Assembly:
    """Make averages, wrappers and optimizer for a system that is on its device.

    Raises:
        ValueError: it has no trainable parameter.
    """
    cuda = processes.device.type == "cuda"
    sharded = processes.world > 1 and config.parallel == "fsdp"
    if not sharded and (config.channels_last == "on" or (config.channels_last == "auto" and cuda)):
        system.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks this overload
    shadows: list[System | None] = [None] * len(config.ema)
    if sharded:
        shadows = [copy.deepcopy(system) for _ in config.ema]
        for module in [system, *(shadow for shadow in shadows if shadow is not None)]:
            shard(module, processes, bf16=bf16)
    emas = [EMA(system, profile, shadow=shadow) for profile, shadow in zip(config.ema, shadows, strict=True)]
    compiled = config.compile == "on" or (config.compile == "auto" and cuda)
    if compiled:
        for network in system.networks():
            network.compile()
    run: nn.Module = system
    if processes.world > 1 and not sharded:
        run = nn.parallel.DistributedDataParallel(system, broadcast_buffers=False, gradient_as_bucket_view=True)
    parameters = {n: p for n, p in unwrap(system).named_parameters() if p.requires_grad}
    if not parameters:
        raise ValueError("the system has no trainable parameter; nothing to train")
    # one fused kernel does not take whole and sharded parameters together
    kinds = [[p for p in parameters.values() if is_sharded(p) == kind] for kind in (True, False)]
    optimizer = torch.optim.AdamW(
        [{"params": kind} for kind in kinds if kind],
        lr=config.lr,
        betas=config.betas,
        eps=config.epsilon,
        weight_decay=config.weight_decay,
        fused=processes.device.type in ("cpu", "cuda"),
    )
    return Assembly(system, emas, run, parameters, optimizer, sharded, compiled)
