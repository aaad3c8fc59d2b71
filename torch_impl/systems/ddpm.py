"""Diffusion on images, unconditional or conditional on a class with classifier-free guidance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from torch_impl.denoiser.guidance import classifier_free, classifier_guidance
from torch_impl.diffusion import GaussianDiffusion
from torch_impl.networks import DiTConfig, UNetConfig, build, drop_labels
from torch_impl.pictures.album import Album
from torch_impl.pictures.images import save_images
from torch_impl.random.draws import Draws, SampleDraws
from torch_impl.samplers import sample
from torch_impl.samplers import sampler as sampler_row
from torch_impl.samplers.times import spaced_timesteps
from torch_impl.systems.chain import ChainConfig
from torch_impl.systems.floor import training_set_floor
from torch_impl.systems.levels import unet_levels
from torch_impl.training.fields import option
from torch_impl.training.functions import Function, of_images
from torch_impl.training.system import Batch, System, TrainedStage

__all__ = ["DDPMConfig", "DDPMSystem", "DiffusionConfig", "DiffusionSystem"]


@dataclass(frozen=True)
class DiffusionConfig(ChainConfig, kind="diffusion"):
    """What all diffusion systems share: the chain, prediction, weights of errors, what is conditioned on."""

    prediction: Literal["eps", "x0", "v", "score"] = option("eps", "What the network predicts.", group="Diffusion")
    weighting: Literal["simple", "vlb", "min_snr", "hybrid"] = option(
        "simple", "Weight of its errors over t.", group="Diffusion"
    )
    variance: Literal["posterior", "beta", "learned"] = option(
        "posterior", "Variance of the reverse steps.", group="Diffusion"
    )
    stratified: bool = option(True, "Spread the times of a batch evenly.", group="Diffusion")
    conditional: bool = option(False, "Tell the model the class, or not.", flag="--conditional/--unconditional")
    label_drop: float = option(0.1, "Probability of hiding the class, for guidance.", least=0, most=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.variance == "learned" and self.weighting not in ("vlb", "hybrid"):
            raise ValueError(
                f"weighting {self.weighting!r} leaves a learned variance untrained; use --weighting hybrid or vlb"
            )
        diffusion = self.diffusion()
        if self.variance != "learned" and float(diffusion.weight(self.weighting)[-1]) == 0:
            raise ValueError(
                f"weighting {self.weighting!r} is 0 at t = T under --zero-terminal-snr: the network would never learn "
                "the time at which sampling starts; use --weighting simple or vlb, or --no-zero-terminal-snr"
            )

    def diffusion(self) -> GaussianDiffusion:
        return GaussianDiffusion(self.noise_schedule(), self.prediction, self.variance)

    @property
    def label_count(self) -> int | None:
        """Classes the network is told of."""
        return self.classes if self.conditional else None


class DiffusionSystem(System):
    """loss = weighted mean squared error of the prediction, mean over elements (`ddpm.loss.simple`).

    Subclasses say what the data of the chain is (pixels, points, latents) through `shape`, and hand a network to
    `__init__` that takes (x_t, t, y).
    """

    def __init__(self, config: DiffusionConfig, model: nn.Module) -> None:
        super().__init__()
        config.check_labels()
        self.config, self.model = config, model
        self.diffusion = config.diffusion()
        self.known_best_loss: float | None = None
        """The least loss that any network could reach on the law of the data."""
        self.training_set_floor: float | None = None
        """The least loss on the training examples themselves, by whoever knows them by heart."""

    def shape(self) -> tuple[int, ...]:
        """Shape of one example of the chain."""
        return (self.config.channels, self.config.image_size, self.config.image_size)

    def data(self, x: Tensor, draws: Draws) -> Tensor:
        """The chain's x_0 of a batch."""
        return x

    def decode(self, x0: Tensor) -> Tensor:
        """What a sample of the chain stands for: an image in [-1, 1]."""
        return x0

    def networks(self) -> Sequence[nn.Module]:
        return [self.model]

    def best_loss(self) -> float | None:
        return self.known_best_loss

    def floor(self) -> float | None:
        return self.training_set_floor

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        t = draws.timesteps(self.diffusion.T, self.config.stratified)
        x0 = self.data(batch.x, draws)
        noise = draws.normal_like(x0)
        y = batch.y
        if self.config.conditional:
            if y is None:
                raise ValueError("the batch has no labels; a conditional model needs them: train with --unconditional")
            y = self.hidden(y, draws.uniform(len(x0)))
        loss = self.diffusion.loss(self.predictor(y), x0, t, noise, self.config.weighting)
        return {"loss": loss}

    def functions(self) -> dict[str, Function]:
        """The denoiser, for other programs."""
        config, shape = self.config, self.shape()
        gives, out = str(self.diffusion.prediction), shape
        if config.variance == "learned":
            gives, out = f"{gives}, then the place of the log-variance between its bounds", (2 * shape[0], *shape[1:])
        time, classes = ("t, int64 (batch,), 1..T", torch.ones(2, dtype=torch.int64)), config.label_count
        return {"denoiser": of_images(self.model, self.model, shape, [time], gives, classes, "x_t", out)}

    # -- the network as samplers and likelihoods want it --------------------------------------------------------------

    @property
    def null_label(self) -> int:
        """The label that stands for no class."""
        assert self.config.classes is not None
        return self.config.classes

    def hidden(self, y: Tensor, uniform: Tensor) -> Tensor:
        """Labels of which some are hidden, for guidance; `uniform` are numbers in [0, 1), one for each."""
        return drop_labels(y, self.config.label_drop, self.null_label, uniform)

    def untold(self, like: Tensor) -> Tensor:
        """Labels that stand for no class, as many as `like` has examples."""
        return torch.full(like.shape[:1], self.null_label, device=like.device)

    def predictor(self, y: Tensor | None = None) -> Callable[[Tensor, Tensor], Tensor]:
        """(x_t, t) -> prediction, for given labels (the null class where a conditional model is given none)."""
        model = self.model
        if not self.config.conditional:
            return lambda x_t, t: model(x_t, t)
        if y is None:
            return lambda x_t, t: model(x_t, t, self.untold(t))
        return lambda x_t, t: model(x_t, t, y)

    def guided(self, y: Tensor | None, guidance: float = 1.0) -> Callable[[Tensor, Tensor], Tensor]:
        """Classifier-free guidance: w = 1 is the conditional model, w = 0 the unconditional one.

        Claim `guidance.classifier_free`.

        Raises:
            ValueError: guidance or labels for an unconditional model.
        """
        if not self.config.conditional:
            if y is not None or guidance != 1.0:
                raise ValueError(
                    "this model is unconditional; leave out --label and --guidance, or train with --conditional"
                )
            return self.predictor()
        if y is None:
            if guidance not in (0.0, 1.0):
                raise ValueError(f"guidance is {guidance}, but there is no class to guide to; give labels")
            return self.predictor()
        if guidance == 1.0:
            return self.predictor(y)
        return classifier_free(self.model, y, self.untold(y), guidance)

    takes: tuple[str, ...] = ("sampler", "steps", "guidance", "clip", "label", "columns")

    def steered(
        self, y: Tensor | None, guidance: float, classifier: Callable[[Tensor, Tensor], Tensor] | None
    ) -> Callable[[Tensor, Tensor], Tensor]:
        """The model guided by the class it is told, or, told none, by a classifier of noisy examples."""
        if classifier is None:
            return self.guided(y, guidance)
        if y is None:
            raise ValueError("a classifier guides to classes; give labels")
        pure = self.diffusion.schedule.has_zero_terminal_snr  # x_T then says nothing of the class
        interval = (1, self.diffusion.T - 1) if pure else None
        return classifier_guidance(self.predictor(), classifier, y, guidance, self.diffusion, interval=interval)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: torch.Generator,
        *,
        labels: Tensor | None = None,
        guidance: float = 1.0,
        sampler: str = "ddim",
        steps: int | None = None,
        clip: bool | None = None,
        classifier: Callable[[Tensor, Tensor], Tensor] | None = None,
        callback: Callable[[int, Tensor], None] | None = None,
        progress: bool = False,
        **options: Any,
    ) -> Tensor:
        """n samples, decoded; the first ones are the same whatever n.

        Args:
            labels: class of each sample, (n,), for conditional models and with a classifier.
            guidance: w of classifier-free guidance, or of the classifier's.
            classifier: (x_t, t) -> logits; the model itself is then told no class (`guidance.classifier`).
            sampler: name of a method of `torch_impl.sample`.
            steps: how many; by default all for `ddpm`, 50 otherwise.
            clip: the predicted x_0 to [-1, 1]; by default for pixels only.  The noise direction is then recomputed from
                the clipped x_0: guidance pushes x_0 out of range, and the old direction would keep pushing.
            options: those of the sampler's row, such as `eta` of `ddim`; TypeError for others.
        """
        device = next(self.parameters()).device
        draws = SampleDraws(generator, n)
        x_T = draws.normal(n, *self.shape()).to(device)
        T = self.diffusion.T
        steps = steps if steps is not None else T if sampler == "ddpm" else min(T, 50)
        sampler_row(sampler).check_options(options)
        clip = self.clips if clip is None else clip
        x0 = sample(
            self.steered(labels, guidance, classifier),
            self.diffusion,
            x_T,
            method=sampler,
            timesteps=self.times(steps),
            clip_x0=clip,
            rederive_eps=clip,
            noise_fn=draws.noise,
            callback=callback,
            progress=progress,
            **options,
        )
        return self.decode(x0)

    clips = True
    """Whether samples lie in [-1, 1], so that the predicted x_0 may be clipped."""

    def times(self, steps: int) -> list[int]:
        """`steps` steps from T to 0."""
        return spaced_timesteps(self.diffusion.schedule, steps, "trailing")

    def sample_labels(self, n: int) -> Tensor | None:
        """Classes in turn, for pictures."""
        if not self.config.conditional or self.config.classes is None:
            return None
        return torch.arange(n, device=next(self.parameters()).device) % self.config.classes

    pictured = "samples"
    """How the names of pictures of what was asked for begin."""

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        for guidance in self._shown_guidances():
            name = f"{self.pictured}-guidance-{guidance:g}" if self.config.conditional else "samples"
            drawn = self.sample(
                80,
                album.generator(),
                labels=self.sample_labels(80),
                guidance=guidance,
                callback=album.counted(name, min(self.diffusion.T, 50)),
            )
            album.images(name, drawn)

    def _shown_guidances(self) -> tuple[float, ...]:
        """The weights of guidance to show: none but 1 for a model that never had the class hidden."""
        return (1.0, 2.0) if self.config.conditional and 0 < self.config.label_drop < 1 else (1.0,)

    def preview(self, path: Path, seed: int) -> None:
        columns = self.config.classes if self.config.conditional and (self.config.classes or 99) <= 16 else 8
        n = 8 * (columns or 8)
        generator = torch.Generator(next(self.parameters()).device).manual_seed(seed)
        save_images(path, self.sample(n, generator, labels=self.sample_labels(n)), columns)


@dataclass(frozen=True)
class DDPMConfig(DiffusionConfig, kind="ddpm"):
    """Diffusion on pixels with a U-Net or a DiT.

    `widths`, `blocks`, `attention` (sides in pixels), `head_channels` shape the U-Net; `patch`, `width`,
    `depth`, `heads` the DiT.
    """

    network: Literal["unet", "dit"] = option("unet", "Network.")
    widths: tuple[int, ...] = option((32, 64), "Widths of the U-Net, a level each.")
    blocks: int = option(2, "Its residual blocks a level.")
    attention: tuple[int, ...] = option((), "Sides, in pixels, at which it has attention.")
    head_channels: int = option(32, "Channels of a head of its attention.")
    dropout: float = option(0.0, "Dropout.")
    patch: int = option(2, "Side of a patch of the DiT.")
    width: int = option(128, "Its width.")
    depth: int = option(6, "Its blocks.")
    heads: int = option(4, "Its heads.")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.network_config()

    def unused(self) -> dict[str, str]:
        others = ("patch", "width", "depth", "heads")
        if self.network == "dit":
            others = ("widths", "blocks", "attention", "head_channels")
        return dict.fromkeys(others, f"--network {self.network}")

    def network_config(self) -> UNetConfig | DiTConfig:
        return self.network_for(self.image_size, self.channels)

    def network_for(self, image_size: int, channels: int) -> UNetConfig | DiTConfig:
        """The network's config for data of this side and number of channels."""
        learned = self.variance == "learned"
        if self.network == "unet":
            return UNetConfig(
                image_size=image_size,
                in_channels=channels,
                channels=self.widths,
                blocks_per_level=self.blocks,
                attention=self.attention,
                head_channels=self.head_channels,
                num_classes=self.label_count,
                dropout=self.dropout,
                learned_variance=learned,
            )
        if self.network == "dit":
            return DiTConfig(
                image_size=image_size,
                in_channels=channels,
                patch_size=self.patch,
                width=self.width,
                depth=self.depth,
                heads=self.heads,
                num_classes=self.label_count,
                dropout=self.dropout,
                learned_variance=learned,
            )
        raise ValueError(f"network is {self.network!r}; choose unet or dit")

    def at_side(self, size: int) -> DDPMConfig:
        widths, attention = unet_levels(size)
        patch = 2 if size <= 64 or size % 4 else 4 if size <= 128 or size % 8 else 8
        return replace(self, image_size=size, widths=widths, attention=attention, patch=patch)

    @classmethod
    def small(cls) -> DDPMConfig:
        return cls(timesteps=20, widths=(8,), blocks=1)

    def build(self) -> DiffusionSystem:
        return DDPMSystem(self)


class DDPMSystem(DiffusionSystem):
    """Diffusion on pixels in [-1, 1]."""

    config: DDPMConfig
    takes: tuple[str, ...] = (*DiffusionSystem.takes, "classifier")

    def __init__(self, config: DDPMConfig) -> None:
        super().__init__(config, build(config.network_config()))

    def prepare(self, data: Any, stage: TrainedStage | None) -> None:
        if data.size is not None and data.size * math.prod(data.shape) <= 200_000:
            self.training_set_floor = training_set_floor(self.config, *data.all())

    def pixel_chain(self, reconstruction_variance: float | None = None) -> GaussianDiffusion:
        """The diffusion, with another variance at t = 1 where asked."""
        config = self.config
        return GaussianDiffusion(
            config.noise_schedule(),
            config.prediction,
            config.variance,
            reconstruction_variance=reconstruction_variance,
        )

    def label_predictor(self, batch: Batch) -> Callable[[Tensor, Tensor], Tensor]:
        """(x_t, t) -> prediction, told the labels of the batch where the model takes any."""
        return self.predictor(batch.y if self.config.conditional else None)
