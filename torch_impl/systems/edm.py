"""EDM on images: noise levels instead of times, a network kept at unit variance, Heun's method with churn."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from torch_impl.denoiser.preconditioning import Preconditioning
from torch_impl.distributions.gaussian import gaussian_log_prob, sum_dims
from torch_impl.networks import UNet
from torch_impl.objectives.edm import edm_loss, log_normal_levels
from torch_impl.random.draws import Draws, SampleDraws
from torch_impl.samplers.edm import SOLVERS, heun_with_churn, noise_levels
from torch_impl.samplers.runge_kutta import probed_log_density, solver
from torch_impl.systems.shared import WithUNet
from torch_impl.systems.told import ToldSystem
from torch_impl.training.fields import option
from torch_impl.training.functions import Function
from torch_impl.training.system import Batch

__all__ = ["EDMConfig", "EDMSystem"]


@dataclass(frozen=True)
class EDMConfig(WithUNet, kind="edm"):
    """EDM with a U-Net; `sigma_data` is the standard deviation of the data."""

    sigma_data: float = option(0.5, "Standard deviation of the data.", group="Noise levels", above=0)
    log_mean: float = option(-1.2, "Mean of the logarithm of a noise level in training.", group="Noise levels")
    log_spread: float = option(1.2, "Its standard deviation.", group="Noise levels", above=0)
    sigma_min: float = option(0.002, "Least noise level when sampling.", group="Noise levels", above=0)
    sigma_max: float = option(80.0, "Largest one, where sampling starts.", group="Noise levels", above=0)
    rho: float = option(7.0, "How much closer levels lie where there is little noise.", group="Noise levels", above=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sigma_min >= self.sigma_max:
            raise ValueError(f"sigma_min is {self.sigma_min}; it must be less than sigma_max = {self.sigma_max}")

    def build(self) -> EDMSystem:
        return EDMSystem(self)


class EDMSystem(ToldSystem):
    """loss = squared error of the preconditioned network, mean over elements (`edm.preconditioning`)."""

    config: EDMConfig

    def __init__(self, config: EDMConfig) -> None:
        super().__init__(config, UNet(config.network()))
        self.scales = Preconditioning(config.sigma_data)

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        sigma = log_normal_levels(draws.stratified(), self.config.log_mean, self.config.log_spread)
        noise = draws.normal_like(batch.x)
        network = self.told(self.hidden_labels(batch, draws))
        return {"loss": edm_loss(network, self.scales, batch.x, sigma, noise)}

    def denoiser(self, y: Tensor | None = None, guidance: float = 1.0) -> Callable[[Tensor, Tensor], Tensor]:
        """(x, sigma) -> predicted x_0, sigma of shape (batch,)."""
        network = self.told(y, guidance)

        def predict(x: Tensor, sigma: Tensor) -> Tensor:
            level = sigma.view(-1, *(1,) * (x.ndim - 1))
            output = network(self.scales.into(level) * x, self.scales.noise(sigma))
            return self.scales.skip(level) * x + self.scales.out(level) * output

        return predict

    network_time = "250 log(sigma), with x divided by sqrt(sigma^2 + sigma_data^2)"

    def functions(self) -> dict[str, Function]:
        """The denoiser, for other programs."""
        return {"denoiser": self.exported(self.denoiser, ("sigma, the noise level of x",), "x_0")}

    samplers = tuple(row.name for row in SOLVERS)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        labels: Tensor | None = None,
        guidance: float = 1.0,
        sampler: str = "edm_heun",
        steps: int | None = None,
        churn: float = 0.0,
        callback: Callable[[float, Tensor], None] | None = None,
    ) -> Tensor:
        """n samples in [-1, 1]; the first ones are the same whatever n.

        Args:
            labels: class of each sample, (n,), for conditional models.
            guidance: w of classifier-free guidance.
            sampler: edm_heun.
            steps: how many; 18 by default, as in the paper.
            churn: noise added back on the way.
        """
        if sampler not in self.samplers:
            raise ValueError(f"sampler is {sampler!r}; EDM is sampled by {', '.join(self.samplers)}")
        config, draws = self.config, SampleDraws(generator, n)
        device = next(self.parameters()).device
        x = config.sigma_max * draws.normal(n, *self.shape()).to(device)
        sigmas = noise_levels(18 if steps is None else steps, config.sigma_min, config.sigma_max, config.rho)
        predict = self.denoiser(labels, guidance)
        return heun_with_churn(predict, x, sigmas, draws.noise, churn=churn, callback=callback).clamp(-1, 1)

    def flow_log_density(self, batch: Batch, steps: int, signs: Tensor) -> Tensor:
        """log p(x) of images, told their labels, nats, one for each probe of the trace: (probes, batch).

        From the least noise level to the largest, where the law is taken to be N(0, sigma_max^2).
        """
        config, predict = self.config, self.denoiser(batch.y if self.config.conditional else None)

        def field(x: Tensor, sigma: Tensor) -> Tensor:
            return (x - predict(x, sigma)) / sigma.view(-1, *(1,) * (x.ndim - 1))

        def at_end(x: Tensor) -> Tensor:
            return sum_dims(gaussian_log_prob(x, 0.0, 2 * math.log(config.sigma_max)))

        levels = noise_levels(steps + 1, config.sigma_min, config.sigma_max, config.rho)[-2::-1]
        return probed_log_density(field, batch.x, levels, solver("rk4"), at_end, signs)
