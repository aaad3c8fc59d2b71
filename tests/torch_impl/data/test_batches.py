"""The stream of batches: its order is a function of (seed, position), whoever asks, however many share it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from torch_impl.data import Batches, DataSet, load
from torch_impl.data.images import ImageArray


def numbered(size: int) -> ImageArray:
    """Images that say their number: two grey pixels."""
    n = np.arange(size)
    images = np.stack([n % 256, n // 256], axis=1).astype(np.uint8).reshape(size, 1, 1, 2)
    return ImageArray("numbered", "train", torch.from_numpy(images), torch.from_numpy(n % 7))


def numbers(x: torch.Tensor) -> list[int]:
    pixels = ((x + 1) * 127.5).round().long().flatten(1)
    return [int(a + 256 * b) for a, b in pixels.tolist()]


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    for i in range(20):
        Image.fromarray(np.full((8, 8, 3), 10 * i, dtype=np.uint8)).save(tmp_path / f"{i:02d}.png")
    return tmp_path


def test_each_epoch_sees_every_example_once_and_in_another_order() -> None:
    batches = Batches(numbered(30), 7, seed=3)
    seen = [i for _ in range(30) for i in next(batches).index.tolist()]
    epochs = [seen[i : i + 30] for i in range(0, 210, 30)]
    assert all(sorted(epoch) == list(range(30)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 7
    assert batches.position == 210 and batches.epoch == 7.0


def test_a_batch_holds_the_examples_its_index_names() -> None:
    batches = Batches(numbered(1000), 64)
    for _ in range(20):
        batch = next(batches)
        assert numbers(batch.x) == batch.index.tolist()
        assert batch.y is not None and batch.y.tolist() == [i % 7 for i in batch.index.tolist()]


def test_a_batch_may_be_larger_than_the_set() -> None:
    batch = next(Batches(numbered(5), 12))
    count = np.bincount(batch.index.numpy())
    assert len(batch.x) == 12 and sorted(count.tolist()) == [2, 2, 2, 3, 3]


@pytest.mark.parametrize("name", ["digits", "glyphs", "mixture:ring8"])
def test_batches_are_a_function_of_seed_and_position(name: str) -> None:
    stream = Batches(load(name), 24, seed=5)
    taken = [next(stream) for _ in range(60)]
    other = Batches(load(name), 24, seed=5)
    for i in (59, 0, 30, 31):
        again = other.at(24 * i)
        assert torch.equal(again.x, taken[i].x) and torch.equal(again.index, taken[i].index)
        assert taken[i].y is not None and again.y is not None and torch.equal(again.y, taken[i].y)
    assert other.position == 0


def test_another_seed_gives_another_order() -> None:
    first, second = (next(Batches(numbered(500), 50, seed=seed)).index.tolist() for seed in (0, 1))
    assert first != second


@pytest.mark.parametrize("name", ["digits", "mixture:two"])
@pytest.mark.parametrize("world", [2, 4])
def test_processes_share_the_global_batch_in_slices(name: str, world: int) -> None:
    whole = Batches(load(name), 16)
    shares = [Batches(load(name), 16, rank=rank, world=world) for rank in range(world)]
    for _ in range(100):
        batch, parts = next(whole), [next(share) for share in shares]
        assert torch.equal(batch.x, torch.cat([part.x for part in parts]))
        assert torch.equal(batch.index, torch.cat([part.index for part in parts]))
        assert all(share.position == whole.position for share in shares)


@pytest.mark.parametrize("stop", [0, 1, 17])
def test_resuming_goes_on_where_it_stopped_on_any_number_of_processes(stop: int) -> None:
    unbroken = Batches(numbered(50), 12, seed=2)
    for _ in range(stop):
        next(unbroken)
    state = unbroken.state_dict()
    resumed = Batches(numbered(50), 12, seed=2)
    resumed.load_state_dict(state)
    halves = [Batches(numbered(50), 12, seed=2, rank=rank, world=2) for rank in range(2)]
    for half in halves:
        half.load_state_dict(state)
    for _ in range(10):
        expected = next(unbroken).index
        assert torch.equal(next(resumed).index, expected)
        assert torch.equal(torch.cat([next(half).index for half in halves]), expected)


def test_a_state_of_other_data_or_another_order_is_refused() -> None:
    state = Batches(numbered(50), 12, seed=2).state_dict()
    for other, word in [
        (Batches(numbered(51), 12, seed=2), "not those that the run began with .* begin a new run with another --out"),
        (Batches(numbered(50), 12, seed=3), "seed 2, this one 3"),
        (Batches(numbered(50), 12, seed=2, shuffle=False), "shuffle True, this one False"),
        (Batches(numbered(50), 12, seed=2, flip=True), "flip False, this one True"),
    ]:
        with pytest.raises(ValueError, match=word):
            other.load_state_dict(state)
    for position in (-1, "3", None):
        with pytest.raises(ValueError, match="position"):
            Batches(numbered(50), 12, seed=2).load_state_dict({**state, "position": position})


def test_without_shuffling_the_order_is_the_sets_own() -> None:
    batches = Batches(numbered(10), 4, shuffle=False)
    assert [next(batches).index.tolist() for _ in range(3)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]]


def test_sets_without_end_never_repeat() -> None:
    batches = Batches(load("mixture:ring8"), 100)
    points = torch.cat([next(batches).x for _ in range(50)])
    assert len(torch.unique(points, dim=0)) == 5000
    assert batches.epoch == 0.0


def test_flips_mirror_half_of_the_images_by_position() -> None:
    plain, flipped = Batches(numbered(4000), 2000, seed=1), Batches(numbered(4000), 2000, seed=1, flip=True)
    a, b = next(plain), next(flipped)
    mirrored = (b.x == a.x.flip(3)).all(dim=(1, 2, 3))
    straight = (b.x == a.x).all(dim=(1, 2, 3))
    assert (mirrored | straight).all()
    assert abs((mirrored & ~straight).double().mean().item() - 0.5) < 5 * 0.5 / 2000**0.5
    assert torch.equal(flipped.at(0).x, b.x)
    halves = [next(Batches(numbered(4000), 2000, seed=1, flip=True, rank=r, world=2)).x for r in range(2)]
    assert torch.equal(torch.cat(halves), b.x)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_give_the_same_batches_in_the_same_order(picture_folder: Path, workers: int) -> None:
    def stream(workers: int) -> Batches:
        return Batches(load("folder", "all", root=picture_folder, image_size=8), 6, seed=4, workers=workers)

    alone, helped = stream(0), stream(workers)
    for _ in range(9):
        a, b = next(alone), next(helped)
        assert torch.equal(a.x, b.x) and torch.equal(a.index, b.index) and b.y is None
        assert helped.position == alone.position
    state = helped.state_dict()
    expected = [next(alone).x for _ in range(3)]
    for _ in range(2):  # reading ahead has gone further than the position says; going back starts afresh
        helped.load_state_dict(state)
        assert all(torch.equal(next(helped).x, x) for x in expected)
    helped.close()


@pytest.mark.parametrize("name", ["digits", "glyphs", "mixture:two", "folder"])
def test_the_global_generator_is_not_touched(name: str, picture_folder: Path) -> None:
    data: DataSet = load(name, "all", root=picture_folder, image_size=8) if name == "folder" else load(name)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    batches = Batches(data, 8, workers=1, flip=name != "mixture:two")
    for _ in range(3):
        next(batches)
    assert torch.equal(torch.get_rng_state(), before)
    batches.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch size 0"),
        ({"batch_size": 10, "world": 4}, "batch size 10 cannot be shared by 4 processes; choose a multiple of 4"),
        ({"batch_size": 8, "rank": 2, "world": 2}, r"rank 2 of 2 processes; rank must be in 0..1"),
        ({"batch_size": 8, "workers": -1}, "workers = -1"),
    ],
)
def test_impossible_streams_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Batches(numbered(10), **options)


def test_points_cannot_be_mirrored_and_positions_are_not_negative() -> None:
    with pytest.raises(ValueError, match="flip mirrors images"):
        Batches(load("mixture:two"), 8, flip=True)
    with pytest.raises(ValueError, match="position -8"):
        Batches(numbered(10), 8).at(-8)
