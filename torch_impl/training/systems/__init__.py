"""What can be trained: VAEs, one-step models, diffusion, mixtures with their oracle, VQ-VAE, latent diffusion."""

import pkgutil
from importlib import import_module

from torch_impl.training.systems.config import SystemConfig, build_system, config_from_json, system_kinds

__all__ = ["SystemConfig", "build_system", "config_from_json", "load_all", "system_kinds"]


def load_all() -> None:
    """Import every module here, so that every kind of system is known."""
    for module in pkgutil.iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
