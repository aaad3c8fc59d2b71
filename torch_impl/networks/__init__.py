"""Networks: denoisers, variational autoencoders, vector quantisation.  Names load on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch_impl.networks.config import NetworkConfig, build, config_from_dict, config_to_dict
    from torch_impl.networks.dit import DiT, DiTConfig
    from torch_impl.networks.dropout import Dropout
    from torch_impl.networks.embedding import drop_labels, sinusoidal_embedding
    from torch_impl.networks.latent import LatentCompressor
    from torch_impl.networks.memory import keep_heap
    from torch_impl.networks.mlp import MLPDenoiser, MLPDenoiserConfig
    from torch_impl.networks.onestep import OneStepCNN, OneStepCNNConfig
    from torch_impl.networks.span import with_forward_derivative, with_span
    from torch_impl.networks.unet import UNet, UNetConfig
    from torch_impl.networks.vae import VAE, VAEConfig, VAEOutput
    from torch_impl.networks.vq import Quantized, VectorQuantizer
    from torch_impl.networks.vqvae import VQVAE, VQVAEConfig, VQVAEOutput

_NAMES = {
    "config": ("NetworkConfig", "build", "config_from_dict", "config_to_dict"),
    "dit": ("DiT", "DiTConfig"),
    "dropout": ("Dropout",),
    "embedding": ("drop_labels", "sinusoidal_embedding"),
    "latent": ("LatentCompressor",),
    "memory": ("keep_heap",),
    "mlp": ("MLPDenoiser", "MLPDenoiserConfig"),
    "onestep": ("OneStepCNN", "OneStepCNNConfig"),
    "span": ("with_forward_derivative", "with_span"),
    "unet": ("UNet", "UNetConfig"),
    "vae": ("VAE", "VAEConfig", "VAEOutput"),
    "vq": ("Quantized", "VectorQuantizer"),
    "vqvae": ("VQVAE", "VQVAEConfig", "VQVAEOutput"),
}
_OWNER = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "VAE",
    "VQVAE",
    "DiT",
    "DiTConfig",
    "Dropout",
    "LatentCompressor",
    "MLPDenoiser",
    "MLPDenoiserConfig",
    "NetworkConfig",
    "OneStepCNN",
    "OneStepCNNConfig",
    "Quantized",
    "UNet",
    "UNetConfig",
    "VAEConfig",
    "VAEOutput",
    "VQVAEConfig",
    "VQVAEOutput",
    "VectorQuantizer",
    "build",
    "config_from_dict",
    "config_to_dict",
    "drop_labels",
    "keep_heap",
    "sinusoidal_embedding",
    "with_forward_derivative",
    "with_span",
]


def __getattr__(name: str) -> Any:
    if name not in _OWNER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_OWNER[name]}"), name)
    globals()[name] = value
    return value


def load_all() -> None:
    """Import every module here, so that every network is registered."""
    for module in _NAMES:
        import_module(f"{__name__}.{module}")
