"""PyTorch: what people train, sample and measure with.

Names are loaded on first use, so that `import torch_impl` costs next to nothing beyond `import torch`.
Time runs t = 1..T with alpha_bar(0) = 1; images are (batch, channels, height, width) in [-1, 1] unless said.
"""

from importlib import import_module
from typing import Any

# name -> the module that owns it; extend here, and nowhere else.
_EXPORTS: dict[str, str] = {
    # schedules and the forward process
    "NoiseSchedule": "schedule",
    "spaced_timesteps": "spacing",
    "GaussianDiffusion": "diffusion",
    "VLB": "bound",
    # objectives
    "gaussian_kl": "gaussian",
    "MinSNR": "losses",
    "SNRPower": "losses",
    "reparameterize": "objectives",
    "elbo": "objectives",
    "importance_weighted_bound": "objectives",
    "BernoulliLikelihood": "objectives",
    "GaussianLikelihood": "objectives",
    # sampling
    "sample": "samplers",
    "invert": "samplers",
    "dynamic_threshold": "samplers",
    "classifier_free": "guidance",
    "classifier_guidance": "guidance",
    # likelihood
    "ode_log_likelihood": "likelihood",
    "bits_per_dim": "likelihood",
    # networks and data
    "UNet": "networks",
    "UNetConfig": "networks",
    "DiT": "networks",
    "DiTConfig": "networks",
    "MLPDenoiser": "networks",
    "MLPDenoiserConfig": "networks",
    "VAE": "networks",
    "VAEConfig": "networks",
    "VQVAE": "networks",
    "VQVAEConfig": "networks",
    "Batches": "data",
    # training
    "EMA": "training",
    "Trainer": "training",
    "TrainerConfig": "training",
}

_MODULES = (
    "bound",
    "continuous",
    "data",
    "diffusion",
    "gaussian",
    "guidance",
    "likelihood",
    "losses",
    "networks",
    "objectives",
    "oracle",
    "samplers",
    "schedule",
    "spacing",
    "training",
    "views",
)

__all__ = [*sorted(_EXPORTS), *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        value = getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
