"""The linear autoencoder: k numbers for an image, and the image back from them, by two matrices and no bias."""

from __future__ import annotations

import dataclasses

from torch import Tensor, nn

from torch_impl.networks.config import NetworkConfig, network

__all__ = ["LinearAutoencoder", "LinearAutoencoderConfig"]


@dataclasses.dataclass(frozen=True)
class LinearAutoencoderConfig(NetworkConfig):
    """Shape of the linear autoencoder.

    Attributes:
        dim: entries of an example.
        latent_dim: numbers that are kept of it, at most `dim`.
    """

    dim: int = 64
    latent_dim: int = 8

    def __post_init__(self) -> None:
        self.require_positive("dim", "latent_dim")
        if self.latent_dim > self.dim:
            raise ValueError(f"latent_dim = {self.latent_dim}; an example has {self.dim} entries: choose no more")


@network(LinearAutoencoderConfig)
class LinearAutoencoder(nn.Module):
    """`LinearAutoencoder(config)(x)`: (batch, dim) to W_D W_E x, (batch, dim)."""

    def __init__(self, config: LinearAutoencoderConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or LinearAutoencoderConfig()
        self.encode = nn.Linear(config.dim, config.latent_dim, bias=False)
        self.decode = nn.Linear(config.latent_dim, config.dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.decode(self.encode(x))
        return out
