"""The state of every random number generator of this process, as JSON data: Python, NumPy, torch on every device.

Training draws do not depend on it (see `torch_impl.random.draws`); compiled dropout and a user's own code may.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["capture_rng", "restore_rng"]


def _to_hex(state: Tensor) -> str:
    return state.numpy().tobytes().hex()


def _from_hex(text: str) -> Tensor:
    return torch.frombuffer(bytearray.fromhex(text), dtype=torch.uint8)


def capture_rng() -> dict[str, Any]:
    """Snapshot of all generators."""
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    cuda = (
        {str(i): _to_hex(s) for i, s in enumerate(torch.cuda.get_rng_state_all())} if torch.cuda.is_available() else {}
    )
    return {
        "python": [version, list(words), gauss],
        "numpy": [
            str(name),
            np.asarray(keys).astype("<u4").tobytes().hex(),
            int(position),
            int(has_gauss),
            float(cached),
        ],
        "torch": _to_hex(torch.get_rng_state()),
        "cuda": cuda,
    }


def restore_rng(state: Mapping[str, Any]) -> None:
    """Put back what `capture_rng` gave; CUDA devices that are absent now are left out."""
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, np.frombuffer(bytes.fromhex(keys), dtype="<u4"), position, has_gauss, cached))
    torch.set_rng_state(_from_hex(state["torch"]))
    if torch.cuda.is_available():
        for index, text in state["cuda"].items():
            if int(index) < torch.cuda.device_count():
                torch.cuda.set_rng_state(_from_hex(text), int(index))
