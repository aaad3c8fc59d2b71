"""The linear autoencoder, whose best loss and whose subspace are known: those of principal component analysis."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from torch_impl.networks.linear import LinearAutoencoder, LinearAutoencoderConfig
from torch_impl.pictures.album import Album
from torch_impl.pictures.images import save_images
from torch_impl.random.draws import Draws, SampleDraws
from torch_impl.systems.config import SystemConfig
from torch_impl.training.fields import option
from torch_impl.training.functions import Function, listed
from torch_impl.training.system import Batch, System, TrainedStage

__all__ = ["PCAConfig", "PCASystem"]

_MOST = 4096
"""Entries of an example whose matrix of second moments is still kept."""


@dataclass(frozen=True)
class PCAConfig(SystemConfig, kind="pca"):
    """A linear autoencoder; `centred` takes the mean image away first, without which it is no PCA."""

    latent_dim: int = option(8, "Numbers that are kept of an image.", least=1)
    centred: bool = option(True, "Take the mean image away first.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.channels * self.image_size**2 > _MOST:
            raise ValueError(
                f"image_size is {self.image_size} with {self.channels} channels: their second moments are a matrix of "
                f"{self.channels * self.image_size**2:,} rows, and {_MOST:,} are kept at most; choose smaller images"
            )
        self.network()

    def network(self) -> LinearAutoencoderConfig:
        return LinearAutoencoderConfig(self.channels * self.image_size**2, self.latent_dim)

    @classmethod
    def small(cls) -> PCAConfig:
        return cls(latent_dim=2)

    def build(self) -> PCASystem:
        return PCASystem(self)


class PCASystem(System):
    """loss = |x - W_D W_E x|^2, mean over pixels and examples (`ae.linear.pca`).

    Its least value is known: the mean of the eigenvalues that are left out, of the second moments of what the network
    is shown. Where the mean was taken away these are covariances, and the subspace is that of the principal components.
    """

    mean: Tensor
    moments: Tensor

    def __init__(self, config: PCAConfig) -> None:
        super().__init__()
        self.config = config
        self.model = LinearAutoencoder(config.network())
        dim = config.network().dim
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("moments", torch.eye(dim, dtype=torch.float64))
        self._best: float | None = None

    def prepare(self, data: Any, stage: TrainedStage | None) -> None:
        x, _ = data.fetch(torch.arange(data.size if data.size is not None else 10_000))
        self.measure(x)

    def measure(self, x: Tensor) -> None:
        """Take the mean and the second moments of the training examples."""
        points = x.flatten(1).double()
        if self.config.centred:
            self.mean.copy_(points.mean(0))
        shown = points - self.mean.double()
        self.moments.copy_(shown.T @ shown / len(shown))
        left_out = torch.linalg.eigvalsh(self.moments)[: -self.config.latent_dim]
        self._best = float(left_out.sum()) / points.shape[1]

    def best_loss(self) -> float | None:
        return self._best

    def forward(self, batch: Batch, draws: Draws) -> dict[str, Tensor]:
        shown = batch.x.flatten(1) - self.mean
        return {"loss": (self.model(shown) - shown).square().mean()}

    def subspace(self) -> Tensor:
        """What the decoder spans: float64 (dim, latent_dim)."""
        return self.model.decode.weight.detach().double()

    def principal(self) -> Tensor:
        """The span of the leading eigenvectors of the second moments, largest last: float64 (dim, latent_dim)."""
        vectors: Tensor = torch.linalg.eigh(self.moments).eigenvectors
        return vectors[:, -self.config.latent_dim :]

    def functions(self) -> dict[str, Function]:
        """Encoder and decoder, for other programs."""
        config, model, mean = self.config, self.model, self.mean
        shape = (config.channels, config.image_size, config.image_size)
        images = f"images, float32 (batch, {listed(shape)}) in [-1, 1]"
        numbers = f"numbers, float32 (batch, {config.latent_dim})"
        x, z = torch.zeros(2, *shape), torch.zeros(2, config.latent_dim)

        def decode(z: Tensor) -> Tensor:
            images: Tensor = (model.decode(z) + mean).unflatten(1, shape)
            return images

        return {
            "encoder": Function(lambda x: model.encode(x.flatten(1) - mean), (self,), (x,), (images,), numbers),
            "decoder": Function(decode, (self,), (z,), (numbers,), images),
        }

    @torch.no_grad()
    def reconstructed(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The images as they come back, not clipped."""
        decoded: Tensor = self.model(x.flatten(1) - self.mean) + self.mean
        return decoded.view_as(x)

    takes = ("columns",)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Decoded draws from the Gaussian with the second moments of the codes, clipped; the first ones whatever n."""
        encode = self.model.encode.weight.double()
        values, vectors = torch.linalg.eigh(encode @ self.moments @ encode.T)
        spread = (vectors * values.clamp(min=0).sqrt()).float()
        z = SampleDraws(generator, n).normal(n, self.config.latent_dim).to(spread.device)
        side = self.config.image_size
        images: Tensor = (self.model.decode(z @ spread.T) + self.mean).view(n, self.config.channels, side, side)
        return images.clamp(-1, 1)

    def portraits(self, album: Album, held_out: Batch | None) -> None:
        album.images("samples", self.sample(80, album.generator()))
        side, vectors = self.config.image_size, torch.linalg.qr(self.subspace()).Q.T
        shown = (vectors / vectors.abs().amax(1, keepdim=True)).float()
        album.images("components", shown.view(-1, self.config.channels, side, side))
        if held_out is not None:
            album.pairs("reconstructions", held_out.x[:40], self.reconstructed(held_out.x[:40], album.generator()))

    def preview(self, path: Path, seed: int) -> None:
        save_images(path, self.sample(64, torch.Generator(self.mean.device).manual_seed(seed)))
