"""Numbers with few binary digits: the same in float64, float32 and bfloat16: one stated value serves all three."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from threefold.witnesses.point import Array
from threefold.witnesses.registry import Cases

HUGE, TINY = 2.0**10, 2.0**-10
LARGE = 30.0  # from this scale on a vector is drawn to be large


def coarse(values: npt.ArrayLike) -> Array:
    """The values rounded to eight binary digits, those of bfloat16; still float64."""
    mantissa, exponent = np.frexp(np.asarray(values, dtype=np.float64))
    return np.asarray(np.ldexp(np.round(mantissa * 256) / 256, exponent), dtype=np.float64)


def normals(case: Cases, *shape: int, scale: float = 1.0) -> Array:
    """Standard normal numbers times a scale, of eight binary digits.

    Of a vector on a large scale the first coordinate lies off 0: it is large at every seed.
    """
    drawn = np.asarray(case.rng.standard_normal(shape))
    if scale >= LARGE and drawn.ndim:
        drawn[..., 0] += np.copysign(0.75, drawn[..., 0])
    return coarse(scale * drawn)


def between(case: Cases, low: float, high: float, *shape: int) -> Array:
    """Uniform numbers of eight binary digits."""
    return coarse(case.rng.uniform(low, high, shape))


def positive(case: Cases, low: float, high: float, *shape: int) -> Array:
    """Numbers e^u of eight binary digits, u uniform in [low, high]."""
    return coarse(np.exp(case.rng.uniform(low, high, shape)))


def edges(reached: Mapping[str, Any]) -> frozenset[str]:
    """The names of the edges that are reached."""
    return frozenset(name for name, there in reached.items() if there)


def sizes_reached(vectors: Iterable[Array]) -> dict[str, bool]:
    """Whether values are huge, tiny, or all zero somewhere among these vectors."""
    largest = [float(np.max(np.abs(v))) for v in vectors]
    return {
        "huge values": max(largest) > 100.0,
        "tiny values": 0.0 < max(largest) < 0.05,
        "zero vector": min(largest) == 0.0,
    }
