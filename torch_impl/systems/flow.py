"""Flow matching on images and on mixtures: a velocity learned along a path from noise to data, an ODE to sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from torch_impl.distributions.gaussian import gaussian_log_prob, sum_dims
from torch_impl.networks import MLPDenoiser, MLPDenoiserConfig, UNet
from torch_impl.objectives.flow_matching import TimeLaw, flow_matching_loss, flow_times, transport_coupling
from torch_impl.oracle.on_path import MixtureOnPath
from torch_impl.process.paths import CosinePath, StraightPath
from torch_impl.random.draws import Draws, SampleDraws
from torch_impl.samplers.runge_kutta import (
    SOLVERS,
    TOLERANCE,
    adaptive,
    integrate,
    log_density,
    probed_log_density,
    solver,
)
from torch_impl.samplers.times import even_times
from torch_impl.systems.config import SystemConfig
from torch_impl.systems.shared import OnPoints, WithUNet
from torch_impl.systems.told import PointsTold, ToldSystem
from torch_impl.training.fields import option
from torch_impl.training.functions import Function
from torch_impl.training.system import Batch

__all__ = ["FlowConfig", "FlowSystem", "MixtureFlowConfig", "MixtureFlowSystem"]

Velocity = Callable[[Tensor, Tensor], Tensor]
_PATHS = {"linear": StraightPath(), "cosine": CosinePath()}


@dataclass(frozen=True)
class FlowBaseConfig(SystemConfig):
    """What flows on images and on points share: the path, the coupling, the law of the times."""

    path: Literal["linear", "cosine"] = option("linear", "Path from data to noise.", group="Flow")
    coupling: Literal["independent", "transport"] = option(
        "independent", "Which noise belongs to which example: any, or the nearest within a batch.", group="Flow"
    )
    times: Literal["uniform", "logit_normal"] = option("uniform", "Law of the times in training.", group="Flow")
    conditional: bool = option(False, "Tell the model the class, or not.", flag="--conditional/--unconditional")
    label_drop: float = option(0.1, "Probability of hiding the class, for guidance.", least=0, most=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.coupling == "transport" and self.conditional:
            raise ValueError(
                "coupling 'transport' pairs noise with examples of any class, so that given the class it would not be "
                "normal; train with --unconditional, or --coupling independent"
            )

    @property
    def label_count(self) -> int | None:
        """Classes the network is told of."""
        return self.classes if self.conditional else None


class FlowBase(ToldSystem):
    """loss = mean squared error of the velocity, mean over elements (`path.velocity_views`)."""

    config: FlowBaseConfig

    def __init__(self, config: FlowBaseConfig, model: nn.Module) -> None:
        super().__init__(config, model)
        self.path = _PATHS[config.path]

    def drawn(self, batch: Batch, draws: Draws) -> tuple[Tensor, Tensor]:
        """Times and noise of a batch."""
        law: TimeLaw = self.config.times
        t, noise = flow_times(draws.stratified(), law), draws.normal_like(batch.x)
        if self.config.coupling == "transport":
            noise = transport_coupling(batch.x, noise, min(128, draws.block_size))
        return t, noise

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        t, noise = self.drawn(batch, draws)
        velocity = self.velocity(self.hidden_labels(batch, draws))
        return {"loss": flow_matching_loss(velocity, self.path, batch.x, t, noise)}

    def velocity(self, y: Tensor | None = None, guidance: float = 1.0) -> Velocity:
        """(x, t) -> dx/dt, t real (batch,); for labels, with a weight of classifier-free guidance.

        Raises:
            ValueError: guidance or labels for an unconditional model.
        """
        return self.told(y, guidance)

    def functions(self) -> dict[str, Function]:
        """The velocity, for other programs."""
        return {"velocity": self.exported(self.velocity, ("t in [0, 1], from data to noise",), "dx/dt")}

    samplers = tuple(row.name for row in SOLVERS)
    """The solvers by which samples can be drawn; the first choice is heun."""

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        labels: Tensor | None = None,
        guidance: float = 1.0,
        sampler: str = "heun",
        steps: int | None = None,
        tolerance: float | None = None,
        callback: Callable[[float, Tensor], None] | None = None,
    ) -> Tensor:
        """n samples; the first ones are the same whatever n, those of dopri5 within what its tolerance leaves.

        Args:
            labels: class of each sample, (n,), for conditional models.
            guidance: w of classifier-free guidance.
            sampler: a solver; dopri5 chooses its steps by the tolerance, or takes as many as are asked for.
            steps: how many, evenly in time; 50 by default.
        """
        device = next(self.parameters()).device
        x = SampleDraws(generator, n).normal(n, *self.shape()).to(device)
        field, method = self.velocity(labels, guidance), solver(sampler)
        if method.embedded and steps is None:
            limit = TOLERANCE if tolerance is None else tolerance
            return self.finished(adaptive(field, x, self.path.T, 0.0, limit, callback))
        if tolerance is not None:
            raise ValueError(
                f"tolerance is {tolerance:g}, and {sampler} takes a fixed number of steps; leave it out, or use "
                "--sampler dopri5 without --steps"
            )
        return self.finished(integrate(field, x, even_times(self.path.T, steps or 50), method, callback))


def standard_normal(x: Tensor) -> Tensor:
    """log N(x; 0, I), nats, (batch,)."""
    return sum_dims(gaussian_log_prob(x, 0.0, 0.0))


# -- images -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FlowConfig(WithUNet, FlowBaseConfig, kind="flow"):
    """A flow on pixels with a U-Net."""

    def build(self) -> FlowSystem:
        return FlowSystem(self)


class FlowSystem(FlowBase):
    """A flow on pixels in [-1, 1]."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__(config, UNet(config.network()))

    def flow_log_density(self, batch: Batch, steps: int, signs: Tensor) -> Tensor:
        """log p(x) of images, told their labels, nats, one for each probe of the trace: (probes, batch)."""
        field, times = self.velocity(batch.y if self.config.conditional else None), even_times(self.path.T, steps)
        return probed_log_density(field, batch.x, times[::-1], solver("rk4"), standard_normal, signs)


# -- points -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MixtureFlowConfig(OnPoints, FlowBaseConfig, kind="mixture_flow"):
    """A flow on points of the plane with an MLP; the law is part of the config."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.oracle()
        self.network()

    def network(self) -> MLPDenoiserConfig:
        return MLPDenoiserConfig(len(self.means[0]), self.width, self.depth, self.label_count)

    def oracle(self) -> MixtureOnPath:
        return MixtureOnPath(self.weights, self.means, self.variances, _PATHS[self.path])

    @classmethod
    def small(cls) -> MixtureFlowConfig:
        return cls(2, 2, width=8, depth=1)

    def build(self) -> MixtureFlowSystem:
        return MixtureFlowSystem(self)


class MixtureFlowSystem(PointsTold, FlowBase):
    """A flow on points with its oracle: the best velocity, the least loss and the density are known exactly."""

    config: MixtureFlowConfig
    oracle: MixtureOnPath

    def __init__(self, config: MixtureFlowConfig) -> None:
        super().__init__(config, MLPDenoiser(config.network()))
        self.oracle = config.oracle()
        self._best: float | None = None

    def best_loss(self) -> float | None:
        """The least loss that any network could reach; by Gauss-Legendre quadrature over the law of the times."""
        config = self.config
        if self._best is None and config.coupling == "independent" and not config.conditional:
            nodes, weights = np.polynomial.legendre.leggauss(64)
            times = flow_times(torch.from_numpy(0.5 * (nodes + 1)), config.times).numpy()
            self._best = self.oracle.least_velocity_error(times, 0.5 * weights)
        return self._best

    def oracle_loss(self, batch: Batch, draws: Draws) -> Tensor:
        """The loss of the exact velocity on the draws that the model had."""
        t, noise = self.drawn(batch, draws)
        return flow_matching_loss(self.oracle.field, self.path, batch.x, t, noise)

    def log_density(self, x: Tensor, steps: int) -> tuple[Tensor, str]:
        """log p(x) by the flow with exact divergence, nats, (batch,); and how, in words."""
        times = even_times(self.path.T, steps)[::-1]
        found = log_density(self.velocity(), x, times, solver("rk4"), standard_normal)
        return found, f"flow, {steps} steps of rk4"
