"""Models for programs that do not have this package: plain weights, programs, `diffusers` folders, model cards."""

from torch_impl.export.diffusers import to_diffusers, unet_weights
from torch_impl.export.plain import FORMATS, export_model, to_plain
from torch_impl.export.program import programs, to_program

__all__ = ["FORMATS", "export_model", "programs", "to_diffusers", "to_plain", "to_program", "unet_weights"]
