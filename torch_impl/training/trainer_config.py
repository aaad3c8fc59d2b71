"""How to train, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Self

from torch_impl.training.ema import ConstantDecay, PowerFunction, WarmupDecay, profile_from_json, profile_to_json
from torch_impl.training.fields import check_value, declared_types
from torch_impl.training.learning_rate import LearningRate
from torch_impl.training.processes import Parallelism

__all__ = ["TrainerConfig"]

Profile = ConstantDecay | WarmupDecay | PowerFunction


@dataclass(frozen=True)
class TrainerConfig:
    """How to train; plain data, JSON both ways.  Field by field:

    - `steps`, `batch_size` (examples per optimizer step over all processes), `accumulate` (micro-batches per
      step).
    - `lr`, `warmup` (steps), `lr_shape`, `lr_final` (share of the peak), `weight_decay`, `betas`,
      `epsilon`: AdamW.
    - `lr_start`, `lr_start_rate`: the step at which the schedule of the rate begins anew, and the rate by then.
    - `clip`: largest gradient norm, or None.
    - `ema`: profiles of the moving averages; the first is the one that is sampled from.
    - `precision`: `auto` is bf16 autocast over fp32 weights on CUDA, fp32 elsewhere.  `compile`: `auto` is on
      for CUDA.
    - `channels_last`: `auto` is on for CUDA.  `deterministic`: only algorithms that repeat bit for bit (exact
      resume on GPU).
    - `parallel`: `ddp` or `fsdp` when there are several processes.
    - `log_every`, `validate_every`, `preview_every`, `checkpoint_every` (steps; 0 is never, save for the
      checkpoint that every run writes at its end), `keep_last`.
    - `nonfinite`: `stop` or `skip`; `skip_limit`: stop after so many skipped steps in all.
    - `draw_blocks`: blocks of independent randomness per global batch; 0 chooses (see `blocks_for`).
    """

    steps: int = 1000
    batch_size: int = 128
    accumulate: int = 1
    lr: float = 1e-3
    warmup: int = 0
    lr_shape: Literal["constant", "cosine"] = "cosine"
    lr_final: float = 0.0
    lr_start: int = 0
    lr_start_rate: float = 0.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    clip: float | None = 1.0
    ema: tuple[Profile, ...] = field(default=(WarmupDecay(0.9995),))
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compile: Literal["auto", "on", "off"] = "auto"
    channels_last: Literal["auto", "on", "off"] = "auto"
    deterministic: bool = False
    parallel: Parallelism = "ddp"
    log_every: int = 50
    validate_every: int = 0
    preview_every: int = 0
    checkpoint_every: int = 500
    keep_last: int = 3
    nonfinite: Literal["stop", "skip"] = "stop"
    skip_limit: int = 100
    seed: int = 0
    draw_blocks: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "accumulate", "log_every", "keep_last"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("validate_every", "preview_every", "checkpoint_every", "skip_limit", "draw_blocks", "seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must not be negative")
        if self.seed >= 2**63:
            raise ValueError(f"seed is {self.seed}; it must be less than 2^63")
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"batch size {self.batch_size} cannot be cut into {self.accumulate} micro-batches; choose a divisor"
            )
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip is {self.clip}; it must be positive, or none for no clipping")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay is {self.weight_decay}; it must be finite and not negative")
        if not 0 < self.epsilon < math.inf:
            raise ValueError(f"epsilon is {self.epsilon}; it must be positive and finite, for example 1e-8")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas are {self.betas}; both must lie in [0, 1)")
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
    "channels_last": ("auto", "on", "off"),
    "parallel": ("ddp", "fsdp"),
    "nonfinite": ("stop", "skip"),
}
