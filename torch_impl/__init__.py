"""PyTorch: what people train, sample and measure with.

Names are loaded on first use, so that `import torch_impl` costs next to nothing beyond `import torch`.
Time runs t = 1..T with alpha_bar(0) = 1; images are (batch, channels, height, width) in [-1, 1] unless said.
"""

from importlib import import_module
from typing import Any

# name -> the module that owns it; extend here, and nowhere else.
_EXPORTS: dict[str, str] = {
    # schedules and the forward process
    "NoiseSchedule": "process.schedule",
    "spaced_timesteps": "samplers.times",
    "GaussianDiffusion": "diffusion",
    "VLB": "objectives.bound",
    # objectives
    "gaussian_kl": "distributions.gaussian",
    "MinSNR": "objectives.weights",
    "SNRPower": "objectives.weights",
    "reparameterize": "distributions.gaussian",
    "elbo": "objectives.elbo",
    "importance_weighted_bound": "objectives.elbo",
    "BernoulliLikelihood": "distributions.likelihoods",
    "GaussianLikelihood": "distributions.likelihoods",
    # sampling
    "sample": "samplers",
    "invert": "samplers",
    "dynamic_threshold": "denoiser.denoiser",
    "classifier_free": "denoiser.guidance",
    "classifier_guidance": "denoiser.guidance",
    # likelihood
    "ode_log_likelihood": "samplers.likelihood",
    "bits_per_dim": "samplers.likelihood",
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
    "OneStepCNN": "networks",
    "OneStepCNNConfig": "networks",
    "LatentCompressor": "networks",
    "VectorQuantizer": "networks",
    "Batches": "data",
    "load_data": "data",
    "DataSet": "data",
    "LoaderBatches": "data",
    "TensorData": "data",
    # training
    "EMA": "training",
    "ConstantDecay": "training",
    "WarmupDecay": "training",
    "PowerFunction": "training",
    "Snapshot": "training",
    "reconstruct": "training",
    "Trainer": "training",
    "TrainerConfig": "training",
    "TrainResult": "training",
    "System": "training",
    "Batch": "training",
    "Draws": "training",
    "Observer": "training",
    "Observers": "training.progress",
    "TensorBoardObserver": "training.progress",
    "ImageGrid": "training.callbacks",
    "LogTo": "training.callbacks",
    "CheckpointDamaged": "training",
    "CheckpointMissing": "training",
    "load": "runs.load",
    "export_model": "export",
}

_MODULES = (
    "data",
    "denoiser",
    "diffusion",
    "distributions",
    "evaluation",
    "experiments",
    "export",
    "networks",
    "objectives",
    "ops",
    "oracle",
    "pictures",
    "process",
    "random",
    "runs",
    "samplers",
    "systems",
    "training",
)

# Modules of 0.1 by the names that they had here: `torch_impl.schedule` is `torch_impl.process.schedule`.
_MOVED = {
    "bound": "objectives.bound",
    "continuous": "process.paths",
    "gaussian": "distributions.gaussian",
    "guidance": "denoiser.guidance",
    "likelihood": "samplers.likelihood",
    "losses": "objectives.weights",
    "schedule": "process.schedule",
    "spacing": "samplers.times",
    "tables": "process.tables",
    "views": "process.parameterization",
}

__all__ = [*sorted(_EXPORTS), *_MODULES, *_MOVED]


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        value = getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"{__name__}.{name}")
    elif name in _MOVED:
        value = import_module(f"{__name__}.{_MOVED[name]}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
