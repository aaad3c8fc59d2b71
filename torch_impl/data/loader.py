"""Examples of one's own: tensors in memory, and whatever a `DataLoader` of PyTorch yields."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from torch_impl.data.batches import Batch, Batches
from torch_impl.data.counter import key
from torch_impl.data.dataset import BadData, DataSet, fingerprint

__all__ = ["LoaderBatches", "TensorData", "as_batch", "as_stream"]


class TensorData(DataSet):
    """Examples that lie in memory as floating-point tensors.

    Args:
        x: (n, ...) floats, used as they are: images are to be in [-1, 1].
        y: labels (n,), integers from 0 on, or None.
        classes: names of the labels; by default their numbers.
        name: for messages.

    Raises:
        BadData: integers, no example, NaN, or labels that are not one number from 0 on for each example.
    """

    def __init__(
        self, x: Tensor, y: Tensor | None = None, *, classes: tuple[str, ...] | None = None, name: str = "tensors"
    ) -> None:
        if not x.is_floating_point() or x.ndim < 2 or len(x) == 0 or not bool(torch.isfinite(x).all()):
            raise BadData(
                f"{name}: x is {x.dtype} of shape {tuple(x.shape)}; finite floats (n, ...) with n >= 1 are needed, "
                "bytes for example as x / 127.5 - 1"
            )
        if y is not None:
            if y.shape != (len(x),) or y.is_floating_point() or int(y.min()) < 0:
                raise BadData(f"{name}: y is {y.dtype} of shape {tuple(y.shape)}; {len(x)} integers from 0 are needed")
            classes = classes or tuple(map(str, range(int(y.max()) + 1)))
            if int(y.max()) >= len(classes):
                raise BadData(f"{name}: y reaches {int(y.max())}, and there are {len(classes)} classes")
            y = y.long()
        self.name, self.split, self.size, self.shape = name, "train", len(x), tuple(x.shape[1:])
        self.x, self.labels, self.classes, self.device = x, y, classes, x.device
        total, spread = x.double().sum().item(), x.double().square().sum().item()
        held = None if y is None else [int(y.sum()), int((y * torch.arange(len(y), device=y.device)).sum())]
        self.fingerprint = fingerprint(name=name, size=self.size, shape=self.shape, sums=[total, spread, held])

    def read(self, index: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.x[index], None if self.labels is None else self.labels[index]


def as_batch(item: Any) -> Batch:
    """What a loader yields as a batch: x alone, (x, y), {"x": x, "y": y}, or an object with `x` and `y`.

    Raises:
        BadData: it is none of these, or x is no tensor of floats.
    """
    x, y = item, None
    if isinstance(item, Mapping):
        x, y = item.get("x"), item.get("y")
    elif isinstance(item, tuple | list) and not hasattr(item, "x"):
        x, y = item[0] if item else None, item[1] if len(item) > 1 else None
    elif not isinstance(item, Tensor):
        x, y = getattr(item, "x", None), getattr(item, "y", None)
    if not isinstance(x, Tensor) or not x.is_floating_point() or x.ndim < 2:
        found = f"{x.dtype} of shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise BadData(
            f"the loader yields {type(item).__name__} with {found} for x; floats (batch, ...) are needed, alone, as "
            "(x, y) or as {'x': x, 'y': y}"
        )
    if y is not None and not (isinstance(y, Tensor) and y.shape == x.shape[:1] and not y.is_floating_point()):
        raise BadData(f"the loader yields y that is not one integer for each of {len(x)} examples")
    return Batch(x, None if y is None else y.long(), torch.arange(len(x)))


class LoaderBatches:
    """An endless stream from a `torch.utils.data.DataLoader`, or from anything that can be iterated again and again.

    Epoch e is iterated with torch's generator (and the loader's own) seeded by (seed, e), so that the order of a
    shuffling loader is a function of seed and position and a resumed run goes on where it stopped.  What a data set
    draws for itself in the process of a worker is the workers' affair.  Batches that are shorter than the first (the
    last of an epoch) are left out.

    Args:
        loader: yields batches as `as_batch` reads them, of one size: `config.batch_size / config.accumulate`.
        seed: of the order.
        device: where batches go.
        world: processes that each have a loader of their own, with its part of the examples (a `DistributedSampler`).
    """

    def __init__(
        self, loader: Iterable[Any], *, seed: int = 0, device: torch.device | str = "cpu", world: int = 1
    ) -> None:
        if isinstance(loader, Iterator):
            raise TypeError(
                f"the loader is a {type(loader).__name__} that can be iterated once only; give a DataLoader, a list, "
                "or an object whose __iter__ starts anew"
            )
        self.loader, self.seed, self.device = loader, seed, torch.device(device)
        self.position, self.world = 0, world
        self._size: int | None = None
        self._per_epoch: int | None = None
        self._ahead: Iterator[Batch] | None = None

    def _epoch(self, epoch: int) -> Iterator[Batch]:
        """The full batches of one pass, in the order of its number."""
        number = key(self.seed, "epoch", epoch) % 2**63
        set_epoch = getattr(getattr(self.loader, "sampler", None), "set_epoch", None)
        if callable(set_epoch):
            set_epoch(epoch)
        own = getattr(self.loader, "generator", None)
        if isinstance(own, torch.Generator):
            own.manual_seed(number)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(number)
            items = iter(self.loader)
            first = next(items, None)  # what shuffles, shuffles now
        count = 0
        for item in self._with(first, items):
            batch = as_batch(item)
            self._size = self._size or len(batch.x)
            if len(batch.x) == self._size:
                count += 1
                yield batch
        if count == 0:
            raise BadData("the loader yields no full batch in a whole epoch; give it examples, or a smaller batch size")
        self._per_epoch = count

    @staticmethod
    def _with(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
        if first is not None:
            yield first
        yield from rest

    def _from(self, position: int) -> Iterator[Batch]:
        """Batches from a position on, without end; those before it are read and passed over."""
        skip, epoch = 0, 0
        if position:
            if self._size is None or self._per_epoch is None:
                for _ in self._epoch(0):
                    pass
            assert self._size is not None and self._per_epoch is not None
            epoch, skip = divmod(math.ceil(position / (self._size * self.world)), self._per_epoch)
        while True:
            for i, batch in enumerate(self._epoch(epoch)):
                if i >= skip:
                    yield batch
            epoch, skip = epoch + 1, 0

    def _moved(self, batch: Batch) -> Batch:
        x, y = (None if part is None else part.to(self.device, non_blocking=True) for part in (batch.x, batch.y))
        assert x is not None
        return Batch(x, y, batch.index)

    def __iter__(self) -> LoaderBatches:
        return self

    def __next__(self) -> Batch:
        if self._ahead is None:
            self._ahead = self._from(self.position)
        batch = next(self._ahead)
        self.position += len(batch.x) * self.world
        return self._moved(batch)

    def at(self, position: int) -> Batch:
        """The batch that starts at a position; the stream does not move."""
        return self._moved(next(self._from(position)))

    def state_dict(self) -> dict[str, Any]:
        """Position and seed."""
        return {"position": self.position, "seed": self.seed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state; ValueError if it is of another seed."""
        if state.get("seed") != self.seed:
            raise ValueError(
                f"the stored data stream has seed {state.get('seed')!r}, this one {self.seed}; resume with the seed "
                "that the run began with"
            )
        position = state.get("position")
        if not isinstance(position, int) or position < 0:
            raise ValueError(f"the stored data stream has position {position!r}; a count of examples is needed")
        self.position, self._ahead = position, None


def as_stream(
    batches: Any, *, batch_size: int, seed: int, rank: int = 0, world: int = 1, device: torch.device | str = "cpu"
) -> Any:
    """The stream of batches that was given, or that of a `DataSet` or a loader.

    Args:
        batches: a stream (it has `at`, `state_dict` and `load_state_dict`), a `DataSet`, or what `LoaderBatches` takes.
        batch_size: examples of a batch over all processes, for a `DataSet`; a loader brings its own.
        seed: of the order.
        rank, world: this process among how many.
        device: where batches go.
    """
    if isinstance(batches, DataSet):
        return Batches(batches, batch_size=batch_size, seed=seed, rank=rank, world=world, device=device)
    if all(hasattr(batches, name) for name in ("__next__", "at", "state_dict", "load_state_dict")):
        return batches
    return LoaderBatches(batches, seed=seed, device=device, world=world)
