"""Cascades: a diffusion of small images, then one that makes large ones from them (Ho et al. 2022).

The second is trained on real small images and sees drawn ones later; noise and blur on its condition, of which it is
told how much noise, keep it from trusting every pixel of them (conditioning augmentation, section 4).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from torch_impl.denoiser.guidance import classifier_free
from torch_impl.networks import UNetConfig, build, drop_labels
from torch_impl.networks.upsampler import Upsampler
from torch_impl.pictures.album import Album
from torch_impl.random.draws import Draws, SampleDraws
from torch_impl.samplers import sample
from torch_impl.systems.config import FirstStage
from torch_impl.systems.ddpm import DDPMConfig, DiffusionSystem
from torch_impl.systems.stages import refuse_other_stage
from torch_impl.training.fields import option
from torch_impl.training.functions import Function, listed
from torch_impl.training.system import Batch, TrainedStage

__all__ = ["CascadeConfig", "CascadeSystem", "LowResolutionConfig", "blurred", "enlarged", "reduced"]


def reduced(x: Tensor, factor: int) -> Tensor:
    """Means over blocks of factor x factor pixels."""
    return F.avg_pool2d(x, factor)


def enlarged(x: Tensor, factor: int) -> Tensor:
    """Each pixel as a block of factor x factor pixels."""
    return x.repeat_interleave(factor, 2).repeat_interleave(factor, 3)


def blurred(x: Tensor, width: float) -> Tensor:
    """A Gaussian blur of that standard deviation in pixels, over 3 x 3 of them; the border is repeated."""
    line = torch.exp(-0.5 * torch.tensor([1.0, 0.0, 1.0], dtype=x.dtype, device=x.device) / width**2)
    line = line / line.sum()
    kernel = (line[:, None] * line[None, :]).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), kernel, groups=x.shape[1])


# -- small images -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LowResolutionConfig(DDPMConfig, kind="low_resolution"):
    """Diffusion on images averaged down by a factor."""

    factor: int = option(2, "How many times smaller a side is.", group="Cascade", least=2)

    def __post_init__(self) -> None:
        if self.image_size % self.factor:
            raise ValueError(f"factor is {self.factor}, which does not divide image_size = {self.image_size}")
        super().__post_init__()

    def network_config(self) -> Any:
        return self.network_for(self.image_size // self.factor, self.channels)

    @classmethod
    def small(cls) -> LowResolutionConfig:
        return cls(timesteps=20, widths=(8,), blocks=1)

    def build(self) -> LowResolutionSystem:
        return LowResolutionSystem(self)


class LowResolutionSystem(DiffusionSystem):
    """Diffusion on small images in [-1, 1]; samples are shown at full size, each pixel as a block."""

    config: LowResolutionConfig

    def __init__(self, config: LowResolutionConfig) -> None:
        super().__init__(config, build(config.network_config()))

    def shape(self) -> tuple[int, ...]:
        side = self.config.image_size // self.config.factor
        return (self.config.channels, side, side)

    def data(self, x: Tensor, draws: Draws) -> Tensor:
        return reduced(x, self.config.factor)

    def decode(self, x0: Tensor) -> Tensor:
        return enlarged(x0, self.config.factor)


# -- large ones -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CascadeConfig(DDPMConfig, kind="cascade"):
    """Diffusion from small images to large ones, with a U-Net; its base draws the small ones."""

    stage = "base"

    factor: int = option(2, "How many times smaller a side of the base's images is.", group="Cascade", least=2)
    augment: float = option(0.4, "Most noise on the small images in training.", group="Cascade", least=0, below=1)
    augment_sample: float = option(0.2, "Noise on them when sampling.", group="Cascade", least=0, below=1)
    blur: float = option(0.0, "Share of small images that are blurred in training.", group="Cascade", least=0, most=1)
    base_widths: tuple[int, ...] = option((32, 64), "Widths of the base's U-Net, a level each.", group="Base")
    base_attention: tuple[int, ...] = option((), "Sides, in pixels, at which it has attention.", group="Base")
    base_steps: int = option(3000, "Steps of its training.", group="Base", least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.network != "unet":
            raise ValueError(f"network is {self.network!r}; the network that enlarges images is a unet")
        if self.variance == "learned":
            raise ValueError("variance 'learned' is not made for cascades; use --variance posterior or beta")
        if self.augment_sample > self.augment:
            raise ValueError(
                f"augment_sample is {self.augment_sample}; it must be at most augment = {self.augment}, the most noise "
                "that training shows"
            )
        self.base()

    def base(self) -> LowResolutionConfig:
        """The system that draws small images."""
        shared = {field.name: getattr(self, field.name) for field in dataclasses.fields(DDPMConfig)}
        changed = {"widths": self.base_widths, "attention": self.base_attention, "factor": self.factor}
        return LowResolutionConfig(**{**shared, **changed})

    def first_stage(self) -> FirstStage:
        return FirstStage(self.base(), self.base_steps)

    @classmethod
    def small(cls) -> CascadeConfig:
        return cls(timesteps=20, widths=(8,), blocks=1, base_widths=(8,), base_steps=2)

    def build(self) -> CascadeSystem:
        return CascadeSystem(self)


class CascadeSystem(DiffusionSystem):
    """loss = squared error of the prediction for the large image, given the small one (`ddpm.loss.simple`)."""

    config: CascadeConfig

    def __init__(self, config: CascadeConfig) -> None:
        network = config.network_config()
        assert isinstance(network, UNetConfig)
        super().__init__(config, Upsampler(network))
        self.base = config.base().build().requires_grad_(False)

    def prepare(self, data: object, stage: TrainedStage | None) -> None:
        """Take the averaged base.

        Raises:
            ValueError: there is none, or it is another system than this one's base.
        """
        if stage is None:
            raise ValueError("a cascade needs a trained base; train it first, or give one with --from")
        refuse_other_stage(stage, self.config.base(), "base")
        self.base.load_state_dict(stage.system.state_dict())

    def functions(self) -> dict[str, Function]:
        """The denoiser of small images and that of large ones given these, for other programs."""
        config, shape = self.config, self.shape()
        own = super().functions()["denoiser"]
        inputs = (*own.inputs, torch.zeros(2, *shape), torch.zeros(2))
        given = f"small images at full size with noise (`condition`), float32 (batch, {listed(shape)})"
        takes = (*own.takes, given, f"how much noise, float32 (batch,), 0..{config.augment:g}")

        def enlarge(x: Tensor, t: Tensor, *rest: Tensor) -> Tensor:
            y = rest[0] if config.conditional else None
            out: Tensor = self.model(x, t, y, *rest[-2:])
            return out

        return {
            "base": self.base.functions()["denoiser"],
            "enlarger": Function(enlarge, (self.model,), inputs, takes, own.gives),
        }

    def condition(self, low: Tensor, level: Tensor, noise: Tensor) -> Tensor:
        """Small images at full size, with noise of a level (batch,) each; their own variance is kept."""
        size = level.to(low.dtype).view(-1, 1, 1, 1)
        return (1 - size.square()).sqrt() * enlarged(low, self.config.factor) + size * noise

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        config, n = self.config, len(batch.x)
        t, noise = draws.timesteps(self.diffusion.T, config.stratified), draws.normal_like(batch.x)
        y = batch.y
        if config.conditional:
            if y is None:
                raise ValueError("the batch has no labels; a conditional model needs them: train with --unconditional")
            y = drop_labels(y, config.label_drop, self.null_label, draws.uniform(n))
        low = reduced(batch.x, config.factor)
        if config.blur:
            chosen = (draws.uniform(n) < config.blur).view(-1, 1, 1, 1)
            low = torch.where(chosen, blurred(low, 0.5), low)
        level = config.augment * draws.uniform(n)
        given = self.condition(low, level, draws.normal_like(batch.x))
        predict = self.enlarger(given, level, y)
        return {"loss": self.diffusion.loss(predict, batch.x, t, noise, config.weighting)}

    def enlarger(
        self, given: Tensor, level: Tensor, y: Tensor | None, guidance: float = 1.0
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """(x_t, t) -> prediction, given small images with noise of a level, and labels with a weight of guidance."""
        if not self.config.conditional:
            return lambda x, t: self.model(x, t, None, given, level)
        labels = torch.full_like(given[:, 0, 0, 0], self.null_label, dtype=torch.int64) if y is None else y

        def asked(x: Tensor, t: Tensor, told: Tensor) -> Tensor:
            times = len(x) // len(given)  # guidance asks twice at once
            out: Tensor = self.model(x, t, told, given.repeat(times, 1, 1, 1), level.repeat(times))
            return out

        if y is None or guidance == 1.0:
            return lambda x, t: asked(x, t, labels)
        return classifier_free(asked, labels, torch.full_like(labels, self.null_label), guidance)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        callback: Callable[[int, Tensor], None] | None = None,
        progress: bool = False,
        **options: Any,
    ) -> Tensor:
        """n images by the base and what enlarges them, both with the options of `DiffusionSystem.sample`.

        The first ones are the same whatever n.
        """
        small = reduced(self.base.sample(n, generator, **options), self.config.factor)
        return self.enlarge(small, generator, callback=callback, progress=progress, **options)

    @torch.no_grad()
    def enlarge(
        self,
        low: Tensor,
        generator: torch.Generator,
        *,
        labels: Tensor | None = None,
        guidance: float = 1.0,
        sampler: str = "ddim",
        steps: int | None = None,
        clip: bool | None = None,
        callback: Callable[[int, Tensor], None] | None = None,
        progress: bool = False,
        **options: Any,
    ) -> Tensor:
        """Large images from small ones, with the noise on these that the config asks for."""
        n, draws = len(low), SampleDraws(generator, len(low))
        noise = draws.normal(n, *self.shape()).to(low)
        level = torch.full((n,), self.config.augment_sample, device=low.device)
        given = self.condition(low, level, draws.normal(n, *self.shape()).to(low))
        steps = steps if steps is not None else self.diffusion.T if sampler == "ddpm" else min(self.diffusion.T, 50)
        return sample(
            self.enlarger(given, level, labels, guidance),
            self.diffusion,
            noise,
            method=sampler,
            timesteps=self.times(steps),
            clip_x0=self.clips if clip is None else clip,
            rederive_eps=self.clips if clip is None else clip,
            noise_fn=draws.noise,
            callback=callback,
            progress=progress,
            **options,
        )

    def reconstructed(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Images made small, and large again."""
        return self.enlarge(reduced(x, self.config.factor), generator)

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        super().portraits(album, held_out)
        if held_out is not None:
            x = held_out.x[:20]
            album.pairs("enlarged", x, self.reconstructed(x, album.generator()))
