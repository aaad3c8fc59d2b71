"""Encoder outputs and codewords, bits and functions of them, shares of codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from derivations.refutation.laws import mp
from threefold.witnesses.cases.numbers import HUGE, TINY, between, edges, normals, positive, sizes_reached
from threefold.witnesses.cases.scores import exactly
from threefold.witnesses.point import Array, Point
from threefold.witnesses.registry import Cases


@dataclass(frozen=True)
class Quantised:
    """A code and its codeword, another one, vectors that are assigned; a bit; shares; a decoder's loss, quadratic."""

    code: Array
    codeword: Array
    other: Array
    assigned: Array
    beta: float
    chance: float
    bit: Array
    shares: tuple[Fraction, ...]
    curvature: float

    @property
    def edges(self) -> frozenset[str]:
        return edges(
            {
                "d = 1": len(self.code) == 1,
                "one vector": len(self.assigned) == 1,
                "one code": len(self.shares) == 1,
                "equal shares": len(self.shares) > 1 and len(set(self.shares)) == 1,
                "a fair bit": self.chance == 0.5,
                **sizes_reached((self.code, self.codeword)),
            }
        )

    def loss(self, e: Any) -> Any:
        """A decoder's loss of a codeword, in whatever numbers."""
        total = sum(v * v for v in e)
        made = exactly(self.curvature) if isinstance(total, mp.mpf) else self.curvature
        return made * total + sum(e)

    def point(self) -> Point:
        shares = {n: v for n, v in enumerate(self.shares, 1)}
        numbers = {
            "commitment": self.beta,
            "bit_chance": self.chance,
            "bit_curvature": self.bit[0],
            "bit_tilt": self.bit[1],
            "bit_rest": self.bit[2],
            "M": len(self.assigned),
            "K_v": len(self.shares),
        }
        vectors = {"encoder_output": self.code, "codeword": self.codeword, "other_codeword": self.other}
        exact: dict[str, Any] = {
            "decoder_loss": self.loss,
            "code_share": lambda k: shares[int(k)],
            "of_a_bit": lambda b: exactly(self.bit[0]) * b**3 + exactly(self.bit[1]),
        }
        made = Point(len(self.code), numbers, vectors=vectors, exact=exact)
        made.world().vectors |= {
            ("assigned_vector", n): tuple(Fraction(float(v)) for v in row) for n, row in enumerate(self.assigned, 1)
        }
        return made


@dataclass(frozen=True)
class Quantisations:
    share: int = 1
    must: frozenset[str] = frozenset(
        {"d = 1", "one vector", "one code", "equal shares", "a fair bit", "huge values", "tiny values"}
    )

    def draw(self, case: Cases) -> Iterator[Quantised]:
        for n in range(case.n // self.share):
            d, count, codes = n % 3 + 1, n % 4 + 1, 1 + (n // 2) % 4
            size = {3: HUGE, 5: TINY}.get(n % 8, 1.0)
            raw = [1] * codes if n % 3 == 1 else [int(v) for v in case.rng.integers(1, 20, codes)]
            chance = 0.5 if n % 5 == 2 else float(between(case, 0.05, 0.95))
            code, codeword, other = normals(case, 3, d, scale=size)
            yield Quantised(
                code,
                codeword,
                other,
                normals(case, count, d, scale=size),
                float(positive(case, -2, 1)),
                chance,
                normals(case, 3),
                tuple(Fraction(v, sum(raw)) for v in raw),
                float(positive(case, -1, 1)),
            )
