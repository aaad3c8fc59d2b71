"""How to train, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Self

from torch_impl.training.ema import ConstantDecay, PowerFunction, WarmupDecay, profile_from_json, profile_to_json
from torch_impl.training.fields import check_limits, check_value, declared_types, option
from torch_impl.training.learning_rate import LearningRate
from torch_impl.training.processes import Parallelism

__all__ = ["TrainerConfig"]

_LOG, _MACHINE = "Log and checkpoints", "Machine"
Profile = ConstantDecay | WarmupDecay | PowerFunction


@dataclass(frozen=True)
class TrainerConfig:
    """How to train; plain data, JSON both ways.

    `ema` are the profiles of the moving averages; the first is the one that is sampled from.  `lr_start` is the step
    at which the schedule of the rate begins anew, `lr_start_rate` the rate by then.
    """

    steps: int = option(1000, "Optimizer steps.", least=1)
    batch_size: int = option(128, "Examples per step, over all processes.", least=1)
    accumulate: int = option(1, "Micro-batches per step.", least=1)
    lr: float = option(1e-3, "Peak learning rate.")
    warmup: int = option(0, "Steps of linear warm-up.")
    lr_shape: Literal["constant", "cosine"] = option("cosine", "Learning rate after the warm-up.")
    lr_final: float = option(0.0, "Where it ends, as a share of the peak.")
    lr_start: int = 0
    lr_start_rate: float = 0.0
    weight_decay: float = option(0.0, "AdamW's weight decay.", least=0)
    betas: tuple[float, float] = option((0.9, 0.999), "AdamW's decay of its averages.", least=0, below=1)
    epsilon: float = option(1e-8, "AdamW's epsilon.", above=0, example=1e-8)
    clip: float | None = option(1.0, "Largest gradient norm, or none.")
    ema: tuple[Profile, ...] = field(default=(WarmupDecay(0.9995),))
    precision: Literal["auto", "fp32", "bf16"] = option(
        "auto", "auto: bf16 autocast over fp32 weights on CUDA, fp32 elsewhere.", group=_MACHINE
    )
    compile: Literal["auto", "on", "off"] = option("auto", "torch.compile; auto: on CUDA.", group=_MACHINE)
    capture: Literal["on", "off"] = option(
        "off", "On CUDA: the whole step as one CUDA graph, after eleven steps.", group=_MACHINE
    )
    channels_last: Literal["auto", "on", "off"] = option(
        "auto", "Memory layout of the weights; auto: on CUDA.", group=_MACHINE
    )
    deterministic: bool = option(
        False,
        "Only algorithms that repeat bit for bit (exact resume on a GPU).",
        group=_MACHINE,
        flag="--deterministic/--fast",
    )
    parallel: Parallelism = option("ddp", "With torchrun: replicate, or shard the weights.", group=_MACHINE)
    log_every: int = option(50, "Steps between reads of the metrics.", group=_LOG, least=1)
    validate_every: int = option(0, "Steps between validation losses; 0: never.", group=_LOG, least=0)
    preview_every: int = option(0, "Steps between sample grids; 0: never.", group=_LOG, least=0, flag="--sample-every")
    checkpoint_every: int = option(500, "Steps between checkpoints; 0: only at the end.", group=_LOG, least=0)
    keep_last: int = option(3, "Checkpoints to keep besides the best.", group=_LOG, least=1)
    nonfinite: Literal["stop", "skip"] = option(
        "stop", "What to do at NaN or infinity.", group=_MACHINE, flag="--on-nonfinite"
    )
    skip_limit: int = option(100, "Stop after so many skipped steps in all.", group=_MACHINE, least=0)
    seed: int = option(0, "Seed of weights, data order and every draw.", least=0)
    draw_blocks: int = option(0, "Blocks of independent randomness per batch; 0: chosen.", group=_MACHINE, least=0)

    def __post_init__(self) -> None:
        check_limits(self)
        if self.seed >= 2**63:
            raise ValueError(f"seed is {self.seed}; it must be less than 2^63")
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"batch size {self.batch_size} cannot be cut into {self.accumulate} micro-batches; choose a divisor"
            )
        if not math.isfinite(self.weight_decay) or not math.isfinite(self.epsilon):
            raise ValueError(f"weight_decay is {self.weight_decay}, epsilon {self.epsilon}; both must be finite")
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip is {self.clip}; it must be positive, or none for no clipping")
        if len(self.betas) != 2:
            raise ValueError(f"betas are {self.betas}; there must be two")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}")
        self.learning_rate()

    def learning_rate(self) -> LearningRate:
        return LearningRate(
            self.lr, self.steps, self.warmup, self.lr_shape, self.lr_final, self.lr_start, self.lr_start_rate
        )

    def blocks_for(self, world: int) -> int:
        """Blocks of randomness: given, or the least that serve these processes, eight where the batch allows it."""
        pieces = world * self.accumulate
        if self.batch_size % pieces:
            raise ValueError(
                f"batch size {self.batch_size} cannot be shared by {world} processes x {self.accumulate} "
                f"micro-batches; "
                f"choose a multiple of {pieces}"
            )
        blocks = self.draw_blocks or math.lcm(pieces, math.gcd(self.batch_size, 8))
        if not self.draw_blocks and self.batch_size % blocks:
            blocks = pieces
        if blocks % pieces or self.batch_size % blocks:
            raise ValueError(
                f"draw_blocks is {blocks}; it must be a multiple of processes x micro-batches = {pieces} and divide "
                f"the batch size {self.batch_size}"
            )
        return blocks

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "betas": list(self.betas), "ema": [profile_to_json(profile) for profile in self.ema]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The config that `to_json` wrote; what is missing has its default, what is unknown is left out.

        Raises:
            ValueError: a value that cannot be.
        """
        known = {name: value for name, value in data.items() if name in {field.name for field in fields(cls)}}
        for name in ("betas", "ema"):
            if isinstance(known.get(name), list):
                known[name] = tuple(known[name])
        if isinstance(known.get("ema"), tuple):
            known["ema"] = tuple(profile_from_json(profile) for profile in known["ema"])
        hints = declared_types(cls)
        for name, value in known.items():
            check_value(name, value, hints[name])
        return cls(**known)


_CHOICES: dict[str, tuple[str, ...]] = {
    "lr_shape": ("constant", "cosine"),
    "precision": ("auto", "fp32", "bf16"),
    "compile": ("auto", "on", "off"),
    "capture": ("on", "off"),
    "channels_last": ("auto", "on", "off"),
    "parallel": ("ddp", "fsdp"),
    "nonfinite": ("stop", "skip"),
}
