"""What a system can do, beside being trained: the engine, metrics and commands ask for these, never for a class.

A system has a capability by having its methods; nothing is registered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from torch_impl.data.words import Tokenizer
from torch_impl.diffusion import GaussianDiffusion
from torch_impl.oracle import Oracle
from torch_impl.random.draws import Draws
from torch_impl.training.functions import Function
from torch_impl.training.system import Batch

__all__ = [
    "Bounds",
    "Classifies",
    "CodeUse",
    "Embeds",
    "Exports",
    "FlowLikelihood",
    "KnowsLaw",
    "KnowsTruth",
    "Labels",
    "Measures",
    "PixelLikelihood",
    "Reconstructs",
    "Samples",
    "TakesCaptions",
]


@runtime_checkable
class Samples(Protocol):
    """Can be sampled."""

    takes: tuple[str, ...]
    """The choices of people that the samples follow: sampler, steps, guidance, clip, label, prior, columns."""

    @property
    def sample(self) -> Callable[..., Tensor]:
        """`sample(n, generator, **options)`: images (n, c, h, w) in [-1, 1], or points (n, d)."""


@runtime_checkable
class Labels(Protocol):
    """Samples can be asked for by class."""

    def sample_labels(self, n: int) -> Tensor | None:
        """Classes for n samples, shape (n,); None for a model that is told none."""


@runtime_checkable
class Measures(Protocol):
    """Takes what it needs to know from the training examples themselves, before the first step."""

    def measure(self, x: Tensor) -> None:
        """x: the examples, floats (n, ...)."""


@runtime_checkable
class TakesCaptions(Protocol):
    """Reads captions: they stand in the place of labels, int64 (n, length)."""

    @property
    def tokenizer(self) -> Tokenizer:
        """Of the captions that it reads."""


@runtime_checkable
class Embeds(Protocol):
    """Has pictures and captions in one space."""

    def picture_vectors(self, x: Tensor) -> Tensor:
        """Unit vectors (batch, space) of pictures in [-1, 1]."""

    def caption_vectors(self, tokens: Tensor) -> Tensor:
        """Unit vectors (batch, space) of captions."""


@runtime_checkable
class Reconstructs(Protocol):
    """Gives an image back from what it keeps of it."""

    def reconstructed(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The images as they come back, shape of x."""


@runtime_checkable
class CodeUse(Protocol):
    """Keeps images as codes."""

    def code_use(self, x: Tensor) -> tuple[float, int, int]:
        """Of the codes of these images: perplexity, how many different ones, how many there are."""


@runtime_checkable
class Bounds(Protocol):
    """Has an evidence bound of its data."""

    def bounds(self, x: Tensor, samples: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """ELBO and importance-weighted bound of each example, nats, shape (batch,)."""


@runtime_checkable
class PixelLikelihood(Protocol):
    """A chain on pixels, whose bound and flow give bits per dimension."""

    def pixel_chain(self, reconstruction_variance: float | None = None) -> GaussianDiffusion:
        """The diffusion, with another variance at t = 1 where asked."""

    def label_predictor(self, batch: Batch) -> Callable[[Tensor, Tensor], Tensor]:
        """(x_t, t) -> prediction, told the labels of the batch where the model takes any."""


@runtime_checkable
class Exports(Protocol):
    """Says what other programs can have of it."""

    def functions(self) -> dict[str, Function]:
        """Its functions by name."""


@runtime_checkable
class FlowLikelihood(Protocol):
    """Samples along an ODE in continuous time, which gives densities."""

    def flow_log_density(self, batch: Batch, steps: int, signs: Tensor) -> Tensor:
        """log p(x) of the examples, told their labels, nats, one for each probe of the trace: (probes, batch)."""


@runtime_checkable
class Classifies(Protocol):
    """Tells the class of noisy examples."""

    diffusion: GaussianDiffusion

    def logits(self, x_t: Tensor, t: Tensor) -> Tensor:
        """log p(y | x_t) up to a constant, (batch, classes); t integers (batch,) in 1..T."""

    def accuracies(self, batch: Batch, times: Sequence[int], generator: torch.Generator) -> Tensor:
        """Whether each example is told right at each time, (times, batch), as 0 and 1."""


@runtime_checkable
class KnowsLaw(Protocol):
    """Trained on a law that is known, so that samples have a truth beside them."""

    oracle: Oracle


@runtime_checkable
class KnowsTruth(Protocol):
    """Trained on a law that is known, so that loss, density and samples have a truth beside them."""

    oracle: Oracle

    def best_loss(self) -> float | None:
        """The least expected loss that any network could reach, where it is known."""

    def oracle_loss(self, batch: Batch, draws: Draws) -> Tensor:
        """The loss of the exact denoiser on the draws that the model had."""

    def log_density(self, x: Tensor, steps: int) -> tuple[Tensor, str]:
        """log p(x) of the model by its ODE, nats, (batch,); and how it was found, in words."""
