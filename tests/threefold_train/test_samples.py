"""What a run gives when it is done: samples in files, figures of quality, and what cannot be had."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from torch_impl.data import load


def test_many_samples_are_arrays_that_are_data(command, digits_run: Path, tmp_path: Path) -> None:
    command("sample", digits_run, "--out", tmp_path / "s.npz", "--n", 1100)
    with np.load(tmp_path / "s.npz") as found:
        assert found["images"].shape == (1100, 8, 8, 1) and found["images"].dtype == np.uint8
    assert len(load("array", "all", root=tmp_path / "s.npz")) == 1100
    command("sample", digits_run, "--out", tmp_path / "few.npz", "--n", 5)
    with np.load(tmp_path / "few.npz") as few, np.load(tmp_path / "s.npz") as many:
        assert np.array_equal(few["images"], many["images"][:5])


def test_samples_of_classes_carry_their_labels(train, command, tmp_path: Path) -> None:
    options = ("--timesteps", 4, "--set", "widths=8,8", "--set", "head_channels=8", "--steps", 1)
    train("digits-ddpm", "--out", tmp_path / "r", *options, "--label-drop", 0)
    command("sample", tmp_path / "r", "--out", tmp_path / "s.npz", "--n", 12, "--steps", 2)
    with np.load(tmp_path / "s.npz") as found:
        assert found["labels"].tolist() == [*range(10), 0, 1]
    command("sample", tmp_path / "r", "--out", tmp_path / "files", "--n", 3, "--steps", 2)
    assert sorted(path.name for path in (tmp_path / "files").iterdir()) == [
        *(f"{i:06d}.png" for i in range(3)),
        "labels.csv",
    ]
    for asked in (("sample", tmp_path / "r", "--out", tmp_path / "g.png"), ("evaluate", tmp_path / "r")):
        err = command(*asked, "--guidance", 2, expect=2).stderr
        assert "--guidance is 2" in err and "--label-drop 0" in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--out", "x.png", "--n", 10**8), "write arrays: --out x.npz"),
        (("--out", "x.npz", "--n", 10**15), "draw fewer"),
        (("--out", "x.jpg"), "must end in .png"),
        (("--out", "full"), "not an empty folder"),
        (("--out", "x.npz", "--columns", 3), "--columns are those of one picture"),
        (("--out", "x.png", "--seed", -1), "--seed is -1"),
        (("--out", "x.png", "--seed", 2**63), "--seed is"),
    ],
)
def test_samples_that_cannot_be_written(command, digits_run: Path, tmp_path: Path, monkeypatch, options, words) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("kept")
    assert words in command("sample", digits_run, *options, expect=2).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--metric", ""), "names none"),
        (("--metric", " , "), "names none"),
        (("--n", 10**12), "are possible"),
        (("--seed", -3), "--seed is -3"),
        (("--metric", "fid"), "--inception FILE"),
        (("--metric", "fid", "--inception", "nowhere.pth"), "there is no such file"),
    ],
)
def test_evaluations_that_cannot_be(command, digits_run: Path, options, words: str) -> None:
    assert words in command("evaluate", digits_run, *options, expect=2).stderr


@pytest.mark.sampled(2)
def test_a_judge_that_cannot_read_real_images_is_refused(command, train, pets: Path, tmp_path: Path) -> None:
    train("folder-vae", "--data", pets, "--out", tmp_path / "r")  # cats and dogs of noise
    err = command("evaluate", tmp_path / "r", "--metric", "classifier,quality", "--n", 8, expect=2).stderr
    assert "it cannot read them, so what it says of samples means nothing" in err


def test_quality_is_measured_and_never_called_fid(command, digits_run: Path, tmp_path: Path) -> None:
    report = tmp_path / "f.json"
    command("evaluate", digits_run, "--metric", "quality,classifier", "--n", 200, "--json", report)
    found = json.loads(report.read_text())["figures"]
    names = [row["name"] for row in found["quality"]]
    assert any("Fréchet distance" in name for name in names) and not any("FID" in name for name in names)
    frechet, real = (next(r for r in found["quality"] if r["name"].startswith(w)) for w in ("Fréchet", "the same"))
    assert frechet["interval"][0] <= frechet["value"] <= frechet["interval"][1] and frechet["value"] > 3 * real["value"]
    assert found["classifier"][0]["value"] > 90 and len(found["classifier"][0]["interval"]) == 2
