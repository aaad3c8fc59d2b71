"""The examples of the page "From Python" run, in its order, in an empty folder with one trained model."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import threefold
import torch_impl
from torch_impl.runs.open import open_run
from torch_impl.runs.presets import override, preset

PAGE = Path(__file__).parents[3] / "docs" / "train" / "python.md"


def test_every_example_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    changes = {"steps": 2, "warmup": 0, "batch_size": 16, "widths": (8,), "attention": (), "blocks": 1}
    open_run(override(preset("digits-ddpm"), changes), Path("runs/digits")).fit()
    examples = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    assert len(examples) >= 12
    names: dict[str, object] = {"__name__": "page"}
    for example in examples:
        exec(compile(example, str(PAGE), "exec"), names)
    assert len(list(Path("runs/watched/grids").glob("step-*.png"))) == 2
    assert Path("runs/mine/checkpoints/step-00000060").is_dir()
    assert Path("digits-unet/unet/config.json").is_file() and Path("digits-programs/denoiser.pt2").is_file()


def test_threefold_offers_the_names_of_torch_impl_and_loads_them_late() -> None:
    assert threefold.load is torch_impl.load and threefold.Trainer is torch_impl.Trainer
    assert {"load", "Trainer", "System", "Observer", "EMA", "DataSet", "UNet"} <= set(dir(threefold))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = threefold.nothing
    program = "import sys, threefold; threefold.__version__; print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_every_offered_name_exists() -> None:
    for name in torch_impl._EXPORTS:
        assert getattr(torch_impl, name) is not None


# -- loaders ----------------------------------------------------------------------------------------------------------


def positions(stream: torch_impl.LoaderBatches, count: int) -> list[list[float]]:
    return [next(stream).x.flatten().tolist() for _ in range(count)]


def shuffled(batch_size: int = 4, generator: torch.Generator | None = None) -> torch.utils.data.DataLoader:
    data = torch.utils.data.TensorDataset(torch.arange(10.0)[:, None], torch.arange(10) % 2)
    return torch.utils.data.DataLoader(data, batch_size=batch_size, shuffle=True, generator=generator)


@pytest.mark.parametrize("own", [False, True])
def test_the_order_of_a_loader_is_a_function_of_seed_and_position(own: bool) -> None:
    def stream(seed: int = 0) -> torch_impl.LoaderBatches:
        return torch_impl.LoaderBatches(shuffled(generator=torch.Generator() if own else None), seed=seed)

    before = torch.get_rng_state()
    whole = positions(stream(), 7)
    assert torch.equal(torch.get_rng_state(), before)
    assert whole[:2] != whole[2:4]  # another order in the next epoch
    assert sorted(x for batch in whole[:2] for x in batch) != whole[0] + whole[1]
    for stop in (1, 2, 3, 5):
        first = stream()
        positions(first, stop)
        later = stream()
        later.load_state_dict(first.state_dict())
        assert positions(later, 7 - stop) == whole[stop:]
        assert later.at(0).x.flatten().tolist() == whole[0]
    with pytest.raises(ValueError, match="has seed 0, this one 1"):
        stream(1).load_state_dict(stream().state_dict())


@pytest.mark.parametrize("item", [0, "x", (torch.arange(4),), {"y": torch.zeros(4, 2)}, [], torch.zeros(4), (None, 1)])
def test_what_is_no_batch_is_named(item: object) -> None:
    with pytest.raises(ValueError, match=r"the loader yields .*floats \(batch, \.\.\.\) are needed"):
        next(torch_impl.LoaderBatches([item]))


def test_batches_come_alone_in_pairs_and_in_dictionaries() -> None:
    x, y = torch.zeros(4, 2), torch.arange(4, dtype=torch.int32)
    for item in (x, (x,), [x, y], (x, y), {"x": x, "y": y}, torch_impl.Batch(x, y)):
        batch = next(torch_impl.LoaderBatches([item]))
        assert torch.equal(batch.x, x) and (batch.y is None or torch.equal(batch.y, y.long()))
    with pytest.raises(ValueError, match="one integer for each of 4 examples"):
        next(torch_impl.LoaderBatches([(x, y[:3])]))
    with pytest.raises(ValueError, match="no full batch in a whole epoch"):
        next(torch_impl.LoaderBatches([]))
    with pytest.raises(TypeError, match="iterated once only"):
        torch_impl.LoaderBatches(iter([x]))


def test_tensors_are_a_data_set_only_if_they_are_data() -> None:
    data = torch_impl.TensorData(torch.zeros(3, 2), torch.tensor([0, 2, 1]))
    assert data.classes == ("0", "1", "2") and len(data) == 3
    assert data.fingerprint != torch_impl.TensorData(torch.zeros(3, 2), torch.tensor([2, 0, 1])).fingerprint
    for x, y in (
        (torch.zeros(3, 2, dtype=torch.uint8), None),
        (torch.zeros(0, 2), None),
        (torch.full((2, 2), float("nan")), None),
        (torch.zeros(3, 2), torch.zeros(2, dtype=torch.int64)),
        (torch.zeros(3, 2), torch.tensor([0, -1, 0])),
        (torch.zeros(3, 2), torch.zeros(3)),
    ):
        with pytest.raises(ValueError, match="needed"):
            torch_impl.TensorData(x, y)
    with pytest.raises(ValueError, match="y reaches 2, and there are 2 classes"):
        torch_impl.TensorData(torch.zeros(3, 2), torch.tensor([0, 2, 1]), classes=("a", "b"))
