"""Networks that witnesses ask: polynomials, another one at each time, exact in the oracle's numbers.

Of degree 2 at most, so that averages over Gauss-Hermite points (or, for affine ones, over noises +1 and -1) are exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from derivations.refutation.laws import mp, number
from threefold.witnesses.cases.numbers import coarse
from threefold.witnesses.point import Array
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Network:
    """shift[t] + slope[t]^T x + bend[t]^T x^2: shapes (T, out), (T, in, out), (T, in, out); t counts from 1."""

    shift: Array
    slope: Array
    bend: Array

    @classmethod
    def draw(cls, case: Cases, inputs: int, outputs: int, T: int = 1, *, affine: bool = False) -> Network:
        """Coefficients of eight binary digits."""
        shift = coarse(case.rng.standard_normal((T, outputs)))
        slope = coarse(case.rng.standard_normal((T, inputs, outputs)))
        bend = coarse(0.2 * case.rng.standard_normal((T, inputs, outputs)))
        return cls(shift, slope, 0 * bend if affine else bend)

    def __call__(self, x: Any, t: Any = 1) -> Array:
        """At one x of shape (in,) or a batch (n, in); NumPy."""
        at, z = int(t) - 1, np.asarray(x, dtype=np.float64)
        return np.asarray(self.shift[at] + z @ self.slope[at] + np.square(z) @ self.bend[at])

    @classmethod
    def diagonal(cls, case: Cases, d: int, T: int, *, affine: bool = False) -> Network:
        """Another network in each of d coordinates, which do not see one another."""
        drawn = cls.draw(case, d, d, T, affine=affine)
        return cls(drawn.shift, drawn.slope * np.eye(d), drawn.bend * np.eye(d))

    def coordinate(self, c: int) -> Network:
        """The network of one coordinate of a diagonal one."""
        part = slice(c, c + 1)
        return Network(self.shift[:, part], self.slope[:, part, part], self.bend[:, part, part])

    def scalar(self, x: Array, t: int = 1) -> Array:
        """A batch (n,) of one coordinate each, for what `reference` takes: (n,)."""
        return self(np.asarray(x)[:, None], t)[:, 0]

    def exact(self, x: Any, t: Any = 1) -> tuple[Any, ...]:
        """At one x, a tuple of the oracle's 30-digit numbers."""
        at = int(t) - 1
        return tuple(
            mp.mpf(self.shift[at, c])
            + mp.fsum(mp.mpf(self.slope[at, i, c]) * v + mp.mpf(self.bend[at, i, c]) * v * v for i, v in enumerate(x))
            for c in range(self.shift.shape[1])
        )

    def shifted(self, t: int, by: Fraction, only: int | None = None) -> Callable[..., tuple[Any, ...]]:
        """The same, exactly, with `by` added at time t to every output, or to `only` one of them."""

        def moved(x: Any, at: Any) -> tuple[Any, ...]:
            here = number(by) if int(at) == t else 0
            return tuple(v + (here if only in (None, c) else 0) for c, v in enumerate(self.exact(x, at)))

        return moved

    def first(self, x: Any, t: Any = 1) -> Any:
        """The first output alone, exactly: a scalar function of a vector."""
        return self.exact(x, t)[0]
