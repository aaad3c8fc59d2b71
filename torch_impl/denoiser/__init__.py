"""What a network means: its output as x_0 and noise, the scales around it, and guidance."""

from torch_impl.denoiser.denoiser import Clip, Denoiser, dynamic_threshold
from torch_impl.denoiser.guidance import classifier_free, classifier_guidance, from_paper_scale
from torch_impl.process.parameterization import Model

__all__ = [
    "Clip",
    "Denoiser",
    "Model",
    "classifier_free",
    "classifier_guidance",
    "dynamic_threshold",
    "from_paper_scale",
]
