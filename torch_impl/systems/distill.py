"""Progressive distillation on images: each stage halves the steps of the one before (Salimans and Ho 2022).

A stage is a run of its own, whose teacher is the stage before; the first teacher is a flow on the cosine path.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from torch_impl.networks import UNet
from torch_impl.objectives.distillation import distillation_loss
from torch_impl.process.conversion import from_velocity
from torch_impl.process.paths import CosinePath
from torch_impl.random.draws import Draws, SampleDraws
from torch_impl.samplers.few_step import deterministic_steps
from torch_impl.samplers.times import even_times
from torch_impl.systems.config import FirstStage
from torch_impl.systems.flow import FlowConfig, FlowSystem
from torch_impl.systems.shared import WithUNet
from torch_impl.systems.stages import refuse_other_stage
from torch_impl.systems.told import ToldSystem
from torch_impl.training.fields import option
from torch_impl.training.functions import Function
from torch_impl.training.system import Batch, TrainedStage

__all__ = ["DistillConfig", "DistillSystem"]


@dataclass(frozen=True)
class DistillConfig(WithUNet, kind="distill"):
    """A student that takes `sampling_steps` steps, and its teacher, which takes twice as many."""

    stage = "teacher"

    sampling_steps: int = option(1, "Steps in which the student samples.", group="Distillation", least=1)
    teacher_sampling: int = option(
        32,
        "Steps in which the first teacher samples; the student's, doubled some times.",
        group="Distillation",
        least=2,
    )
    stage_steps: int = option(800, "Steps of training of each student before the last.", group="Distillation", least=1)
    teacher_steps: int = option(3000, "Steps of the first teacher's training.", group="Distillation", least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        ratio, rest = divmod(self.teacher_sampling, self.sampling_steps)
        if rest or ratio < 2 or ratio & (ratio - 1):
            raise ValueError(
                f"teacher_sampling is {self.teacher_sampling}; it must be sampling_steps = {self.sampling_steps} "
                f"doubled once or more often, for example {8 * self.sampling_steps}"
            )

    def teacher(self) -> FlowConfig | DistillConfig:
        """The system before this one."""
        if self.teacher_sampling > 2 * self.sampling_steps:
            return dataclasses.replace(self, sampling_steps=2 * self.sampling_steps)
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(WithUNet)}
        return FlowConfig(path="cosine", **given)

    def first_stage(self) -> FirstStage:
        teacher = self.teacher()
        steps = self.teacher_steps if isinstance(teacher, FlowConfig) else self.stage_steps
        return FirstStage(teacher, steps)

    @classmethod
    def small(cls) -> DistillConfig:
        return cls(widths=(8,), blocks=1, sampling_steps=2, teacher_sampling=4, teacher_steps=2, stage_steps=2)

    def build(self) -> DistillSystem:
        return DistillSystem(self)


class DistillSystem(ToldSystem):
    """loss = squared error of the velocity that two steps of the teacher amount to (`distillation.progressive`)."""

    config: DistillConfig
    samplers = ("distilled",)
    takes: tuple[str, ...] = ("sampler", "label", "columns")

    def __init__(self, config: DistillConfig) -> None:
        super().__init__(config, UNet(config.network()))
        self.path = CosinePath()
        self.teacher = UNet(config.network()).requires_grad_(False)

    def prepare(self, data: object, stage: TrainedStage | None) -> None:
        """Take the averaged teacher, and begin with its weights.

        Raises:
            ValueError: there is none, or it is another system than this one's teacher.
        """
        if stage is None:
            raise ValueError("distillation needs a trained teacher; train it first, or give one with --from")
        refuse_other_stage(stage, self.config.teacher())
        assert isinstance(stage.system, FlowSystem | DistillSystem)
        for network in (self.teacher, self.model):
            network.load_state_dict(stage.system.model.state_dict())

    def functions(self) -> dict[str, Function]:
        """The student's velocity, for other programs."""
        return {"velocity": self.exported(self.told, ("t in (0, 1], from data to noise",), "dx/dt on the cosine path")}

    def networks(self) -> list[torch.nn.Module]:
        return [self.model, self.teacher]

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        steps = self.config.sampling_steps
        t = (1 + torch.floor(draws.stratified() * steps).clamp(max=steps - 1)) / steps
        noise, y = draws.normal_like(batch.x), self.hidden_labels(batch, draws)
        self.teacher.eval()
        student = self.told(y)
        loss = distillation_loss(student, self._teacher(y), self.path, batch.x, noise, t, 1 / steps)
        return {"loss": loss}

    def _teacher(self, y: Tensor | None) -> Callable[[Tensor, Tensor], Tensor]:
        """(x, t) -> the teacher's velocity, told the same as the student."""
        return lambda x, t: self.asked(x, t, y if self.config.conditional else None, self.teacher)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        labels: Tensor | None = None,
        sampler: str = "distilled",
        steps: int | None = None,
        callback: Callable[[float, Tensor], None] | None = None,
    ) -> Tensor:
        """n samples in the steps that the model was distilled to; the first ones are the same whatever n.

        Args:
            labels: class of each sample, (n,), for conditional models.
            sampler: distilled.
            steps: none but those.
        """
        count = self.config.sampling_steps
        if sampler not in self.samplers:
            raise ValueError(f"sampler is {sampler!r}; a distilled model is sampled by {', '.join(self.samplers)}")
        if steps not in (None, count):
            raise ValueError(
                f"steps is {steps}, and this model was distilled to {count}; leave it out, or sample another stage"
            )
        x = SampleDraws(generator, n).normal(n, *self.shape()).to(next(self.parameters()).device)
        velocity = self.told(labels)

        def split(points: Tensor, t: float) -> tuple[Tensor, Tensor]:
            when = torch.full(points.shape[:1], t, device=points.device, dtype=points.dtype)
            x0, eps = from_velocity(self.path.at(t), points, velocity(points, when))
            return x0.to(points.dtype), eps.to(points.dtype)

        def levels(t: float) -> tuple[float, float]:
            at = self.path.at(t)
            return float(at.alpha), float(at.sigma)

        return self.finished(deterministic_steps(split, levels, x, even_times(1.0, count), callback))
