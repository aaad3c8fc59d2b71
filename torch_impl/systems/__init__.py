"""What can be trained: VAEs, one-step models, diffusion, mixtures with their oracle, VQ-VAE, latent diffusion."""

from torch_impl.systems.config import SystemConfig, build_system, config_from_json, load_all, system_kinds

__all__ = ["SystemConfig", "build_system", "config_from_json", "load_all", "system_kinds"]
