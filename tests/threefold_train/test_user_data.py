"""The user's data from the command line: looked at before the first step, told, never written to, watched on resume."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from torch_impl.training import find_checkpoint

# -- one line before training ------------------------------------------------------------------------------------------


def test_one_line_says_what_is_trained_on_what(train, pets: Path, picture, tmp_path: Path) -> None:
    (pets / "notes.txt").write_text("no image")
    (pets / ".thumbnails").mkdir()
    (pets / "bird").mkdir()
    picture(pets / "stray.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(pets / "cat" / "side.jpg", exif=exif)
    err = train("folder-vae", "--data", pets, "--out", tmp_path / "r").stderr
    (line,) = [line for line in err.splitlines() if line.startswith("data:")]
    for words in (
        "41 images",
        "2 classes: cat 21, dog 20",
        "20x20 to 20x30, seen as 16x16",
        "held out 4, test 8",
        "1 turned as EXIF says",
        "1 hidden",
        "1 no image (.txt)",
        "1 beside the class folders",
        "parameters, on cpu with 1 thread",
    ):
        assert words in line, line
    assert "no image in bird" in err


@pytest.mark.parametrize("size", [28, 48, 96, 100, 128, 256])
@pytest.mark.parametrize("family", ["vae", "onestep", "ddpm", "vqvae", "latent"])
def test_any_even_size_has_a_model(family: str, size: int) -> None:
    from torch_impl.runs.estimate import count_parameters
    from torch_impl.runs.presets import preset

    chosen = preset(f"folder-{family}", size)
    assert chosen.data.image_size == chosen.system.image_size == size and count_parameters(chosen.system) > 1000


@pytest.mark.parametrize("family", ["vae", "onestep", "ddpm", "vqvae", "latent"])
def test_an_odd_size_is_refused_with_the_option_that_helps(command, pets: Path, family: str) -> None:
    err = command("train", f"folder-{family}", "--data", pets, "--image-size", 33, expect=2).stderr
    assert "--image-size is 33" in err and "choose --image-size 32 or 36" in err


@pytest.mark.parametrize("family", ["ddpm", "latent"])
def test_an_odd_half_trains(command, pets: Path, tmp_path: Path, family: str) -> None:
    """30 pixels can be halved once: a U-Net of two levels, or a compressor and a U-Net of one."""
    options = ("--steps", 1, "--batch-size", 2, "--timesteps", 4, "--no-pictures", "--set", "workers=0")
    small = ("--set", "compressor_steps=1", "--set", "compressor_widths=8") if family == "latent" else ()
    widths = "8" if family == "latent" else "8,8"
    command(
        *("train", f"folder-{family}", "--data", pets, "--image-size", 30, "--out", tmp_path / "r", *options),
        *("--set", f"widths={widths}", "--set", "head_channels=8", *small),
    )
    assert find_checkpoint(tmp_path / "r").config["system"]["attention"] == [15]


# -- where a run goes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("out", ["pets/r", "pets", "pets/cat/../r", "link/r"])
def test_a_run_inside_its_data_is_refused_and_both_are_named(
    train, pets: Path, tmp_path: Path, monkeypatch, out
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(pets)
    before = sorted(pets.rglob("*"))
    err = train("folder-vae", "--data", "pets", "--out", out, expect=2).stderr
    assert f"--out {out} lies inside --data pets" in err
    assert sorted(pets.rglob("*")) == before


@pytest.mark.parametrize("data", [".", "../pets"])
def test_the_default_place_is_never_inside_the_data(train, pets: Path, tmp_path: Path, monkeypatch, data: str) -> None:
    monkeypatch.chdir(pets)
    err = train("folder-vae", "--data", data).stderr
    assert find_checkpoint(tmp_path / "runs" / "folder-vae").step == 2
    assert sorted(path.name for path in pets.iterdir()) == ["cat", "dog"] and str(tmp_path / "runs") in err
    train("folder-vae", "--data", data, "--resume", "--steps", 3, quick=False)
    assert find_checkpoint(tmp_path / "runs" / "folder-vae").step == 3


def test_data_among_what_a_run_writes_are_refused(train, picture, tmp_path: Path) -> None:
    for i in range(8):
        picture(tmp_path / "r" / "samples" / f"{i}.png", i)
    err = train("folder-vae", "--data", tmp_path / "r" / "samples", "--out", tmp_path / "r", expect=2).stderr
    assert "among what a run writes" in err


@pytest.mark.parametrize(
    "name", ["portraits/samples.png", "samples/holiday.png", "averages/x", "config.toml", "data.json"]
)
def test_what_was_there_is_not_replaced(train, tmp_path: Path, name: str) -> None:
    (tmp_path / "r" / name).parent.mkdir(parents=True)
    (tmp_path / "r" / name).write_text("MINE")
    err = train("digits-vae", "--out", tmp_path / "r", expect=2).stderr
    assert "which a run would replace" in err and (tmp_path / "r" / name).read_text() == "MINE"


# -- bad files ---------------------------------------------------------------------------------------------------------


def test_all_bad_files_are_listed_at_once_before_anything_is_written(train, pets: Path, tmp_path: Path) -> None:
    bad = [pets / "cat" / "03.png", pets / "dog" / "11.png", pets / "dog" / "empty.jpg"]
    for path in bad:
        path.write_bytes(b"junk" if path.suffix == ".png" else b"")
    err = train("folder-vae", "--data", pets, "--out", tmp_path / "r", expect=2).stderr
    assert "3 of 41 images cannot be used" in err and all(f"  {path} " in err for path in bad)
    assert "--skip-bad" in err and not (tmp_path / "r").exists()


def test_skip_bad_goes_on_without_them_and_keeps_their_names(command, train, pets: Path, tmp_path: Path) -> None:
    (pets / "cat" / "03.png").write_bytes(b"junk")
    out = tmp_path / "r"
    err = train("folder-vae", "--data", pets, "--out", out, "--skip-bad").stderr
    assert "left out, for they cannot be used: cat/03.png" in err and "39 images" in err
    assert find_checkpoint(out).config["data"]["without"] == ["cat/03.png"]
    assert json.loads((out / "data.json").read_text())["skipped"] == ["cat/03.png"]
    train("folder-vae", "--data", pets, "--out", out, "--resume", "--steps", 3, quick=False)  # without saying it again
    judged = command("evaluate", out, "--metric", "reconstruction", "--n", 4, "--data", pets)
    assert "not those that the run was trained on" not in judged.stderr


# -- data that changed -------------------------------------------------------------------------------------------------


def change(pets: Path, picture, how: str) -> str:
    if how == "added":
        picture(pets / "cat" / "new.png", 999)
        return "1 added: cat/new.png"
    if how == "removed":
        (pets / "dog" / "07.png").unlink()
        return "1 removed: dog/07.png"
    picture(pets / "cat" / "05.png", 555)
    return "1 changed: cat/05.png"


@pytest.mark.parametrize("how", ["added", "removed", "changed"])
def test_a_resumed_run_names_what_changed_and_can_accept_it(train, command, pets, picture, tmp_path, how) -> None:
    out = tmp_path / "r"
    train("folder-vae", "--data", pets, "--out", out)
    words = change(pets, picture, how)
    again = ("folder-vae", "--data", pets, "--out", out, "--resume", "--steps", 3)
    err = train(*again, expect=2, quick=False).stderr
    assert words in err and "--accept-changed-data" in err and find_checkpoint(out).step == 2
    assert words in command("evaluate", out, "--metric", "loss", "--data", pets).stderr
    err = train(*again, "--accept-changed-data", quick=False).stderr
    assert f"which is accepted: {words}" in err and find_checkpoint(out).step == 3
    train("folder-vae", "--data", pets, "--out", out, "--resume", "--steps", 4, quick=False)  # it is the run's data now


def test_an_array_that_changed_is_named(train, tmp_path: Path) -> None:
    file, out = tmp_path / "a.npz", tmp_path / "r"
    rng = np.random.default_rng(0)
    np.savez(file, images=rng.integers(0, 256, (30, 16, 16, 3), dtype=np.uint8), labels=np.arange(30) % 2)
    train("folder-vae", "--data", file, "--out", out)
    np.savez(file, images=rng.integers(0, 256, (30, 16, 16, 3), dtype=np.uint8), labels=np.arange(30) % 2)
    again = ("folder-vae", "--data", file, "--out", out, "--resume", "--steps", 3)
    assert "1 changed: a.npz" in train(*again, expect=2, quick=False).stderr
    train(*again, "--accept-changed-data", quick=False)
    assert find_checkpoint(out).step == 3


def test_labels_of_any_value_train(train, tmp_path: Path) -> None:
    labels = np.array([0, 100, 10**9] * 10)
    np.savez(tmp_path / "x.npz", images=np.zeros((30, 16, 16, 3), np.uint8), labels=labels)
    err = train("folder-vae", "--data", tmp_path / "x.npz", "--out", tmp_path / "r").stderr
    assert "3 classes: 0 7, 100 7, 1000000000 7" in err


# -- commands to paste -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["my pets", "exp[v2]", "a[/b]", ":smile:", "it's", "$HOME `x`"])
def test_what_comes_next_can_be_pasted_and_names_are_text(
    command, train, pets: Path, tmp_path: Path, monkeypatch, name
) -> None:
    monkeypatch.chdir(tmp_path)
    data, out = Path(f"{name} data"), Path(f"{name} run")
    (tmp_path / data).parent.mkdir(exist_ok=True)
    pets.rename(tmp_path / data)
    (tmp_path / data / "cat").rename(tmp_path / data / "[red]cat")
    err = train("folder-vae", "--data", data, "--out", out).stderr
    assert "[red]cat 14" in err or "[red]cat 20" in err
    lines = [shlex.split(line) for line in err.splitlines() if line.startswith("  threefold ")]
    assert [line[1] for line in lines] == ["sample", "evaluate"]
    assert lines[1] == ["threefold", "evaluate", str(out), "--data", str(data)]
    command(*lines[0][1:], "--n", 2)
    command(*lines[1][1:], "--metric", "loss")
    assert f"checkpoint {out}/checkpoints" in err


def test_evaluate_finds_the_data_where_the_run_had_them(
    command, train, pets: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    train("folder-vae", "--data", "pets", "--out", "r")
    monkeypatch.chdir("/")
    assert str(pets) in command("evaluate", tmp_path / "r", "--metric", "loss").stderr
    pets.rename(tmp_path / "elsewhere")
    assert "Give --data a folder" in command("evaluate", tmp_path / "r", "--metric", "loss", expect=2).stderr
