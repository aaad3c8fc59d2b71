"""Systems whose network is told a time or a noise level, and the class or not: labels, guidance, pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from torch_impl.denoiser.guidance import classifier_free
from torch_impl.networks import drop_labels
from torch_impl.oracle.law import Oracle
from torch_impl.pictures.album import Album
from torch_impl.pictures.images import save_images, scatter
from torch_impl.random.draws import Draws
from torch_impl.training.functions import Function, of_images
from torch_impl.training.system import Batch, System

__all__ = ["PointsTold", "ToldSystem"]

_CLOCK = 1000.0  # networks are told 1000 times their clock: the time embedding is made for such numbers


class ToldSystem(System):
    """A system on pixels; its config says `conditional`, `label_drop` and `classes`.

    Subclasses have `sample(n, generator, labels=, ..., callback=)`.
    """

    config: Any
    sample: Callable[..., Tensor]
    takes: tuple[str, ...] = ("sampler", "steps", "guidance", "label", "columns")

    def __init__(self, config: Any, model: nn.Module) -> None:
        super().__init__()
        config.check_labels()
        self.config, self.model = config, model

    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return (self.config.channels, self.config.image_size, self.config.image_size)

    def networks(self) -> Sequence[nn.Module]:
        return [self.model]

    def hidden_labels(self, batch: Batch, draws: Draws) -> Tensor | None:
        """The labels of a batch, some of them hidden for guidance; what they were for an unconditional model."""
        y = batch.y
        if self.config.conditional:
            if y is None:
                raise ValueError("the batch has no labels; a conditional model needs them: train with --unconditional")
            hidden: Tensor = drop_labels(y, self.config.label_drop, self.config.classes, draws.uniform(len(y)))
            return hidden
        return y

    def asked(self, x: Tensor, clock: Tensor, y: Tensor | None = None, network: nn.Module | None = None) -> Tensor:
        """The output of the model, or of another network, at a clock of shape (batch,)."""
        out: Tensor = (network or self.model)(x, (_CLOCK * clock).to(x.dtype), *(() if y is None else (y,)))
        return out

    def told(self, y: Tensor | None = None, guidance: float = 1.0) -> Callable[[Tensor, Tensor], Tensor]:
        """(x, clock) -> output for labels, with a weight of classifier-free guidance.

        Raises:
            ValueError: guidance or labels for an unconditional model.
        """
        if not self.config.conditional:
            if guidance != 1.0:
                raise ValueError(
                    "this model is unconditional; leave out --label and --guidance, or train with --conditional"
                )
            return lambda x, clock: self.asked(x, clock)
        null, given = self.config.classes, y
        if given is None:
            return lambda x, clock: self.asked(x, clock, torch.full(x.shape[:1], null, device=x.device))
        if guidance == 1.0:
            return lambda x, clock: self.asked(x, clock, given)
        return classifier_free(self.asked, given, torch.full_like(given, null), guidance)

    network_time: str = "1000 t"
    """What the network itself is told for its time, in words."""

    def exported(
        self, told: Callable[[Tensor | None], Callable[..., Tensor]], times: Sequence[str], gives: str
    ) -> Function:
        """A function of the model for other programs.

        Args:
            told: labels or None -> (x, times...) -> output.
            times: what each time or noise level is, in words.
            gives: what comes out, in words.
        """
        conditional = self.config.conditional

        def call(x: Tensor, *rest: Tensor) -> Tensor:
            return told(rest[-1] if conditional else None)(x, *rest[: len(times)])

        given = [(f"{words}, float32 (batch,)", torch.full((2,), 0.5)) for words in times]
        return of_images(call, self.model, self.shape(), given, gives, self.config.classes if conditional else None)

    def finished(self, x: Tensor) -> Tensor:
        """What has no noise left as a sample."""
        return x.clamp(-1, 1)

    def sample_labels(self, n: int) -> Tensor | None:
        """Classes in turn, for pictures."""
        if not self.config.conditional or self.config.classes is None:
            return None
        classes: int = self.config.classes
        return torch.arange(n, device=next(self.parameters()).device) % classes

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        guides = "guidance" in self.takes and self.config.conditional
        for guidance in (1.0, 2.0) if guides and 0 < self.config.label_drop < 1 else (1.0,):
            name = f"samples-guidance-{guidance:g}" if guides else "samples"
            given = {"guidance": guidance} if guides else {}
            counted = album.counted(name, 50)
            drawn = self.sample(
                80, album.generator(), labels=self.sample_labels(80), callback=_as_steps(counted), **given
            )
            album.images(name, drawn)

    def preview(self, path: Path, seed: int) -> None:
        columns = self.config.classes if self.config.conditional and (self.config.classes or 99) <= 16 else 8
        n = 8 * (columns or 8)
        generator = torch.Generator(next(self.parameters()).device).manual_seed(seed)
        save_images(path, self.sample(n, generator, labels=self.sample_labels(n)), columns)


def _as_steps(counted: Callable[[int, Tensor], None]) -> Callable[[float, Tensor], None]:
    return lambda t, x: counted(0, x)


class PointsTold(ToldSystem):
    """The same on points of a law that the config holds; `oracle` knows it."""

    oracle: Oracle
    takes: tuple[str, ...] = ("sampler", "steps", "guidance", "label")

    def shape(self) -> tuple[int, ...]:
        return (len(self.config.means[0]),)

    def finished(self, x: Tensor) -> Tensor:
        return x

    def sample_labels(self, n: int) -> Tensor | None:
        """Components in the proportions of their weights; sample i has the same whatever n."""
        if not self.config.conditional:
            return None
        weights = torch.tensor(self.config.weights, dtype=torch.float64, device=next(self.parameters()).device)
        golden = (math.sqrt(5) - 1) / 2
        places = torch.arange(n, device=weights.device, dtype=torch.float64).mul(golden).add(0.5).frac() * weights.sum()
        return torch.searchsorted(weights.cumsum(0), places, right=True).clamp_(max=len(weights) - 1)

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        album.draw("samples", lambda path: self.preview(path, album.seed, 2000))

    def preview(self, path: Path, seed: int, n: int = 1000) -> None:
        generator = torch.Generator(next(self.parameters()).device).manual_seed(seed)
        steps: list[Tensor] = []
        points = self.sample(
            n, generator, labels=self.sample_labels(n), callback=lambda _, x: steps.append(x[:24].clone())
        )
        truth = self.oracle.sample(n, torch.Generator().manual_seed(seed))
        scatter(path, points, truth, torch.stack(steps))
