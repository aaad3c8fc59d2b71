"""What can be trained: VAEs, one-step models, diffusion, mixtures with their oracle, VQ-VAE, latent diffusion."""

from importlib import import_module

from torch_impl.training.systems.config import SystemConfig, build_system, config_from_json, system_kinds

__all__ = ["SystemConfig", "build_system", "config_from_json", "load_all", "system_kinds"]

_MODULES = ("vae", "onestep", "ddpm", "mixture", "vqvae", "latent")


def load_all() -> None:
    """Import every module here, so that every kind of system is known."""
    for module in _MODULES:
        import_module(f"{__name__}.{module}")
