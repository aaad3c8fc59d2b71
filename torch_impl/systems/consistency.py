"""Consistency models on images and on mixtures: trained alone, or distilled from a teacher; one step, two or four."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from torch_impl.networks import MLPDenoiser, MLPDenoiserConfig, UNet
from torch_impl.objectives.consistency import BoundaryScales, consistency_loss, discrete_levels, levels_at
from torch_impl.objectives.edm import log_normal_levels
from torch_impl.oracle.on_path import MixtureOnPath
from torch_impl.process.paths import LevelPath
from torch_impl.random.draws import Draws, SampleDraws
from torch_impl.samplers.edm import heun_with_churn, noise_levels
from torch_impl.samplers.few_step import multistep_consistency
from torch_impl.systems.config import FirstStage, SystemConfig
from torch_impl.systems.edm import EDMConfig, EDMSystem
from torch_impl.systems.shared import OnPoints, WithUNet
from torch_impl.systems.stages import refuse_other_stage
from torch_impl.systems.told import PointsTold, ToldSystem
from torch_impl.training.fields import option
from torch_impl.training.functions import Function
from torch_impl.training.system import Batch, TrainedStage

__all__ = ["ConsistencyBaseConfig", "ConsistencyConfig", "ConsistencySystem", "MixtureConsistencyConfig"]

Denoise = Callable[[Tensor, Tensor], Tensor]
_MOST_STEPS = 16


@dataclass(frozen=True)
class ConsistencyBaseConfig(SystemConfig):
    """What all consistency models share: noise levels, how they are cut, who tells the next point."""

    method: Literal["training", "distillation"] = option(
        "training", "Neighbours by the same noise, or by a step of a teacher.", group="Consistency"
    )
    levels: int = option(160, "Intervals of noise levels at the end of training.", group="Consistency", least=1)
    first_levels: int = option(10, "Intervals at its beginning.", group="Consistency", least=1)
    double_every: int = option(400, "Steps after which they are doubled.", group="Consistency", least=1)
    sigma_data: float = option(0.5, "Standard deviation of the data.", group="Noise levels", above=0)
    log_mean: float = option(-1.1, "Mean of the logarithm of a noise level in training.", group="Noise levels")
    log_spread: float = option(2.0, "Its standard deviation.", group="Noise levels", above=0)
    sigma_min: float = option(0.002, "Least noise level, where the line ends.", group="Noise levels", above=0)
    sigma_max: float = option(80.0, "Largest one, where sampling starts.", group="Noise levels", above=0)
    conditional: bool = option(False, "Tell the model the class, or not.", flag="--conditional/--unconditional")
    label_drop: float = option(0.0, "Probability of hiding the class.", least=0, most=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigma_min >= self.sigma_max:
            raise ValueError(f"sigma_min is {self.sigma_min}; it must be less than sigma_max = {self.sigma_max}")
        if self.first_levels > self.levels:
            raise ValueError(f"first_levels is {self.first_levels}; it must be at most levels = {self.levels}")

    @property
    def label_count(self) -> int | None:
        """Classes the network is told of."""
        return self.classes if self.conditional else None


class ConsistencyBase(ToldSystem):
    """loss = distance of f at neighbouring levels of a line (`consistency.function_and_target`)."""

    config: ConsistencyBaseConfig
    samplers = ("consistency",)
    takes: tuple[str, ...] = ("sampler", "steps", "label", "columns")

    def __init__(self, config: ConsistencyBaseConfig, model: nn.Module) -> None:
        super().__init__(config, model)
        self.scales = BoundaryScales(config.sigma_data, config.sigma_min)

    def teacher_denoiser(self, y: Tensor | None) -> Denoise:
        """(x, sigma) -> the teacher's x_0."""
        raise NotImplementedError

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        config = self.config
        count = levels_at(draws.step, config.first_levels, config.levels, config.double_every)
        grid = discrete_levels(count, config.sigma_min, config.sigma_max).to(batch.x.device)
        wanted = log_normal_levels(draws.stratified(), config.log_mean, config.log_spread)
        place = (torch.searchsorted(grid, wanted.to(grid)) - 1).clamp(0, count - 1)
        noise = draws.normal_like(batch.x)
        y = self.hidden_labels(batch, draws)
        step = self._teacher_step(y) if config.method == "distillation" else None
        network = self.told(y)
        return {"loss": consistency_loss(network, self.scales, batch.x, grid[place], grid[place + 1], noise, step)}

    def _teacher_step(self, y: Tensor | None) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        """One step of Heun's method along dx/dsigma = (x - D) / sigma."""
        denoise = self.teacher_denoiser(y)

        def step(x: Tensor, high: Tensor, low: Tensor) -> Tensor:
            shape = (-1, *(1,) * (x.ndim - 1))
            above, below = high.to(x.dtype), low.to(x.dtype)
            first = (x - denoise(x, above)) / above.view(shape)
            ahead = x + (below - above).view(shape) * first
            second = (ahead - denoise(ahead, below)) / below.view(shape)
            return x + (below - above).view(shape) * 0.5 * (first + second)

        return step

    def function(self, y: Tensor | None = None) -> Callable[[Tensor, Tensor], Tensor]:
        """f(x, sigma): the end of the line through x, sigma of shape (batch,)."""
        return self.scales.function(self.told(y))

    network_time = "250 log(sigma), with x divided by sqrt(sigma^2 + sigma_data^2)"

    def functions(self) -> dict[str, Function]:
        """The consistency function, for other programs."""
        return {"consistency": self.exported(self.function, ("sigma, the noise level of x",), "the end of the line")}

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        labels: Tensor | None = None,
        sampler: str = "consistency",
        steps: int | None = None,
        callback: Callable[[float, Tensor], None] | None = None,
    ) -> Tensor:
        """n samples in one step, or in several with noise in between; the first ones are the same whatever n.

        Args:
            labels: class of each sample, (n,), for conditional models.
            sampler: consistency.
            steps: how many; 1 by default.
        """
        config, count = self.config, 1 if steps is None else steps
        if sampler not in self.samplers:
            raise ValueError(f"sampler is {sampler!r}; a consistency model is sampled by {', '.join(self.samplers)}")
        if not 1 <= count <= _MOST_STEPS:
            raise ValueError(
                f"steps is {count}; a consistency model is sampled in 1 to {_MOST_STEPS} (more make it no better)"
            )
        draws = SampleDraws(generator, n)
        x = config.sigma_max * draws.normal(n, *self.shape()).to(next(self.parameters()).device)
        sigmas = discrete_levels(count, config.sigma_min, config.sigma_max).flip(0)[:-1].tolist()
        f = self.function(labels)
        return self.finished(multistep_consistency(f, x, sigmas, config.sigma_min, draws.noise, callback))


# -- images -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ConsistencyConfig(WithUNet, ConsistencyBaseConfig, kind="consistency"):
    """A consistency model on pixels with a U-Net; distilled, it begins with the weights of its teacher, an EDM."""

    stage = "teacher"

    label_drop: float = option(0.0, "Probability of hiding the class.", least=0, most=1)
    teacher_steps: int = option(3000, "Steps of the teacher's training.", group="Teacher", least=1)

    def teacher(self) -> EDMConfig:
        """The teacher's system: the same network on the same levels."""
        shared = {field.name for field in dataclasses.fields(EDMConfig)} - {"log_mean", "log_spread", "label_drop"}
        given = {name: getattr(self, name) for name in shared if hasattr(self, name)}
        return EDMConfig(log_mean=-0.67, **given)

    def first_stage(self) -> FirstStage | None:
        if self.method != "distillation":
            return None
        return FirstStage(self.teacher(), self.teacher_steps)

    def unused(self) -> dict[str, str]:
        return {} if self.method == "distillation" else {"teacher_steps": "--method training"}

    def build(self) -> ConsistencySystem:
        return ConsistencySystem(self)


class ConsistencySystem(ConsistencyBase):
    """A consistency model on pixels in [-1, 1]; a teacher travels with it, frozen."""

    config: ConsistencyConfig

    def __init__(self, config: ConsistencyConfig) -> None:
        super().__init__(config, UNet(config.network()))
        self.teacher: EDMSystem | None = None
        if config.method == "distillation":
            self.teacher = config.teacher().build()
            self.teacher.requires_grad_(False)

    def prepare(self, data: object, stage: TrainedStage | None) -> None:
        """Take the averaged teacher, and begin with its weights.

        Raises:
            ValueError: there is none, or it is another system than this one's teacher.
        """
        if self.teacher is None:
            return
        if stage is None:
            raise ValueError("distillation needs a trained teacher; train it first, or give one with --from")
        refuse_other_stage(stage, self.teacher.config)
        self.teacher.load_state_dict(stage.system.state_dict())
        self.model.load_state_dict(self.teacher.model.state_dict())

    def teacher_denoiser(self, y: Tensor | None) -> Denoise:
        assert self.teacher is not None
        self.teacher.eval()
        return self.teacher.denoiser(y)


# -- points -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MixtureConsistencyConfig(OnPoints, ConsistencyBaseConfig, kind="mixture_consistency"):
    """A consistency model on points with an MLP; its teacher is the exact denoiser of the law."""

    sigma_data: float = option(1.0, "Standard deviation of the data.", group="Noise levels", above=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.oracle()
        self.network()

    def network(self) -> MLPDenoiserConfig:
        return MLPDenoiserConfig(len(self.means[0]), self.width, self.depth, self.label_count)

    def oracle(self) -> MixtureOnPath:
        return MixtureOnPath(self.weights, self.means, self.variances, LevelPath(2 * self.sigma_max))

    @classmethod
    def small(cls) -> MixtureConsistencyConfig:
        return cls(2, 2, width=8, depth=1)

    def build(self) -> MixtureConsistencySystem:
        return MixtureConsistencySystem(self)


class MixtureConsistencySystem(PointsTold, ConsistencyBase):
    """A consistency model on points beside the truth: the law, and the end of every line."""

    config: MixtureConsistencyConfig
    takes: tuple[str, ...] = ("sampler", "steps", "label")

    def __init__(self, config: MixtureConsistencyConfig) -> None:
        super().__init__(config, MLPDenoiser(config.network()))
        self.oracle = config.oracle()

    def teacher_denoiser(self, y: Tensor | None) -> Denoise:
        return self.oracle.denoiser

    def jump(self, noise: Tensor, steps: int) -> Tensor:
        """Where one step takes a start; more steps than one are no function of it."""
        start = self.config.sigma_max * noise
        return self.function()(start, torch.full(noise.shape[:1], self.config.sigma_max, device=noise.device))

    def exact_jump(self, noise: Tensor) -> Tensor:
        """Where the exact flow takes it, by Heun's method in 200 steps."""
        levels = noise_levels(201, self.config.sigma_min, self.config.sigma_max)[:-1]
        return heun_with_churn(self.oracle.denoiser, self.config.sigma_max * noise, levels, lambda shape, i: noise)
