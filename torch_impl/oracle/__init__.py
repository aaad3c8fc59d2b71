"""Data whose exact denoiser is known: Gaussian mixtures and finite data sets."""

from torch_impl.oracle.finite import FiniteData
from torch_impl.oracle.law import Oracle
from torch_impl.oracle.mixture import GaussianMixture

__all__ = ["FiniteData", "GaussianMixture", "Oracle"]
