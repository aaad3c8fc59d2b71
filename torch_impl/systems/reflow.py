"""Reflow: a flow trained anew on pairs that an earlier flow made, so that its lines are straighter (Liu et al. 2023).

An earlier flow takes each noise to a sample; noise and sample are one pair ever after. On images the earlier flow is a
stage of its own, on mixtures it is the exact one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from torch_impl.objectives.flow_matching import flow_matching_loss, flow_times
from torch_impl.process.paths import StraightPath
from torch_impl.random.draws import Draws, SampleDraws
from torch_impl.samplers.runge_kutta import integrate, solver
from torch_impl.samplers.times import even_times
from torch_impl.systems.config import FirstStage, SystemConfig
from torch_impl.systems.flow import FlowBase, FlowConfig, FlowSystem, MixtureFlowConfig, MixtureFlowSystem
from torch_impl.systems.stages import refuse_other_stage
from torch_impl.training.fields import option
from torch_impl.training.system import Batch, TrainedStage

__all__ = ["MixtureReflowConfig", "ReflowConfig"]

_PART = 500  # pairs that are made at once
Velocity = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class ReflowBaseConfig(SystemConfig):
    """What reflow on images and on points share: how many pairs, and how finely they are made."""

    pairs: int = option(10_000, "Pairs of noise and sample that the earlier flow makes.", group="Reflow", least=1)
    pair_steps: int = option(25, "Steps of Heun's rule in which it makes one.", group="Reflow", least=1)


class ReflowBase(FlowBase):
    """loss = squared error of the velocity on pairs of an earlier flow, mean over elements (`path.velocity_views`)."""

    pair_noise: Tensor
    pair_sample: Tensor
    pair_label: Tensor

    def hold(self, count: int) -> None:
        """Room for the pairs, which travel with the weights."""
        self.register_buffer("pair_noise", torch.zeros(count, *self.shape()))
        self.register_buffer("pair_sample", torch.zeros(count, *self.shape()))
        self.register_buffer("pair_label", torch.zeros(count, dtype=torch.int64))

    @torch.no_grad()
    def make_pairs(self, velocity: Callable[[Tensor | None], Velocity], steps: int, classes: int | None) -> None:
        """Fill the pairs along the earlier flow, given labels in turn where it is told any."""
        count = len(self.pair_noise)
        self.pair_noise.copy_(SampleDraws(torch.Generator().manual_seed(0), count).normal(count, *self.shape()))
        if classes is not None:
            self.pair_label.copy_(torch.arange(count) % classes)
        for first in range(0, count, _PART):
            rows = slice(first, first + _PART)
            field = velocity(None if classes is None else self.pair_label[rows])
            self.pair_sample[rows] = integrate(field, self.pair_noise[rows], even_times(1.0, steps), solver("heun"))

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        count = len(self.pair_noise)
        rows = (draws.uniform(len(batch.x), dtype=torch.float64) * count).long().clamp_(max=count - 1)
        t = flow_times(draws.stratified(), self.config.times)
        y = self.hidden_labels(Batch(batch.x, self.pair_label[rows]), draws) if self.config.conditional else None
        noise, sample = self.pair_noise[rows], self.pair_sample[rows]
        return {"loss": flow_matching_loss(self.velocity(y), self.path, sample, t, noise)}


def _only_straight(path: str, coupling: str) -> None:
    if path != "linear" or coupling != "independent":
        raise ValueError(
            f"path is {path!r} and coupling {coupling!r}; reflow pairs noise and samples itself and goes along the "
            "straight path between them: linear, independent"
        )


# -- images -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReflowConfig(ReflowBaseConfig, FlowConfig, kind="reflow"):
    """A flow on pixels, trained on pairs of an earlier one with the same network."""

    stage = "teacher"

    teacher_steps: int = option(3000, "Steps of the earlier flow's training.", group="Teacher", least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        _only_straight(self.path, self.coupling)

    def teacher(self) -> FlowConfig:
        """The earlier flow."""
        return FlowConfig(**{field.name: getattr(self, field.name) for field in dataclasses.fields(FlowConfig)})

    def first_stage(self) -> FirstStage:
        return FirstStage(self.teacher(), self.teacher_steps)

    @classmethod
    def small(cls) -> ReflowConfig:
        return cls(widths=(8,), blocks=1, pairs=20, pair_steps=2, teacher_steps=2)

    def build(self) -> ReflowSystem:
        return ReflowSystem(self)


class ReflowSystem(ReflowBase, FlowSystem):
    """A straightened flow on pixels in [-1, 1]."""

    config: ReflowConfig

    def __init__(self, config: ReflowConfig) -> None:
        super().__init__(config)
        self.hold(config.pairs)

    def prepare(self, data: object, stage: TrainedStage | None) -> None:
        """Have the averaged earlier flow make the pairs, and begin with its weights.

        Raises:
            ValueError: there is none, or it is another system than is needed.
        """
        if stage is None:
            raise ValueError("reflow needs a trained flow as its teacher; train it first, or give one with --from")
        refuse_other_stage(stage, self.config.teacher())
        assert isinstance(stage.system, FlowSystem)
        self.make_pairs(
            stage.system.velocity, self.config.pair_steps, self.config.classes if self.config.conditional else None
        )
        self.model.load_state_dict(stage.system.model.state_dict())


# -- points -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MixtureReflowConfig(ReflowBaseConfig, MixtureFlowConfig, kind="mixture_reflow"):
    """A flow on points, trained on pairs of the exact flow of the law."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _only_straight(self.path, self.coupling)
        if self.conditional:
            raise ValueError("the exact flow is that of the whole law and is told no class; train with --unconditional")

    @classmethod
    def small(cls) -> MixtureReflowConfig:
        return cls(2, 2, width=8, depth=1, pairs=20, pair_steps=2)

    def build(self) -> MixtureReflowSystem:
        return MixtureReflowSystem(self)


class MixtureReflowSystem(ReflowBase, MixtureFlowSystem):
    """A straightened flow on points; its law is known, and so is the flow that it was straightened from."""

    config: MixtureReflowConfig

    def __init__(self, config: MixtureReflowConfig) -> None:
        super().__init__(config)
        self.hold(config.pairs)

    def prepare(self, data: object, stage: TrainedStage | None) -> None:
        """Have the exact flow make the pairs."""
        assert isinstance(self.path, StraightPath)
        self.make_pairs(lambda y: self.oracle.field, self.config.pair_steps, None)

    def best_loss(self) -> float | None:
        """The loss is of pairs that hang together, for which the least is not known."""
        return None
