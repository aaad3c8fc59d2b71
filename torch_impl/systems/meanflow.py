"""Mean flows on images and on mixtures: one network for the average velocity over any span, sampled in one step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from torch_impl.networks import MLPDenoiser, MLPDenoiserConfig, UNet, UNetConfig, with_forward_derivative, with_span
from torch_impl.objectives.flow_matching import TimeLaw, flow_times
from torch_impl.objectives.mean_flow import Average, mean_flow_loss, spans
from torch_impl.oracle.on_path import MixtureOnPath
from torch_impl.process.paths import StraightPath
from torch_impl.random.draws import Draws, SampleDraws
from torch_impl.samplers.few_step import jumps
from torch_impl.samplers.runge_kutta import integrate, solver
from torch_impl.samplers.times import even_times
from torch_impl.systems.config import SystemConfig
from torch_impl.systems.shared import OnPoints, WithUNet
from torch_impl.systems.told import PointsTold, ToldSystem
from torch_impl.training.fields import option
from torch_impl.training.functions import Function
from torch_impl.training.system import Batch

__all__ = ["MeanFlowBaseConfig", "MeanFlowConfig", "MixtureMeanFlowConfig"]

_MOST_STEPS = 64


@dataclass(frozen=True)
class MeanFlowBaseConfig(SystemConfig):
    """What mean flows on images and on points share: how often a span is asked for, the law of times, the weight."""

    span_share: float = option(0.5, "Share of examples with a span of time.", group="Mean flow", least=0, most=1)
    times: TimeLaw = option("logit_normal", "Law of the times in training.", group="Mean flow")
    power: float = option(1.0, "How far large errors are weighted down; 0: not at all.", group="Mean flow", least=0)
    conditional: bool = option(False, "Tell the model the class, or not.", flag="--conditional/--unconditional")
    label_drop: float = option(0.0, "Probability of hiding the class.", least=0, most=1)

    @property
    def label_count(self) -> int | None:
        """Classes the network is told of."""
        return self.classes if self.conditional else None


class MeanFlowBase(ToldSystem):
    """loss = squared error of the average velocity, weighted down where it is large (`meanflow.identity`)."""

    config: MeanFlowBaseConfig
    samplers = ("mean_flow",)
    takes: tuple[str, ...] = ("sampler", "steps", "label", "columns")

    def __init__(self, config: MeanFlowBaseConfig, model: nn.Module) -> None:
        super().__init__(config, with_forward_derivative(with_span(model)))

    def average(self, y: Tensor | None = None) -> Average:
        """u(x, r, t), the average velocity from t back to r."""
        network = self.told(y)
        return lambda x, r, t: network(x, torch.stack([t, t - r], dim=1))

    def functions(self) -> dict[str, Function]:
        """The average velocity, for other programs."""
        times = ("r in [0, 1], where the span ends", "t in [r, 1], where x is")
        return {"average_velocity": self.exported(self.average, times, "(x_t - x_r) / (t - r)")}

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        config = self.config
        first, second = (flow_times(unit, config.times) for unit in (draws.stratified(), draws.stratified()))
        r, t = spans(first, second, draws.uniform(len(batch.x)), config.span_share)
        noise = draws.normal_like(batch.x)
        u = self.average(self.hidden_labels(batch, draws))
        return {"loss": mean_flow_loss(u, batch.x, noise, r, t, config.power)}

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        labels: Tensor | None = None,
        sampler: str = "mean_flow",
        steps: int | None = None,
        callback: Callable[[float, Tensor], None] | None = None,
    ) -> Tensor:
        """n samples in one step or a few, evenly in time; the first ones are the same whatever n.

        Args:
            labels: class of each sample, (n,), for conditional models.
            sampler: mean_flow.
            steps: how many; 1 by default.
        """
        if sampler not in self.samplers:
            raise ValueError(f"sampler is {sampler!r}; a mean flow is sampled by {', '.join(self.samplers)}")
        noise = SampleDraws(generator, n).normal(n, *self.shape()).to(next(self.parameters()).device)
        return self.finished(self._jumped(noise, 1 if steps is None else steps, labels, callback))

    def _jumped(
        self,
        noise: Tensor,
        steps: int,
        labels: Tensor | None = None,
        callback: Callable[[float, Tensor], None] | None = None,
    ) -> Tensor:
        if not 1 <= steps <= _MOST_STEPS:
            raise ValueError(f"steps is {steps}; a mean flow is sampled in 1 to {_MOST_STEPS}")
        return jumps(self.average(labels), noise, even_times(1.0, steps), callback)


# -- images -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MeanFlowConfig(WithUNet, MeanFlowBaseConfig, kind="meanflow"):
    """A mean flow on pixels with a U-Net."""

    label_drop: float = option(0.0, "Probability of hiding the class.", least=0, most=1)

    def build(self) -> MeanFlowSystem:
        return MeanFlowSystem(self)


class MeanFlowSystem(MeanFlowBase):
    """A mean flow on pixels in [-1, 1]."""

    def __init__(self, config: MeanFlowConfig) -> None:
        network: UNetConfig = config.network()
        super().__init__(config, UNet(network))


# -- points -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MixtureMeanFlowConfig(OnPoints, MeanFlowBaseConfig, kind="mixture_meanflow"):
    """A mean flow on points with an MLP; the law is part of the config."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.oracle()
        self.network()

    def network(self) -> MLPDenoiserConfig:
        return MLPDenoiserConfig(len(self.means[0]), self.width, self.depth, self.label_count)

    def oracle(self) -> MixtureOnPath:
        return MixtureOnPath(self.weights, self.means, self.variances, StraightPath())

    @classmethod
    def small(cls) -> MixtureMeanFlowConfig:
        return cls(2, 2, width=8, depth=1)

    def build(self) -> MixtureMeanFlowSystem:
        return MixtureMeanFlowSystem(self)


class MixtureMeanFlowSystem(PointsTold, MeanFlowBase):
    """A mean flow on points beside the truth: the law, and the end of every line."""

    config: MixtureMeanFlowConfig
    oracle: MixtureOnPath
    takes: tuple[str, ...] = ("sampler", "steps", "label")

    def __init__(self, config: MixtureMeanFlowConfig) -> None:
        super().__init__(config, MLPDenoiser(config.network()))
        self.oracle = config.oracle()

    def jump(self, noise: Tensor, steps: int) -> Tensor:
        """Where that many steps take a start."""
        return self._jumped(noise, steps)

    def exact_jump(self, noise: Tensor) -> Tensor:
        """Where the exact flow takes it, by 200 steps of rk4."""
        return integrate(self.oracle.field, noise, even_times(1.0, 200), solver("rk4"))
