"""Score models of the VP, sub-VP and VE stochastic differential equations, on images and on mixtures.

One network names the noise at every time of a path; every sampler of continuous time, the probability flow and its
likelihood are had from it (Song et al. 2021b).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from torch_impl.distributions.gaussian import gaussian_log_prob, sum_dims
from torch_impl.networks import MLPDenoiser, MLPDenoiserConfig, UNet
from torch_impl.objectives.score_matching import score_matching_loss
from torch_impl.oracle.on_path import MixtureOnPath
from torch_impl.process.paths import GeometricRate, LinearRate, Path
from torch_impl.random.draws import Draws, SampleDraws
from torch_impl.samplers.continuous import (
    annealed_langevin,
    denoised,
    even_log_snr_times,
    flow_field,
    predict_and_correct,
    reverse_sde,
    start,
)
from torch_impl.samplers.runge_kutta import (
    SOLVERS,
    TOLERANCE,
    adaptive,
    integrate,
    log_density,
    probed_log_density,
    solver,
)
from torch_impl.systems.config import SystemConfig
from torch_impl.systems.shared import OnPoints, WithUNet
from torch_impl.systems.told import PointsTold, ToldSystem
from torch_impl.training.fields import option
from torch_impl.training.functions import Function
from torch_impl.training.system import Batch

__all__ = ["MixtureSDEConfig", "MixtureSDESystem", "SDEBase", "SDEBaseConfig", "SDEConfig", "SDESystem"]

_STOCHASTIC: dict[str, Callable[..., Tensor]] = {
    "euler_maruyama": reverse_sde,
    "predictor_corrector": predict_and_correct,
    "langevin": annealed_langevin,
}


@dataclass(frozen=True)
class SDEBaseConfig(SystemConfig):
    """What score models on images and on points share: the equation, the least noise, the weight of errors."""

    sde: Literal["vp", "subvp", "ve"] = option("vp", "Stochastic differential equation.", group="SDE")
    sigma_min: float = option(0.01, "Least noise over signal; what is below it is taken away in one step.", group="SDE")
    sigma_max: float = option(50.0, "Largest noise of the VE equation.", group="SDE", above=0)
    weighting: Literal["simple", "likelihood"] = option("simple", "Weight of errors over time.", group="SDE")
    conditional: bool = option(False, "Tell the model the class, or not.", flag="--conditional/--unconditional")
    label_drop: float = option(0.1, "Probability of hiding the class, for guidance.", least=0, most=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.sigma_min < 1:
            raise ValueError(f"sigma_min is {self.sigma_min}; it must lie in (0, 1), for example 0.01")
        if self.sigma_max <= 1:
            raise ValueError(f"sigma_max is {self.sigma_max}; it must be more than 1, the size of the data")

    def unused(self) -> dict[str, str]:
        return {} if self.sde == "ve" else {"sigma_max": f"--sde {self.sde}"}

    def path(self) -> Path:
        if self.sde == "ve":
            return GeometricRate(self.sigma_min, self.sigma_max).path("ve")
        return LinearRate().path("vp" if self.sde == "vp" else "sub_vp")

    @property
    def label_count(self) -> int | None:
        """Classes the network is told of."""
        return self.classes if self.conditional else None


class SDEBase(ToldSystem):
    """loss = weighted squared error of the predicted noise, mean over elements (`score.dsm.theorem`)."""

    config: SDEBaseConfig
    samplers: tuple[str, ...] = (*_STOCHASTIC, *(row.name for row in SOLVERS))
    """The first three solve the reverse SDE, the others its probability flow."""
    first_choice = "predictor_corrector"

    def __init__(self, config: SDEBaseConfig, model: nn.Module) -> None:
        super().__init__(config, model)
        self.path = config.path()
        self.earliest = even_log_snr_times(self.path, 1, config.sigma_min)[-1]

    def times(self, draws: Draws) -> Tensor:
        """The times of a batch, uniform from the first with noise to the end, float64."""
        return self.earliest + (self.path.T - self.earliest) * draws.stratified()

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        t, noise = self.times(draws), draws.normal_like(batch.x)
        model = self.noise_model(self.hidden_labels(batch, draws))
        return {"loss": score_matching_loss(model, self.path, batch.x, t, noise, self.config.weighting)}

    def noise_model(self, y: Tensor | None = None, guidance: float = 1.0) -> Callable[[Tensor, Tensor], Tensor]:
        """(x, t) -> predicted noise, t (batch,); the network sees x / sqrt(alpha^2 + sigma^2)."""
        network = self.told(y, guidance)

        def model(x: Tensor, t: Tensor) -> Tensor:
            at = self.path.at(t.double())
            scale = (at.alpha.square() + at.sigma.square()).rsqrt().to(x)
            return network(x * scale.view(-1, *(1,) * (x.ndim - 1)), t)

        return model

    def functions(self) -> dict[str, Function]:
        """The predicted noise, for other programs; the score is minus it over sigma(t)."""
        return {"noise": self.exported(self.noise_model, (f"t in [0, {self.path.T:g}]",), "the noise in x")}

    def ladder(self, steps: int) -> list[float]:
        """The times of a sampler."""
        return even_log_snr_times(self.path, steps, self.config.sigma_min)

    def at_end(self, x: Tensor) -> Tensor:
        """log-density of the law that sampling starts from, N(0, sigma(T)^2), nats, (batch,)."""
        return sum_dims(gaussian_log_prob(x, 0.0, 2 * math.log(float(self.path.at(self.path.T).sigma))))

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        labels: Tensor | None = None,
        guidance: float = 1.0,
        sampler: str | None = None,
        steps: int | None = None,
        tolerance: float | None = None,
        callback: Callable[[float, Tensor], None] | None = None,
        **options: Any,
    ) -> Tensor:
        """n samples; the first ones are the same whatever n, those of dopri5 within what its tolerance leaves.

        Args:
            labels: class of each sample, (n,), for conditional models.
            guidance: w of classifier-free guidance.
            sampler: euler_maruyama, predictor_corrector or langevin for the SDE, a solver for its probability flow.
            steps: how many, evenly in log(alpha / sigma); 200 by default.
            options: langevin_count and langevin_size of the samplers that have them.
        """
        name = sampler or self.first_choice
        if name not in self.samplers:
            raise ValueError(f"sampler is {name!r}; a score model is sampled by {', '.join(self.samplers)}")
        draws = SampleDraws(generator, n)
        x = start(self.path, draws.normal(n, *self.shape()).to(next(self.parameters()).device))
        model, times = self.noise_model(labels, guidance), self.ladder(200 if steps is None else steps)
        if name in _STOCHASTIC:
            if tolerance is not None:
                raise ValueError(f"tolerance is {tolerance:g}, and {name} takes a fixed number of steps; leave it out")
            run = _STOCHASTIC[name]
            return self.finished(run(model, self.path, x, times, draws.noise, callback=callback, **options))
        if options:
            raise TypeError(f"sampler {name!r} does not take {', '.join(map(repr, options))}")
        field, method = flow_field(model, self.path), solver(name)
        if method.embedded and steps is None:
            limit = TOLERANCE if tolerance is None else tolerance
            x = adaptive(field, x, self.path.T, times[-1], limit, callback)
        elif tolerance is not None:
            raise ValueError(f"tolerance is {tolerance:g}, and {name} takes a fixed number of steps; leave it out")
        else:
            x = integrate(field, x, times, method, callback)
        return self.finished(denoised(model, self.path, x, times[-1]))


# -- images -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SDEConfig(WithUNet, SDEBaseConfig, kind="sde"):
    """A score model on pixels with a U-Net."""

    def build(self) -> SDESystem:
        return SDESystem(self)


class SDESystem(SDEBase):
    """A score model on pixels in [-1, 1]."""

    def __init__(self, config: SDEConfig) -> None:
        super().__init__(config, UNet(config.network()))

    def flow_log_density(self, batch: Batch, steps: int, signs: Tensor) -> Tensor:
        """log p(x) of images, told their labels, nats, one for each probe of the trace: (probes, batch)."""
        field = flow_field(self.noise_model(batch.y if self.config.conditional else None), self.path)
        return probed_log_density(field, batch.x, self.ladder(steps)[::-1], solver("rk4"), self.at_end, signs)


# -- points -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MixtureSDEConfig(OnPoints, SDEBaseConfig, kind="mixture_sde"):
    """A score model on points of the plane with an MLP; the law is part of the config."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.oracle()
        self.network()

    def network(self) -> MLPDenoiserConfig:
        return MLPDenoiserConfig(len(self.means[0]), self.width, self.depth, self.label_count)

    def oracle(self) -> MixtureOnPath:
        return MixtureOnPath(self.weights, self.means, self.variances, self.path())

    @classmethod
    def small(cls) -> MixtureSDEConfig:
        return cls(2, 2, width=8, depth=1)

    def build(self) -> MixtureSDESystem:
        return MixtureSDESystem(self)


class MixtureSDESystem(PointsTold, SDEBase):
    """A score model on points with its oracle: the best loss, the score and the density are known exactly."""

    config: MixtureSDEConfig
    oracle: MixtureOnPath

    def __init__(self, config: MixtureSDEConfig) -> None:
        super().__init__(config, MLPDenoiser(config.network()))
        self.oracle = config.oracle()
        self._best: float | None = None

    def best_loss(self) -> float | None:
        """The least loss that any network could reach; by Gauss-Legendre quadrature over the times."""
        if self._best is None and not self.config.conditional and self.config.weighting == "simple":
            nodes, weights = np.polynomial.legendre.leggauss(64)
            times = self.earliest + (self.path.T - self.earliest) * 0.5 * (nodes + 1)
            self._best = self.oracle.least_noise_error(times, 0.5 * weights)
        return self._best

    def oracle_loss(self, batch: Batch, draws: Draws) -> Tensor:
        """The loss of the exact noise on the draws that the model had."""
        t, noise = self.times(draws), draws.normal_like(batch.x)
        return score_matching_loss(self.oracle.noise, self.path, batch.x, t, noise, self.config.weighting)

    def log_density(self, x: Tensor, steps: int) -> tuple[Tensor, str]:
        """log p(x) by the probability flow with exact divergence, nats, (batch,); and how, in words."""
        field, times = flow_field(self.noise_model(), self.path), self.ladder(steps)[::-1]
        found = log_density(field, x, times, solver("rk4"), self.at_end)
        return found, f"probability flow from sigma = {self.config.sigma_min:g}, {steps} steps of rk4"
