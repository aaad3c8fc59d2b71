"""An endless stream of batches whose order is a pure function of (seed, position): nothing to save but one integer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from torch_impl.data import counter
from torch_impl.data.dataset import BadData, DataSet, scaled

__all__ = ["Batch", "Batches"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples on the device: x float32 (images in [-1, 1]), labels or None, and which examples they are."""

    x: Tensor
    y: Tensor | None
    index: Tensor


class Batches:
    """Batches of a data set without end, one fresh permutation of it after another, no example left out.

    Position p is the p-th example ever used, by all processes together; epoch p // size has the permutation of
    (seed, epoch), and sets without a size give position p the example p.  Process `rank` of `world` gets its slice
    of each global batch, so the global batch does not depend on how many processes share it.

    Sets in memory live on the device as uint8: a batch there is one look-up and one cast, and nothing waits.  Sets that
    are slow to read come through `workers` processes and pinned memory; reading ahead does not change `position`.

    Args:
        data: moved to `device` where it can.
        batch_size: examples of a global batch; `world` divides it.
        seed: of order and flips.
        rank, world: this process among how many.
        device: where batches are wanted.
        workers: processes that read ahead, for sets that are slow to read; 0 reads when asked.
        shuffle: False takes the examples in their own order.
        flip: mirror each image left to right with probability 1/2, a function of (seed, position).
    """

    def __init__(
        self,
        data: DataSet,
        batch_size: int,
        *,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        device: torch.device | str = "cpu",
        workers: int = 0,
        shuffle: bool = True,
        flip: bool = False,
    ) -> None:
        if world < 1 or not 0 <= rank < world:
            raise ValueError(f"rank {rank} of {world} processes; rank must be in 0..{world - 1}")
        if batch_size < 1 or batch_size % world:
            raise ValueError(
                f"batch size {batch_size} cannot be shared by {world} processes; choose a multiple of {world}"
            )
        if workers < 0:
            raise ValueError(f"workers = {workers}; it must not be negative")
        if flip and len(data.shape) != 3:
            raise ValueError(f"flip mirrors images, but {data.name} has examples of shape {data.shape}")
        self.device = torch.device(device)
        self.data = data.to(self.device)
        self.batch_size, self.seed, self.rank, self.world = batch_size, seed, rank, world
        self.shuffle, self.flip = shuffle, flip
        self.workers = workers if data.slow else 0
        self.position = 0
        self._orders: dict[int, Tensor] = {}
        self._ahead: Iterator[Any] | None = None
        self._made: tuple[int, list[Batch]] = (-1, [])

    @property
    def epoch(self) -> float:
        """Passes through the data so far; 0 for sets without a size."""
        return self.position / self.data.size if self.data.size else 0.0

    def _order(self, epoch: int) -> Tensor:
        """The permutation of an epoch, on the device of the data; it travels there once."""
        if epoch not in self._orders:
            size = len(self.data)
            order = torch.arange(size)
            if self.shuffle:
                generator = torch.Generator().manual_seed(counter.key(self.seed, "order", epoch) & (2**63 - 1))
                order = torch.randperm(size, generator=generator)
            if self.data.device.type == "cuda":
                order = order.pin_memory()
            kept = {e: o for e, o in self._orders.items() if e == epoch - 1}
            self._orders = {**kept, epoch: order.to(self.data.device, non_blocking=True)}
        return self._orders[epoch]

    def indices(self, position: int) -> Tensor:
        """Which examples this process gets of the global batch starting at a position; int64, on the data's device."""
        share = self.batch_size // self.world
        start, count = position + self.rank * share, share
        if self.data.size is None:
            return torch.arange(start, start + count, device=self.data.device)
        pieces: list[Tensor] = []
        while count > 0:
            epoch, offset = divmod(start, self.data.size)
            piece = self._order(epoch)[offset : offset + count]
            pieces.append(piece)
            start, count = start + len(piece), count - len(piece)
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def at(self, position: int) -> Batch:
        """The batch that starts at a position, read now; the stream does not move."""
        if position < 0:
            raise ValueError(f"position {position} must not be negative")
        index = self.indices(position)
        return self._finish(position, index, *self.data.read(index))

    def _finish(self, position: int, index: Tensor, raw: Tensor, y: Tensor | None = None) -> Batch:
        x = scaled(raw.to(self.device, non_blocking=True), self.data.levels)
        if self.flip:
            share = self.batch_size // self.world
            places = torch.arange(share, device=self.device) + (position + self.rank * share)
            mirrored = counter.uniform(counter.key(self.seed, "flip"), places) < 0.5
            x = torch.where(mirrored[:, None, None, None], x.flip(3), x)
        return Batch(x, None if y is None else y.to(self.device, non_blocking=True), index)

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> Batch:
        position = self.position
        if self.data.size is None and not self.data.slow:
            batch = self._from_block(position)
        elif self.workers:
            batch = self._finish(position, *self._next_read(position))
        else:
            batch = self.at(position)
        self.position = position + self.batch_size
        return batch

    def _from_block(self, position: int) -> Batch:
        """A batch of a set made on the fly: several are made at once, which costs hardly more than one."""
        start, made = self._made
        number, rest = divmod(position - start, self.batch_size)
        if start < 0 or rest or not 0 <= number < len(made):
            many = max(1, min(4096, 2**20 // math.prod(self.data.shape)) // self.batch_size)
            places = [self.indices(position + i * self.batch_size) for i in range(many)]
            raw, y = self.data.read(torch.cat(places))
            raws = torch.chunk(raw, many)
            labels = [None] * many if y is None else torch.chunk(y, many)
            made = [
                self._finish(position + i * self.batch_size, *batch)
                for i, batch in enumerate(zip(places, raws, labels, strict=True))
            ]
            self._made, number = (position, made), 0
        return made[number]

    def _next_read(self, position: int) -> Any:
        if self._ahead is None:
            self._ahead = self._read_ahead(position)
        try:
            return next(self._ahead)
        except BadData as error:  # it comes with the worker's traceback for a message
            reason = str(error).rpartition("BadData: ")[2].strip()
            error.__traceback__ = None  # it refers to itself through its frames, and so would keep the workers alive
        self.close()
        raise BadData(reason)

    def _read_ahead(self, position: int) -> Iterator[Any]:
        loader: DataLoader[Any] = DataLoader(
            _Reader(self.data),
            batch_size=None,
            sampler=_Positions(self, position),
            num_workers=self.workers,
            pin_memory=self.device.type == "cuda",
            prefetch_factor=4,
            generator=torch.Generator(),  # or it would draw from the global one
        )
        return iter(loader)

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on: position, and what must be equal then."""
        return {
            "position": self.position,
            "seed": self.seed,
            "fingerprint": self.data.fingerprint,
            "shuffle": self.shuffle,
            "flip": self.flip,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state; ValueError if it belongs to other data or another order."""
        mine = self.state_dict()
        if state.get("fingerprint") != mine["fingerprint"]:
            raise ValueError(
                f"the data are not those that the run began with (fingerprint {state.get('fingerprint')!r} then, "
                f"{mine['fingerprint']!r} now): other files, other contents, or a checkpoint from before contents "
                "counted; give the data as they were, or begin a new run with another --out"
            )
        for key in ("seed", "shuffle", "flip"):
            if state.get(key) != mine[key]:
                raise ValueError(
                    f"the stored data stream has {key} {state.get(key)!r}, this one {mine[key]!r}; "
                    "resume with the data and the seed that the run began with"
                )
        position = state.get("position")
        if not isinstance(position, int) or position < 0:
            raise ValueError(f"the stored data stream has position {position!r}; a count of examples is needed")
        self.close()
        self.position = position

    def close(self) -> None:
        """Stop reading ahead."""
        self._ahead = None


class _Positions(Sampler[Tensor]):
    """Indices of one batch after another, without end."""

    def __init__(self, batches: Batches, position: int) -> None:
        self.batches, self.position = batches, position

    def __iter__(self) -> Iterator[Tensor]:
        position = self.position
        while True:
            yield self.batches.indices(position)
            position += self.batches.batch_size


class _Reader(Dataset[Any]):
    """Reads the examples of one index tensor, in a worker."""

    def __init__(self, data: DataSet) -> None:
        self.data = data

    def __getitem__(self, index: Tensor) -> Any:
        raw, labels = self.data.read(index)
        return (index, raw) if labels is None else (index, raw, labels)
