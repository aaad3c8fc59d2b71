"""A small training run with every source of randomness there is; used in-process and as a program of its own.

python small_run.py OUT '{"steps": 12, ...}' [--resume] [--kill-at STEP] [--signal-at STEP]
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from torch_impl.networks import Dropout
from torch_impl.training import Batch, Draws, Observer, PowerFunction, System, Trainer, TrainerConfig, WarmupDecay


class Denoise(System):
    """Predict x from a noisy copy: noise and one dropout from the draws, another dropout from the global generator."""

    def __init__(self, width: int = 16, dropout: float = 0.25) -> None:
        super().__init__()
        layers = [nn.Linear(6, width), nn.SiLU(), nn.Dropout(dropout), Dropout(0.2), nn.Linear(width, 6)]
        self.net = nn.Sequential(*layers)
        self.scale = nn.Parameter(torch.ones(()))  # a scalar, which FSDP cannot cut
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        noise = draws.normal_like(batch.x)
        if self.training:
            self.seen += 1
        error = (self.scale * self.net(batch.x + 0.5 * noise) - batch.x).square().mean()
        return {"loss": error, "times": draws.timesteps(10).float().mean()}


class Stream:
    """Examples in an order that is a function of the position; x of example i is a function of i."""

    def __init__(self, size: int, batch_size: int, rank: int = 0, world: int = 1, poison_at: int | None = None) -> None:
        self.x = torch.randn(size, 6, generator=torch.Generator().manual_seed(3))
        self.batch_size, self.rank, self.world, self.position, self.poison_at = batch_size, rank, world, 0, poison_at

    def at(self, position: int) -> Batch:
        share = self.batch_size // self.world
        places = torch.arange(share) + position + self.rank * share
        epoch, offset = places // len(self.x), places % len(self.x)
        x = self.x[(offset * 7 + epoch * 11) % len(self.x)].clone()
        if self.poison_at is not None and position == self.poison_at:
            x[1, 2] = torch.nan
        return Batch(x)

    def __next__(self) -> Batch:
        batch = self.at(self.position)
        self.position += self.batch_size
        return batch

    def state_dict(self) -> dict[str, Any]:
        return {"position": self.position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.position = state["position"]


def make(
    out: Path | None, *, observer: Observer | None = None, dropout: float = 0.25, size: int = 50, **fields: Any
) -> Trainer:
    fields = {"steps": 12, "batch_size": 16, "lr": 3e-2, "log_every": 1, "checkpoint_every": 4, "warmup": 3} | fields
    fields.setdefault("ema", (WarmupDecay(0.9), PowerFunction(0.2)))
    config = TrainerConfig(**fields)
    torch.manual_seed(config.seed)
    from torch_impl.training import Processes

    processes = Processes.start("cpu")
    stream = Stream(size, config.batch_size // config.accumulate, processes.rank, processes.world)
    description = {"system": {"kind": "denoise"}, "data": {"name": "numbers"}}
    return Trainer(
        Denoise(dropout=dropout),
        stream,
        config,
        out=out,
        description=description,
        processes=processes,
        observer=observer,
    )


class _Killer(Observer):
    def __init__(self, step: int | None, number: int) -> None:
        self.step, self.number = step, number

    def logged(self, line: Any) -> None:
        if line["step"] == self.step:
            os.kill(os.getpid(), self.number)


def main() -> None:
    out, fields, *flags = sys.argv[1:]
    torch.set_num_threads(1)
    observer = Observer()
    for flag, number in (("--kill-at", signal.SIGKILL), ("--signal-at", signal.SIGTERM)):
        if flag in flags:
            observer = _Killer(int(flags[flags.index(flag) + 1]), number)
    trainer = make(Path(out), observer=observer, **json.loads(fields))
    if "--resume" in flags and trainer.last_checkpoint() is not None:  # killed before the first: from the start
        trainer.restore()
    trainer.fit()
    trainer.processes.finish()


if __name__ == "__main__":
    main()
