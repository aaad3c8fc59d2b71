"""What a run leaves behind for people: metrics, pictures, a report that stands alone."""

from __future__ import annotations

import io
import json
import math
import re
import sys
import types

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console

from torch_impl.pictures.album import latent_map
from torch_impl.pictures.images import image_grid, png_bytes, save_images, to_uint8
from torch_impl.runs.portraits import write_portraits
from torch_impl.runs.report import write_report
from torch_impl.systems.onestep import OneStepConfig
from torch_impl.systems.vae import VAESystemConfig
from torch_impl.training import StoredCheckpoint, TrainResult, read_metrics
from torch_impl.training.metrics import MeanAccumulator, MetricsFile
from torch_impl.training.progress import Observers, TensorBoardObserver, TerminalObserver, duration
from torch_impl.training.system import Batch

# -- metrics -----------------------------------------------------------------------------------------------------------


def test_means_are_those_of_the_window_and_leave_out_what_is_not_finite():
    means = MeanAccumulator()
    for value in (1.0, math.nan, 4.0, math.inf):
        means.add({"a": torch.tensor(value), "b": torch.tensor(2.0)})
    assert means.read() == {"a": 2.5, "b": 2.0}
    means.add({"a": torch.tensor(7.0), "b": torch.tensor(math.nan)})
    window = means.read()
    assert window["a"] == 7.0 and math.isnan(window["b"])


def test_changing_names_are_refused():
    means = MeanAccumulator()
    means.add({"a": torch.tensor(1.0)})
    with pytest.raises(ValueError, match="same names"):
        means.add({"b": torch.tensor(1.0)})


def test_an_open_window_survives_json():
    means, again = MeanAccumulator(), MeanAccumulator()
    values = torch.rand(7, generator=torch.Generator().manual_seed(0))
    for value in values[:4]:
        means.add({"a": value})
    again.load_state(json.loads(json.dumps(means.state())))
    for value in values[4:]:
        again.add({"a": value})
        means.add({"a": value})
    assert again.read() == means.read()


def test_metrics_are_json_even_where_not_finite(tmp_path):
    file = MetricsFile(tmp_path / "m.jsonl")
    file.write({"step": 1, "loss": math.nan, "x": 0.1})
    assert list(read_metrics(tmp_path / "m.jsonl")) == [{"step": 1, "loss": None, "x": 0.1}]


# -- pictures ----------------------------------------------------------------------------------------------------------


def test_pixels_reach_both_ends_and_clip():
    images = torch.tensor([-2.0, -1.0, 0.0, 1.0, 3.0]).view(5, 1, 1, 1)
    assert to_uint8(images)[:, 0, 0, 0].tolist() == [0, 0, 128, 255, 255]


def test_a_grid_keeps_every_image_in_reading_order():
    images = torch.linspace(-1, 1, 6).view(6, 1, 1, 1).expand(6, 1, 40, 40)
    grid = image_grid(images, columns=3)
    assert grid.shape == (2 * 41 + 1, 3 * 41 + 1, 3)
    middles = [int(grid[20 + 41 * row, 20 + 41 * column, 0]) for row in range(2) for column in range(3)]
    assert middles == [0, 51, 102, 153, 204, 255]


def test_small_images_are_magnified_without_smoothing():
    image = torch.tensor([[-1.0, 1.0], [1.0, -1.0]]).view(1, 1, 2, 2)
    grid = image_grid(image)[1:-1, 1:-1, 0]
    assert grid.shape == (32, 32) and set(np.unique(grid)) == {0, 255}


def test_png_gives_the_pixels_back(tmp_path):
    images = torch.rand(3, 3, 5, 5) * 2 - 1
    save_images(tmp_path / "x.png", images, columns=3)
    with Image.open(tmp_path / "x.png") as picture:
        assert np.array_equal(np.asarray(picture), image_grid(images, 3))
    assert len(png_bytes(image_grid(images[:, :1], 3))) < len(png_bytes(image_grid(images, 3)))


# -- portraits and report ----------------------------------------------------------------------------------------------


def examples(n: int = 48) -> Batch:
    generator = torch.Generator().manual_seed(0)
    return Batch(torch.rand(n, 1, 8, 8, generator=generator) * 2 - 1, torch.arange(n) % 10)


def test_a_vae_is_portrayed_with_reconstructions_interpolations_and_the_map_of_its_latents(tmp_path):
    system = VAESystemConfig(8, 1, 10, hidden=(16,), latent_dim=3).build().eval()
    written = write_portraits(system, examples(), tmp_path, classes=[str(i) for i in range(10)])
    assert {path.stem for path in written} == {"samples", "reconstructions", "interpolations", "latent-map"}
    assert all(0 < path.stat().st_size < 200_000 for path in written)


@pytest.mark.parametrize(
    ("n", "dim", "mapped"), [(48, 1, True), (48, 2, True), (1, 1, True), (2, 3, False), (9, 3, False)]
)
def test_a_map_is_drawn_of_one_latent_and_of_no_more_than_there_are_images_for(tmp_path, n, dim, mapped):
    system = VAESystemConfig(8, 1, 10, hidden=(16,), latent_dim=dim).build().eval()
    written = write_portraits(system, examples(n), tmp_path)
    assert ("latent-map" in {path.stem for path in written}) == mapped
    assert all(path.stat().st_size for path in written)


def test_latents_in_one_place_are_drawn_without_a_warning(tmp_path, recwarn):
    latent_map(tmp_path / "map.png", torch.ones(30, 5), torch.arange(30) % 3)
    assert (tmp_path / "map.png").stat().st_size and not [w for w in recwarn if w.category is RuntimeWarning]


def test_interpolations_start_and_end_at_reconstructions():
    system = VAESystemConfig(8, 1, 10, hidden=(16,), latent_dim=3).build().eval()
    x = examples(4).x
    path = system.interpolate(x, steps=5).view(2, 5, 1, 8, 8)
    torch.testing.assert_close(path[:, 0], system.model.reconstruct(x[0::2]))
    torch.testing.assert_close(path[:, -1], system.model.reconstruct(x[1::2]))


def test_a_one_step_model_is_portrayed_under_both_priors(tmp_path):
    written = write_portraits(OneStepConfig(8, 1, 10, widths=(8, 8)).build().eval(), examples(), tmp_path)
    assert {path.stem for path in written} == {"denoising", "samples-normal", "samples-matched"}


def test_the_report_is_one_file_that_asks_for_nothing_else(tmp_path, small_run):
    small_run.make(tmp_path).fit()
    save_images(tmp_path / "portraits-not-here.png", examples().x)
    (tmp_path / "portraits").mkdir()
    save_images(tmp_path / "portraits" / "samples.png", examples().x)
    page = write_report(tmp_path).read_text()
    assert page.count("data:image/png;base64,") == 2  # curves and one portrait
    assert not re.search(r'(src|href)="(?!data:)', page) and "http" not in page
    assert "Samples" in page and "&quot;batch_size&quot;: 16" in page


def test_the_report_escapes_what_it_shows(tmp_path, small_run):
    trainer = small_run.make(tmp_path)
    trainer.description["preset"] = "<script>alert(1)</script>"
    trainer.fit()
    assert "<script>" not in write_report(tmp_path).read_text()


# -- progress ----------------------------------------------------------------------------------------------------------

LINE = {"step": 12, "loss": 0.5, "best_loss": 0.4, "gap": 0.1, "examples_per_second": 1234.0, "validation_loss": 0.7}


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_says_loss_speed_and_gap(small_run, terminal):
    text = io.StringIO()
    observer = TerminalObserver(Console(file=text, force_terminal=terminal, width=160), interval=0.0)
    observer.started(small_run.make(None))
    observer.logged(LINE)
    observer.finished(TrainResult(12, LINE, 0, None, 1.0))
    for words in ("loss 0.5", "gap +25.00 %", "validation 0.7", "1,234 images/s", "12"):
        assert words in text.getvalue()


def test_after_the_last_step_the_rate_is_not_said_again(small_run):
    text = io.StringIO()
    observer = TerminalObserver(Console(file=text, width=160), interval=0.2, first=0.1)
    observer.started(small_run.make(None))
    observer._ended.set()  # no lines of its own beside those of the test
    observer._steps, observer._step = 12, 11
    observer.logged({**LINE, "step": 12})
    observer._print()
    first, second = [line for line in text.getvalue().splitlines() if line.startswith("step 12/12")]
    assert "1,234 images/s" in first and second == "step 12/12  its samples and its checkpoint are under way"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "under 1 s"),
        (1, "1 s"),
        (59.9, "59 s"),
        (75, "1:15 min"),
        (3600 * 5 + 1200, "5 h 20 min"),
        (86_400 * 12, "12.0 days"),
    ],
)
def test_a_time_in_words(seconds, words):
    assert duration(seconds) == words


def test_tensorboard_gets_every_finite_scalar(tmp_path, monkeypatch):
    """With a stand-in for the package, which is optional."""
    seen: list[tuple[str, float, int]] = []

    class Writer:
        def __init__(self, folder: str) -> None:
            self.folder = folder

        def add_scalar(self, name: str, value: float, step: int) -> None:
            seen.append((name, value, step))

        def close(self) -> None:
            seen.append(("closed", 0.0, 0))

    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    observer = Observers(TensorBoardObserver(tmp_path))
    observer.logged({"step": 3, "loss": 0.5, "gap": math.nan})
    observer.saved(StoredCheckpoint(tmp_path))
    observer.finished(TrainResult(3, {}, 0, None, 1.0))
    assert seen == [("loss", 0.5, 3), ("closed", 0.0, 0)]
