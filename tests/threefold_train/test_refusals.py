"""What a machine cannot do is refused before it is begun: no room on the disk, no memory; the FID of a local file."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from rich.console import Console
from safetensors.torch import save_file

from torch_impl.networks.inception import FIDInception
from torch_impl.runs import estimate, preflight

Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_disk_without_room_for_two_checkpoints_is_refused(train, tmp_path: Path, monkeypatch, dry) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9 - 1000, 1000))
    err = train("digits-vae", "--out", tmp_path / "r", *dry, expect=2).stderr
    assert "has 1 kB free, and two checkpoints of this model need" in err and "another disk" in err
    assert not (tmp_path / "r" / "checkpoints").exists()


def test_a_disk_with_just_enough_room_is_taken(train, tmp_path: Path, monkeypatch) -> None:
    found = []
    monkeypatch.setattr(
        preflight, "checkpoint_bytes", lambda *a: found.append(estimate.checkpoint_bytes(*a)) or found[-1]
    )
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 0, 2 * (found[-1] if found else 10**11)))
    train("digits-vae", "--set", "hidden=512,512", "--out", tmp_path / "r")
    written = sum(path.stat().st_size for path in (tmp_path / "r" / "checkpoints" / "step-00000002").iterdir())
    assert found[-1] > 0.9 * written, "the estimate is of what a checkpoint takes"


def test_activations_that_do_not_fit_are_refused_with_the_accumulation_that_does(train, tmp_path: Path, monkeypatch):
    """The weights fit, and so do the images; what the network keeps for its backward pass does not."""
    options = ("--set", "widths=64,64", "--set", "blocks=1", "--steps", 2, "--batch-size", 64)
    monkeypatch.setattr(estimate, "available_memory", lambda device: 40 * 2**20)
    err = train("digits-onestep", *options, "--out", tmp_path / "r", expect=2, quick=False).stderr
    assert "a batch of 64 examples needs about" in err and "of memory, and cpu has 42 MB free" in err
    assert "choose --accumulate" in err and "or --batch-size" in err and not (tmp_path / "r" / "checkpoints").exists()
    pieces = int(err.split("choose --accumulate ")[1].split()[0])
    assert pieces > 1 and 64 % pieces == 0
    train("digits-onestep", *options, "--accumulate", pieces, "--out", tmp_path / "r", quick=False)


def test_the_first_word_comes_before_what_trains_is_loaded(tmp_path: Path) -> None:
    """A machine that takes forever to load PyTorch has been told by then that the run begins; two seconds suffice."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("import time\ntime.sleep(600)\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])}
    run = subprocess.Popen(
        [sys.executable, "-m", "threefold", "train", "glyphs-ddpm", "--out", str(tmp_path / "r")],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert run.stderr is not None and "glyphs-ddpm begins" in run.stderr.readline()
    ticks = Path(f"/proc/{run.pid}/stat")
    if ticks.exists():  # the time of the processor, which does not depend on who else runs
        user, system = ticks.read_text().rpartition(")")[2].split()[11:13]
        assert (int(user) + int(system)) / os.sysconf("SC_CLK_TCK") < 2
    run.kill()
    run.communicate()


def test_where_an_example_takes_seconds_one_is_tried(monkeypatch) -> None:
    from torch_impl.runs.presets import preset
    from torch_impl.systems.vae import VAESystem

    sizes: list[int] = []
    forward = VAESystem.forward
    monkeypatch.setattr(
        VAESystem, "forward", lambda self, batch, draws: sizes.append(len(batch.x)) or forward(self, batch, draws)
    )
    chosen, x = preset("digits-vae"), torch.zeros(4, 1, 8, 8)
    monkeypatch.setattr(estimate, "_SLOW", 1e9)
    quick = estimate.trial(chosen, x, None)
    assert sizes == [1, 1, 4, 4] and quick is not None
    sizes.clear()
    monkeypatch.setattr(estimate, "_SLOW", 0.0)
    slow = estimate.trial(chosen, x, None)
    assert sizes == [1] and slow is not None
    assert slow.bytes_each == quick.bytes_each > 0 and slow.seconds(3) == 3 * slow.each > 0


def test_checks_that_take_long_say_so_and_short_ones_do_not() -> None:
    from threefold.commands._training import _still_checking

    for seconds, interval, least, most in ((0.0, 9.0, 0, 0), (0.35, 9.0, 1, 1), (0.6, 0.1, 3, 9)):
        text = io.StringIO()
        with _still_checking(Console(file=text, width=200), first=0.1, interval=interval):
            time.sleep(seconds)
        said = text.getvalue().count("looking at the data and trying out how long a step takes (")
        assert least <= said <= most


def test_the_fid_is_measured_by_a_local_file_of_weights(train, command, pets: Path, tmp_path: Path) -> None:
    """With random weights it is a distance of random features: finite, positive, and far too large is said of it."""
    train("folder-vae", "--data", pets, "--out", tmp_path / "r")
    torch.manual_seed(0)
    save_file(FIDInception().state_dict(), tmp_path / "w.safetensors")
    command(
        *("evaluate", tmp_path / "r", "--data", pets, "--metric", "fid", "--inception", tmp_path / "w.safetensors"),
        *("--n", 6, "--json", tmp_path / "f.json"),
    )
    figures = json.loads((tmp_path / "f.json").read_text())["figures"]["fid"]
    assert [figure["key"] for figure in figures] == ["fid", "kid"]
    assert 0 < figures[0]["value"] < float("inf") and "fewer than twice its 2,048 features" in figures[0]["over"]
    wrong = FIDInception().state_dict()
    wrong.pop("Conv2d_1a_3x3.conv.weight")
    save_file(wrong, tmp_path / "w.safetensors")
    err = command(
        *("evaluate", tmp_path / "r", "--data", pets, "--metric", "fid"),
        *("--inception", tmp_path / "w.safetensors", "--n", 6),
        expect=2,
    ).stderr
    assert "is not the FID's Inception network: Conv2d_1a_3x3.conv.weight is missing" in err
