"""Randomness of one training step as a pure function of (seed, step), on however many processes.

The global batch is cut into a fixed number of blocks.  Block b of step n has a generator of its own, seeded by
(seed, n, b); a process draws for the blocks it owns.  So a run resumed at step n draws what the unbroken run drew, and
two processes with half the batch each draw what one process with the whole batch draws.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

__all__ = ["Draws", "SampleDraws", "seed_from"]


def seed_from(*parts: int | str) -> int:
    """A 63-bit seed from a tuple of integers and words; different tuples give unrelated seeds."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


_STRIDE = 0x9E3779B97F4A7C15  # odd: the blocks of a step have seeds far apart


class Draws:
    """Random numbers for a run of consecutive examples of a global batch.

    Args:
        seed: of the run.
        batch_size: examples in the global batch.
        blocks: number of equal blocks the global batch is cut into; divides `batch_size`.
        device: where the numbers are drawn and returned.
        stream: a word that separates training from other uses of the same seed.

    Call `at` before drawing: it selects the step and this process's examples and seeds the generators.
    Draws are made in call order: the k-th call of a step gives the same numbers in every process.
    """

    def __init__(
        self, seed: int, batch_size: int, blocks: int = 1, device: torch.device | str = "cpu", stream: str = "train"
    ) -> None:
        if batch_size < 1 or blocks < 1 or batch_size % blocks:
            raise ValueError(
                f"{blocks} blocks do not divide a batch of {batch_size}; choose blocks that divide the batch size"
            )
        self.seed, self.batch_size, self.blocks, self.stream = seed, batch_size, blocks, stream
        self.device = torch.device(device)
        self.block_size = batch_size // blocks
        self._generators: dict[int, torch.Generator] = {}
        self._shared = torch.Generator(self.device)
        self._shared_seed: int | None = None  # not given to it yet: few steps ask for it
        self.step, self.first, self.count = -1, 0, 0
        self._owned: Sequence[int] = ()

    def at(self, step: int, first: int = 0, count: int | None = None) -> Draws:
        """Select examples `first` to `first + count` of the global batch of `step`; whole blocks only."""
        count = self.batch_size - first if count is None else count
        if first % self.block_size or count % self.block_size or not 0 <= first < first + count <= self.batch_size:
            raise ValueError(
                f"examples {first}..{first + count} are not whole blocks of {self.block_size} in a batch of "
                f"{self.batch_size}; "
                "processes x accumulation must divide the number of blocks"
            )
        self.step, self.first, self.count = step, first, count
        self._owned = range(first // self.block_size, (first + count) // self.block_size)
        base = seed_from(self.seed, self.stream, step)
        for block in self._owned:
            if block not in self._generators:
                self._generators[block] = torch.Generator(self.device)
            self._generators[block].manual_seed((base + block * _STRIDE) % 2**63)
        self._shared_seed = (base + self.blocks * _STRIDE) % 2**63
        return self

    def _empty(self, shape: Sequence[int], dtype: torch.dtype | None) -> Tensor:
        if not shape or shape[0] != self.count:
            raise ValueError(
                f"draws were selected for {self.count} examples, but the shape asked for is {tuple(shape)}; its first "
                f"size must match"
            )
        return torch.empty(tuple(shape), dtype=dtype or torch.float32, device=self.device)

    def _parts(self, whole: Tensor) -> Iterable[tuple[Tensor, int]]:
        """The part of each block that this process owns."""
        parts = torch.split(whole, self.block_size) if len(self._owned) > 1 else (whole,)
        return zip(parts, self._owned, strict=True)

    def normal(self, *shape: int, dtype: torch.dtype | None = None) -> Tensor:
        """Standard normal numbers; the first size is the number of selected examples."""
        result = self._empty(shape, dtype)
        for part, block in self._parts(result):
            part.normal_(generator=self._generators[block])
        return result

    def normal_like(self, tensor: Tensor) -> Tensor:
        """Standard normal numbers of a tensor's shape and dtype (float32 for integer tensors)."""
        return self.normal(*tensor.shape, dtype=tensor.dtype if tensor.is_floating_point() else None)

    def uniform(self, *shape: int, dtype: torch.dtype | None = None) -> Tensor:
        """Uniform numbers in [0, 1); the first size is the number of selected examples."""
        result = self._empty(shape, dtype)
        for part, block in self._parts(result):
            part.uniform_(generator=self._generators[block])
        return result

    def timesteps(self, T: int, stratified: bool = False) -> Tensor:
        """Integer times in 1..T for the selected examples, each uniform on 1..T.

        `stratified` cuts 1..T into as many equal strata as the *global* batch has examples and gives each example one
        of them, in random order: the mean over the batch then has far less variance, and each marginal stays uniform.
        """
        unit = self.stratified() if stratified else self.uniform(self.count)
        return (unit * T).long().clamp_(max=T - 1).add_(1)

    def stratified(self) -> Tensor:
        """Numbers in [0, 1), float64: one in each of as many equal strata as the global batch has, in random order."""
        shared = self.shared()
        order = torch.randperm(self.batch_size, generator=shared, device=self.device)
        jitter = torch.rand(self.batch_size, generator=shared, device=self.device, dtype=torch.float64)
        unit = (order.to(torch.float64) + jitter) / self.batch_size
        return unit[self.first : self.first + self.count]

    def generators(self) -> list[torch.Generator]:
        """Those that the selected examples draw from, and the shared one."""
        return [*(self._generators[block] for block in self._owned), self._shared]

    def shared(self) -> torch.Generator:
        """A generator whose numbers are the same on all processes at this step (for decisions that all must share)."""
        if self._shared_seed is not None:
            self._shared.manual_seed(self._shared_seed)
            self._shared_seed = None
        return self._shared


class SampleDraws:
    """Random numbers for samples 0, 1, ..., n - 1: what sample i is given does not depend on n.

    Samples come in blocks of eight, each with a generator of its own, from which a whole block is drawn even where the
    last samples of it are not asked for.

    Args:
        generator: gives the seed of all blocks, by one draw; numbers live on its device.
        n: how many samples.
    """

    BLOCK = 8

    def __init__(self, generator: torch.Generator, n: int) -> None:
        self.n, self.device = n, generator.device
        base = int(torch.randint(2**63 - 1, (), generator=generator, device=self.device))
        blocks = -(-n // self.BLOCK)
        self._generators = [
            torch.Generator(self.device).manual_seed((base + block * _STRIDE) % 2**63) for block in range(blocks)
        ]

    def _blocks(
        self, shape: Sequence[int], dtype: torch.dtype
    ) -> tuple[Tensor, Iterable[tuple[Tensor, torch.Generator]]]:
        if not shape or shape[0] != self.n:
            raise ValueError(f"draws are for {self.n} samples, but the shape asked for is {tuple(shape)}")
        whole = torch.empty((len(self._generators) * self.BLOCK, *shape[1:]), dtype=dtype, device=self.device)
        return whole[: self.n], zip(torch.split(whole, self.BLOCK), self._generators, strict=True)

    def normal(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Standard normal numbers; the first size is the number of samples."""
        result, blocks = self._blocks(shape, dtype)
        for part, generator in blocks:
            part.normal_(generator=generator)
        return result

    def uniform(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Uniform numbers in [0, 1); the first size is the number of samples."""
        result, blocks = self._blocks(shape, dtype)
        for part, generator in blocks:
            part.uniform_(generator=generator)
        return result

    def noise(self, shape: torch.Size, step: int) -> Tensor:
        """The noise of one step of a sampler, in loop order (the `noise_fn` of `torch_impl.sample`)."""
        del step
        return self.normal(*shape)

    def choice(self, probabilities: Tensor) -> Tensor:
        """One column index for each row of (n, K) weights, drawn in proportion to them; int64 (n,)."""
        ends = probabilities.double().cumsum(1)
        places = self.uniform(self.n, 1, dtype=torch.float64) * ends[:, -1:]
        return torch.searchsorted(ends, places, right=True).squeeze(1).clamp_(max=probabilities.shape[1] - 1)
