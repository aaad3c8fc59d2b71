"""Safetensors files, whose headers are read and compared before memory is asked for.

A header says of each tensor its name, dtype, shape and place; whatever in it does not agree with the file's size, or
with what a model has, is refused while it costs nothing.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from torch_impl.files import LARGEST_JSON, UnusableFile, open_regular, parse_json

__all__ = ["TensorFacts", "read_header", "read_tensors", "refuse_other_tensors", "save_tensors"]

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


class TensorFacts(NamedTuple):
    """What a header says of a tensor."""

    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @classmethod
    def of(cls, tensor: Tensor) -> TensorFacts:
        return cls(tensor.dtype, tuple(tensor.shape))


def read_header(path: Path) -> dict[str, TensorFacts]:
    """The tensors of a safetensors file by name, whose places fill the file without gap or overlap.

    Raises:
        FileNotFoundError: there is no such file.
        UnusableFile: it is no safetensors file, or its header and its size disagree.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(8)
        if len(start) < 8:
            raise UnusableFile(path, f"it is not a safetensors file: it has {size} bytes")
        (length,) = struct.unpack("<Q", start)
        if length > min(size - 8, LARGEST_JSON):
            raise UnusableFile(path, f"it is not a safetensors file: {size} bytes, and a header of {length}")
        header = parse_json(file.read(length), path)
    if not isinstance(header, dict):
        raise UnusableFile(path, "it is not a safetensors file: its header is no JSON object")
    header.pop("__metadata__", None)
    places: list[tuple[int, int]] = []
    found = {name: _facts(path, name, entry, places) for name, entry in header.items()}
    end = 0
    for first, last in sorted(places):
        if first != end:
            raise UnusableFile(path, f"its tensors leave a gap or overlap at byte {min(first, end)}")
        end = last
    if end != size - 8 - length:
        raise UnusableFile(path, f"its header places {end} bytes of tensors, and {size - 8 - length} follow")
    return found


def _facts(path: Path, name: str, entry: Any, places: list[tuple[int, int]]) -> TensorFacts:
    wrong = UnusableFile(path, f"its header says of {name[:80]!r} what no tensor can be")
    if not isinstance(entry, dict):
        raise wrong
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not (isinstance(dtype, str) and isinstance(shape, list) and isinstance(offsets, list) and len(offsets) == 2):
        raise wrong
    if not all(type(number) is int and 0 <= number < 2**63 for number in (*shape, *offsets)) or len(shape) > 32:
        raise wrong
    if dtype not in _DTYPES:
        raise UnusableFile(path, f"{name[:80]!r} is of type {dtype[:20]!r}; known are {', '.join(_DTYPES)}")
    facts = TensorFacts(_DTYPES[dtype], tuple(shape))
    if offsets[1] - offsets[0] != facts.bytes:
        raise wrong
    places.append((offsets[0], offsets[1]))
    return facts


def refuse_other_tensors(path: Path, stored: Mapping[str, TensorFacts], wanted: Mapping[str, TensorFacts]) -> None:
    """Refuse tensors whose names, shapes or dtypes are not the wanted ones, before any is read.

    Raises:
        ValueError: naming the first that differs.
    """
    missing, unexpected = sorted(set(wanted) - set(stored)), sorted(set(stored) - set(wanted))
    if missing or unexpected:
        raise ValueError(
            f"{path} does not fit the model that its checkpoint describes: missing {missing[:3]}, unexpected "
            f"{unexpected[:3]}; its weights and its config.json are of two models"
        )
    for name, facts in wanted.items():
        if stored[name].shape != facts.shape:
            raise ValueError(
                f"{path}: {name} has shape {stored[name].shape}, and {facts.shape} in the model that its checkpoint "
                "describes; its weights and its config.json are of two models"
            )
        if stored[name].dtype != facts.dtype:
            raise ValueError(f"{path}: {name} is of type {stored[name].dtype}; {facts.dtype} is needed")


def read_tensors(path: Path, wanted: Mapping[str, TensorFacts] | None = None) -> dict[str, Tensor]:
    """All tensors of a file, on the CPU, finite; with `wanted`, these and no others.

    Raises:
        FileNotFoundError, UnusableFile: as `read_header`; or a number is NaN or infinite.
        ValueError: they are not the wanted ones.
    """
    header = read_header(path)
    if wanted is not None:
        refuse_other_tensors(path, header, wanted)
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise UnusableFile(path, f"it is not a safetensors file ({error})") from None
    for name, tensor in tensors.items():
        refuse_nonfinite(path, name, tensor)
    return tensors


def refuse_nonfinite(path: Path, name: str, tensor: Tensor) -> None:
    """Raise UnusableFile if a number in a tensor is NaN or infinite; takes no memory to find out."""
    if not tensor.is_floating_point() or not tensor.numel():
        return
    if not all(math.isfinite(float(end)) for end in torch.aminmax(tensor)):
        raise UnusableFile(path, f"{name} holds NaN or infinity: no such weights can be used")


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors by name; tied ones each for itself."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    seen: dict[int, str] = {}
    for name, tensor in plain.items():  # tied weights: safetensors wants each memory once
        if tensor.numel() and seen.setdefault(tensor.data_ptr(), name) != name:
            plain[name] = tensor.clone()
    safetensors.torch.save_file(plain, path)
