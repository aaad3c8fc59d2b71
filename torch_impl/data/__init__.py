"""Data sets and the stream of batches.  Names load on first use; nothing is ever downloaded."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch_impl.data.batches import Batch, Batches
    from torch_impl.data.catalogue import NAMES, load, load_data
    from torch_impl.data.dataset import BadData, DataNotFound, DataSet
    from torch_impl.data.loader import LoaderBatches, TensorData
    from torch_impl.data.mixtures import MIXTURES

_OWNER = {
    "MIXTURES": "mixtures",
    "NAMES": "catalogue",
    "BadData": "dataset",
    "Batch": "batches",
    "Batches": "batches",
    "DataNotFound": "dataset",
    "DataSet": "dataset",
    "LoaderBatches": "loader",
    "TensorData": "loader",
    "load": "catalogue",
    "load_data": "catalogue",
}

__all__ = [
    "MIXTURES",
    "NAMES",
    "BadData",
    "Batch",
    "Batches",
    "DataNotFound",
    "DataSet",
    "LoaderBatches",
    "TensorData",
    "load",
    "load_data",
]


def __getattr__(name: str) -> Any:
    if name not in _OWNER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_OWNER[name]}"), name)
    globals()[name] = value
    return value
