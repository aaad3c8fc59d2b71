"""EDM on images: noise levels instead of times, a network kept at unit variance, Heun's method with churn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from torch_impl.denoiser.guidance import classifier_free
from torch_impl.denoiser.preconditioning import Preconditioning
from torch_impl.networks import UNet, drop_labels
from torch_impl.objectives.edm import edm_loss, log_normal_levels
from torch_impl.pictures.album import Album
from torch_impl.pictures.images import save_images
from torch_impl.random.draws import Draws, SampleDraws
from torch_impl.samplers.edm import SOLVERS, heun_with_churn, noise_levels
from torch_impl.systems.shared import WithUNet
from torch_impl.training.fields import option
from torch_impl.training.system import Batch, System

__all__ = ["EDMConfig", "EDMSystem"]

_CLOCK = 1000.0  # networks are told 1000 c_noise: their time embedding is made for such numbers


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


class EDMSystem(System):
    """loss = squared error of the preconditioned network, mean over elements (`planned:edm.preconditioning`)."""

    def __init__(self, config: EDMConfig) -> None:
        super().__init__()
        config.check_labels()
        self.config = config
        self.model = UNet(config.network())
        self.scales = Preconditioning(config.sigma_data)

    def networks(self) -> Sequence[nn.Module]:
        return [self.model]

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        config, y = self.config, batch.y
        sigma = log_normal_levels(draws.stratified(), config.log_mean, config.log_spread)
        noise = draws.normal_like(batch.x)
        if config.conditional:
            if y is None:
                raise ValueError("the batch has no labels; a conditional model needs them: train with --unconditional")
            assert config.classes is not None
            y = drop_labels(y, config.label_drop, config.classes, draws.uniform(len(y)))
        return {"loss": edm_loss(self._network(y), self.scales, batch.x, sigma, noise)}

    def _asked(self, x: Tensor, clock: Tensor, y: Tensor | None = None) -> Tensor:
        out: Tensor = self.model(x, (_CLOCK * clock).to(x.dtype), *(() if y is None else (y,)))
        return out

    def _network(self, y: Tensor | None, guidance: float = 1.0) -> Callable[[Tensor, Tensor], Tensor]:
        """F(c_in x, c_noise) for labels, with a weight of guidance."""
        if not self.config.conditional:
            if guidance != 1.0:
                raise ValueError(
                    "this model is unconditional; leave out --label and --guidance, or train with --conditional"
                )
            return lambda x, clock: self._asked(x, clock)
        null = self.config.classes
        assert null is not None
        if y is None:
            return lambda x, clock: self._asked(x, clock, torch.full(x.shape[:1], null, device=x.device))
        if guidance == 1.0:
            return lambda x, clock: self._asked(x, clock, y)
        return classifier_free(self._asked, y, torch.full_like(y, null), guidance)

    def denoiser(self, y: Tensor | None = None, guidance: float = 1.0) -> Callable[[Tensor, Tensor], Tensor]:
        """(x, sigma) -> predicted x_0, sigma of shape (batch,)."""
        network = self._network(y, guidance)

        def predict(x: Tensor, sigma: Tensor) -> Tensor:
            level = sigma.view(-1, *(1,) * (x.ndim - 1))
            output = network(self.scales.into(level) * x, self.scales.noise(sigma))
            return self.scales.skip(level) * x + self.scales.out(level) * output

        return predict

    takes: tuple[str, ...] = ("sampler", "steps", "guidance", "label", "columns")
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
        shape = (n, config.channels, config.image_size, config.image_size)
        x = config.sigma_max * draws.normal(*shape).to(device)
        sigmas = noise_levels(18 if steps is None else steps, config.sigma_min, config.sigma_max, config.rho)
        predict = self.denoiser(labels, guidance)
        return heun_with_churn(predict, x, sigmas, draws.noise, churn=churn, callback=callback).clamp(-1, 1)

    def sample_labels(self, n: int) -> Tensor | None:
        """Classes in turn, for pictures."""
        if not self.config.conditional or self.config.classes is None:
            return None
        return torch.arange(n, device=next(self.parameters()).device) % self.config.classes

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        hidden = self.config.conditional and 0 < self.config.label_drop < 1
        for guidance in (1.0, 2.0) if hidden else (1.0,):
            name = f"samples-guidance-{guidance:g}" if self.config.conditional else "samples"
            drawn = self.sample(80, album.generator(), labels=self.sample_labels(80), guidance=guidance)
            album.images(name, drawn)

    def preview(self, path: Path, seed: int) -> None:
        columns = self.config.classes if self.config.conditional and (self.config.classes or 99) <= 16 else 8
        n = 8 * (columns or 8)
        generator = torch.Generator(next(self.parameters()).device).manual_seed(seed)
        save_images(path, self.sample(n, generator, labels=self.sample_labels(n)), columns)
