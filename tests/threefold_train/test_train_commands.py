"""Every preset trains, samples and evaluates from the command line, on its own data and on local files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_runs import SHORT, run, trained

from torch_impl.training import find_checkpoint, read_metrics


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("name", "options", "metrics"),
    [
        ("digits-vae", (), "elbo,loss,reconstruction,classifier,copies,wasserstein"),
        ("digits-vae", ("--encoder", "cnn", "--likelihood", "gaussian", "--beta", 4), "elbo"),
        ("digits-onestep", ("--alpha", 0.2, "--network", "cnn"), "loss,reconstruction,classifier"),
        ("digits-onestep", ("--network", "unet"), "copies"),
        ("digits-ddpm", (), "bpd,loss,classifier,copies,wasserstein"),
        ("digits-ddpm", ("--unconditional", "--prediction", "eps", "--weighting", "min_snr"), "classifier"),
        ("digits-ddpm", ("--variance", "learned", "--weighting", "hybrid"), "bpd"),
        ("digits-ddpm", ("--zero-terminal-snr",), "bpd"),
        ("digits-vqvae", ("--codebook", "gradient"), "reconstruction,classifier,loss"),
        ("digits-latent", (), "reconstruction,classifier,loss"),
    ],
)
def test_digits_presets_train_sample_and_evaluate(tmp_path, name, options, metrics):
    out = trained(name, tmp_path / "run", "--sample-every", 2, *options)
    assert [line["step"] for line in read_metrics(out / "metrics.jsonl")] == [1, 2]
    assert (out / "samples" / "step-00000002.png").is_file() and "<img" in (out / "report.html").read_text()
    run("sample", out, "--out", tmp_path / "s.png", "--n", 6, *(("--steps", 3) if "ddpm" in name else ()))
    with Image.open(tmp_path / "s.png") as picture:
        assert picture.width > 60
    report = tmp_path / "figures.json"
    run("evaluate", out, "--metric", metrics, "--n", 20, "--examples", 20, "--iw-samples", 4, "--json", report)
    figures = json.loads(report.read_text())["figures"]
    assert list(figures) == metrics.split(",")
    assert all(np.isfinite(figure["value"]) for rows in figures.values() for figure in rows)


def test_the_mixture_preset_knows_the_best_loss(tmp_path):
    out = trained("mixture-ddpm", tmp_path / "run", "--timesteps", 20, "--data", "two")
    (first, *_) = read_metrics(out / "metrics.jsonl")
    assert first["gap"] == pytest.approx(first["loss"] - first["best_loss"]) and first["best_loss"] > 0
    run("sample", out, "--out", tmp_path / "s.png", "--n", 50, "--sampler", "heun", "--steps", 4)
    result = run(
        "evaluate", out, "--metric", "likelihood,wasserstein,loss", "--n", 200, "--examples", 20, "--json", "-"
    )
    figures = json.loads(result.stdout)["figures"]
    assert {row["name"] for row in figures["likelihood"]} >= {"exact log-density", "ODE minus exact"}
    excess = figures["loss"][2]
    assert excess["name"].startswith("excess") and excess["value"] > 10  # two steps from scratch are far from the best


@pytest.mark.sampled(3)
def test_glyphs_train_without_end(tmp_path):
    out = trained("glyphs-vae", tmp_path / "run", "--image-size", 32)
    assert find_checkpoint(out).config["data"]["classes"][:3]
    run("sample", out, "--out", tmp_path / "s.png", "--n", 4)


def picture(path: Path, i: int, size: int = 40) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(i)
    Image.fromarray(generator.integers(0, 256, (size, size + 7, 3), dtype=np.uint8)).save(path)


def test_a_folder_of_images(tmp_path):
    for i in range(40):
        picture(tmp_path / "photos" / f"{i}.png", i)
    options = ("--data", tmp_path / "photos", "--image-size", 16, "--set", "workers=0")
    out = trained("folder-ddpm", tmp_path / "run", *options)
    run("sample", out, "--out", tmp_path / "s.png", "--n", 2, "--steps", 2)
    assert "photos" not in json.dumps(find_checkpoint(out).config)  # where files lie is no part of the model
    run("evaluate", out, "--metric", "copies", "--n", 4, "--data", tmp_path / "photos")


def labelled(folder: Path, classes: dict[str, int]) -> Path:
    for name, count in classes.items():
        for i in range(count):
            picture(folder / name / f"{i}.png", i)
    return folder


SMALL_FOLDER = ("--image-size", 16, "--set", "workers=0")


@pytest.mark.parametrize("name", ["folder-ddpm", "folder-vqvae"])
def test_a_labelled_folder_trains_a_conditional_model(tmp_path, name):
    photos = labelled(tmp_path / "photos", {"cat": 10, "dog": 10})
    out = trained(name, tmp_path / "run", "--data", photos, "--conditional", *SMALL_FOLDER)
    assert find_checkpoint(out).config["system"]["classes"] == 2
    run(
        "sample",
        out,
        "--out",
        tmp_path / "s.png",
        "--n",
        2,
        "--label",
        "dog",
        *(("--steps", 2) if "ddpm" in name else ()),
    )


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_a_file_of_arrays_trains_and_is_evaluated(tmp_path, suffix, monkeypatch):
    monkeypatch.setattr("torch_impl.data.arrays.MEMORY_MAP_ABOVE", 100)  # so that the .npy file stays on disk
    monkeypatch.setattr("torch_impl.evaluation.quality.reads", lambda *_: True)  # what nobody could: noise
    images, labels = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8), np.arange(40) % 2
    file = tmp_path / f"x.{suffix}"
    if suffix == "npz":
        np.savez(file, images=images, labels=labels)
    else:
        np.save(file, images)
        np.save(tmp_path / "x.labels.npy", labels)
    out = trained("folder-vae", tmp_path / "run", "--data", file, *SMALL_FOLDER)
    trained("folder-vae", out, "--data", file, "--steps", 3, "--resume", *SMALL_FOLDER)
    run("evaluate", out, "--metric", "copies,classifier,loss", "--n", 4, "--data", file)
    refused = run("train", "folder-vae", "--data", file, "--out", tmp_path / "other", expect=2)
    assert "give --image-size 16" in refused.stderr


def test_a_conditional_mixture_trains_and_is_evaluated(tmp_path):
    out = trained("mixture-ddpm", tmp_path / "run", "--timesteps", 10, "--data", "two", "--conditional")
    run("evaluate", out, "--n", 20, "--examples", 5)


@pytest.mark.parametrize("count", [2, 8])
def test_a_run_on_very_few_images_ends_well(tmp_path, count):
    """One or two of them held out: too few for a map of the latents."""
    out = trained(
        "folder-vae", tmp_path / "run", "--data", labelled(tmp_path / "p", {"cat": count, "dog": count}), *SMALL_FOLDER
    )
    assert (out / "report.html").is_file() and not (out / "portraits" / "latent-map.png").exists()


def test_a_failed_picture_does_not_fail_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr("threefold.commands._afterwards.write_portraits", lambda *_, **__: 1 / 0)
    trained("digits-vae", tmp_path / "run")
    assert find_checkpoint(tmp_path / "run").step == 2


@pytest.mark.sampled(3)
def test_faces_in_the_celeba_layout(tmp_path, monkeypatch):
    monkeypatch.setattr("torch_impl.evaluation.quality.reads", lambda *_: True)  # what nobody could: noise
    names = [f"{i:06d}.jpg" for i in range(1, 41)]
    for i, name in enumerate(names):
        picture(tmp_path / "faces" / "img_align_celeba" / name, i, size=178)
    rows = [f"{name} {1 if i % 2 else -1} -1" for i, name in enumerate(names)]
    (tmp_path / "faces" / "list_attr_celeba.txt").write_text("\n".join(["40", "Smiling Young", *rows]) + "\n")
    options = ("--data", tmp_path / "faces", "--set", "workers=0", "--set", "widths=8,8,8,8", "--latent-dim", 4)
    out = tmp_path / "run"
    run("train", "celeba64-vae", "--out", out, *SHORT, "--beta", 4, *options)
    run("sample", out, "--out", tmp_path / "s.png", "--n", 2)
    assert find_checkpoint(out).config["data"]["label"] == "Smiling"
    judged = run("evaluate", out, "--metric", "classifier", "--n", 4, "--data", tmp_path / "faces")
    assert "as clear as 95 % of real images" in judged.stdout and "of 2" in judged.stdout


@pytest.mark.parametrize("name", ["mnist-vae", "cifar10-ddpm", "folder-vqvae", "celeba64-vae"])
def test_missing_files_say_what_to_put_where(tmp_path, name):
    result = run("train", name, "--data", tmp_path / "nowhere", "--out", tmp_path / "run", expect=2)
    assert "nowhere" in result.stderr and not (tmp_path / "run").exists()


def test_samples_repeat_for_a_seed_and_follow_options(tmp_path):
    # Of widths below 16 a norm over single channels takes away what tells a block its time and its class.
    out = trained("digits-ddpm", tmp_path / "run", "--lr", 0.02, "--steps", 6, "--set", "widths=16,16")

    def drawn(*options: object) -> bytes:
        run("sample", out, "--out", tmp_path / "s.png", "--n", 4, "--steps", 3, *options)
        return (tmp_path / "s.png").read_bytes()

    first = drawn("--guidance", 1000)
    assert drawn("--guidance", 1000) == first
    for other in (("--seed", 1), ("--weights", "raw"), ("--sampler", "ddpm"), ("--guidance", 1), ("--label", "7")):
        assert drawn("--guidance", 1000, *other) != first, other


def test_power_function_averages_are_reconstructed(tmp_path):
    out = trained("digits-vae", tmp_path / "run", "--ema", "power", "--steps", 8)
    pictures = set()
    for width in (0.05, 0.12, 0.2):
        run("sample", out, "--out", tmp_path / "s.png", "--n", 4, "--ema-width", width)
        pictures.add((tmp_path / "s.png").read_bytes())
    assert len(pictures) == 3
