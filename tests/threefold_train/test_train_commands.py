"""Every preset trains, resumes, samples and evaluates from the command line; what cannot work says why beforehand."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from threefold.cli import cli
from torch_impl.runs.presets import override, preset, preset_names
from torch_impl.samplers import METHODS
from torch_impl.training import find_checkpoint, read_metrics
from torch_impl.training.fields import option_of
from torch_impl.training.progress import TensorBoardObserver

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(*arguments: object, expect: int = 0) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == expect, result.output
    return result


SMALL = {
    "mlp vae": ("--set", "hidden=16"),
    "cnn vae": ("--set", "widths=8", "--set", "blocks=0"),
    "onestep": ("--set", "widths=8,8"),
    "ddpm": ("--set", "widths=8,8", "--set", "blocks=1", "--set", "attention=", "--timesteps", 8),
    "vqvae": ("--set", "widths=8", "--set", "prior_width=8", "--set", "prior_depth=1", "--set", "prior_heads=2"),
    "latent": (
        *("--set", "widths=8,8", "--set", "blocks=1", "--set", "attention=", "--timesteps", 8),
        *("--set", "compressor_widths=8", "--set", "compressor_steps=2", "--set", "compressor_blocks=0"),
    ),
}
SHORT = (
    "--steps",
    2,
    "--warmup",
    0,
    "--batch-size",
    8,
    "--log-every",
    1,
    "--checkpoint-every",
    1,
    "--validate-every",
    2,
)


def trained(name: str, out: Path, *options: object) -> Path:
    kind = name.partition("-")[2]
    if kind == "vae":
        given = next((o for o in options if o in ("mlp", "cnn")), preset(name).system.encoder)
        kind = f"{given} vae"
    small = () if name == "mixture-ddpm" else SMALL.get(kind, ())
    run("train", name, "--out", out, *SHORT, *small, *options)
    return out


# -- every family ------------------------------------------------------------------------------------------------------


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


# -- local files -------------------------------------------------------------------------------------------------------


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


# -- resume ------------------------------------------------------------------------------------------------------------


def losses(out: Path) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in read_metrics(out / "metrics.jsonl")]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ["digits-ddpm", "digits-vqvae"])
def test_resume_goes_on_exactly(tmp_path, name):
    trained(name, tmp_path / "whole", "--steps", 6, "--lr-shape", "constant")
    trained(name, tmp_path / "parts", "--steps", 3, "--lr-shape", "constant")
    trained(name, tmp_path / "parts", "--steps", 6, "--lr-shape", "constant", "--resume")
    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")


@pytest.mark.sampled(3)
def test_latent_diffusion_resumes_in_its_second_stage(tmp_path):
    trained("digits-latent", tmp_path / "whole", "--steps", 4, "--lr-shape", "constant")
    trained("digits-latent", tmp_path / "parts", "--steps", 2, "--lr-shape", "constant")
    trained("digits-latent", tmp_path / "parts", "--steps", 4, "--lr-shape", "constant", "--resume")
    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")
    other = trained("digits-latent", tmp_path / "other", "--compressor", tmp_path / "whole" / "compressor")
    run("train", "digits-latent", "--out", other, "--resume", "--steps", 4, "--lr-shape", "constant")
    assert not (other / "compressor").exists()  # the first stage is in the checkpoint


def test_a_run_is_not_overwritten(tmp_path):
    out = trained("digits-vae", tmp_path / "run")
    result = run("train", "digits-vae", "--out", out, *SHORT, *SMALL["mlp vae"], expect=2)
    assert "already holds a run" in result.stderr and "--resume" in result.stderr


def test_resume_with_nothing_there(tmp_path):
    assert "without --resume" in run("train", "digits-vae", "--out", tmp_path, "--resume", expect=2).stderr


def test_a_damaged_checkpoint_is_named_and_the_previous_one_offered_and_taken(tmp_path):
    out = trained("digits-vae", tmp_path / "run", "--steps", 3)
    victim = out / "checkpoints" / "step-00000003" / "model.safetensors"
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    for command in (("train", "digits-vae", "--resume"), ("sample",), ("evaluate",)):
        where = ("--out", out) if command[0] == "train" else (out,)
        rest = ("--out", tmp_path / "s.png") if command[0] == "sample" else ()
        result = run(*command, *where, *rest, expect=2)
        assert str(victim) in result.stderr and "step-00000002" in result.stderr
        assert ("--resume-from" in result.stderr) == (command[0] == "train")
    previous = out / "checkpoints" / "step-00000002"
    run("train", "digits-vae", "--out", out, *SHORT, *SMALL["mlp vae"], "--steps", 3, "--resume-from", previous)
    assert find_checkpoint(out).step == 3


def trainer_of(out: Path) -> dict[str, object]:
    return find_checkpoint(out).config["trainer"]


def test_resume_goes_on_with_the_options_of_the_run_and_says_what_is_changed(tmp_path):
    options = ("--lr", 5e-4, "--weight-decay", 0.3, "--beta", 2, "--lr-shape", "constant", "--steps", 4)
    whole = trained("digits-vae", tmp_path / "whole", *options)
    parts = trained("digits-vae", tmp_path / "parts", *options, "--steps", 2)
    result = run("train", "digits-vae", "--out", parts, "--resume", "--steps", 4)
    assert "from here on steps is 4; it was 2" in result.stderr and "from here on lr" not in result.stderr
    assert losses(parts) == losses(whole) and trainer_of(parts) == trainer_of(whole)
    result = run("train", "digits-vae", "--out", parts, "--resume", "--steps", 5, "--lr", 1e-4)
    assert "from here on lr is 0.0001; it was 0.0005" in result.stderr
    assert trainer_of(parts)["lr"] == 1e-4 and trainer_of(parts)["weight_decay"] == 0.3
    for option in (("--beta", 3), ("--batch-size", 16), ("--seed", 1)):
        assert (
            "cannot be resumed with another"
            in run("train", "digits-vae", "--out", parts, "--resume", *option, expect=2).stderr
        )
    assert "begun with preset digits-vae" in run("train", "digits-ddpm", "--out", parts, "--resume", expect=2).stderr


def test_a_run_stopped_before_its_first_checkpoint_starts_as_it_was_begun(tmp_path):
    out = trained("digits-vae", tmp_path / "run", "--lr", 5e-4)
    shutil.rmtree(out / "checkpoints")
    for name in ("report.html", "summary.png"):
        (out / name).unlink()
    result = run("train", "digits-vae", "--out", out, "--resume")
    assert "before its first checkpoint" in result.stderr
    assert trainer_of(out)["lr"] == 5e-4 and find_checkpoint(out).step == 2


def test_resume_from_an_older_checkpoint_keeps_what_it_writes(tmp_path):
    out = trained("digits-vae", tmp_path / "run", "--steps", 6, "--keep-last", 6)
    older = out / "checkpoints" / "step-00000001"
    result = run("train", "digits-vae", "--out", out, "--resume-from", older, "--steps", 4, "--keep-last", 2)
    (aside,) = (out / "abandoned").iterdir()
    assert f"are now in {aside}" in result.stderr
    assert find_checkpoint(out).step == 4 and find_checkpoint(aside).step == 6
    assert [step for step, _ in losses(out)] == [1, 2, 3, 4]


@pytest.mark.parametrize("name", ["config.json", "metrics.jsonl", "report.html", "summary.png"])
def test_files_of_something_else_are_not_replaced(tmp_path, name):
    (tmp_path / name).write_text('{"mine": 1}')
    for option in ((), ("--resume",)):
        result = run("train", "digits-vae", "--out", tmp_path, *SHORT, *SMALL["mlp vae"], *option, expect=2)
        assert f"{name}, which a run would replace" in result.stderr and "--out" in result.stderr
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, '{"mine": 1}')]


def test_without_checkpoints_on_the_way_there_is_one_at_the_end(tmp_path):
    out = trained("digits-latent", tmp_path / "run", "--checkpoint-every", 0)
    assert find_checkpoint(out).step == 2 and find_checkpoint(out / "compressor").step == 2
    run("sample", out, "--out", tmp_path / "s.png", "--n", 2, "--steps", 2)


def test_a_first_stage_is_taken_again_only_if_it_is_the_one_asked_for(tmp_path):
    out = trained("digits-latent", tmp_path / "run")
    shutil.rmtree(out / "checkpoints")
    for name in ("report.html", "summary.png"):
        (out / name).unlink()
    again = ("train", "digits-latent", "--out", out, *SHORT, *SMALL["latent"])
    for option, words in (
        (("--latent-dim", 2), "--latent-dim was 3, is now 2"),
        (("--set", "compressor_widths=16"), "widths was [8], is now [16]"),
        (("--seed", 1), "another seed"),
        (("--set", "compressor_steps=1"), "trained for 2 steps, and 1 are asked for"),
    ):
        assert words in run(*again, *option, expect=2).stderr
    before = (out / "compressor" / "metrics.jsonl").read_bytes()
    run(*again)
    assert (out / "compressor" / "metrics.jsonl").read_bytes() == before


@pytest.mark.sampled(3)
def test_a_run_stopped_in_its_first_stage_goes_on_as_it_was_begun(tmp_path):
    whole = trained("digits-latent", tmp_path / "whole", "--lr", 5e-4, "--label-drop", 0.3)
    program = "import os; from torch_impl.training import Trainer; Trainer.save = lambda *_: os._exit(9)\n"
    arguments = ["train", "digits-latent", "--out", str(tmp_path / "parts"), "--lr", "5e-4", "--label-drop", "0.3"]
    program += f"from threefold.cli import cli; cli({[*arguments, *map(str, SHORT), *map(str, SMALL['latent'])]!r})"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    killed = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=False)
    assert killed.returncode == 9 and not (tmp_path / "parts" / "compressor" / "checkpoints").exists()
    run("train", "digits-latent", "--out", tmp_path / "parts", "--resume")
    assert losses(tmp_path / "parts") == losses(whole)
    assert losses(tmp_path / "parts" / "compressor") == losses(whole / "compressor")


def test_a_mark_of_the_best_that_cannot_be_read_is_found_before_training(tmp_path):
    out = trained("digits-vae", tmp_path / "run")
    (out / "checkpoints" / "best.json").write_text("{}")
    result = run("train", "digits-vae", "--out", out, "--resume", "--steps", 4, expect=2)
    assert "best.json is damaged" in result.stderr and "remove it" in result.stderr
    assert "best.json is damaged" in run("sample", out / "best", "--out", tmp_path / "s.png", expect=2).stderr


@pytest.mark.sampled(2)
def test_a_run_killed_in_the_middle_resumes_exactly(tmp_path):
    """The real program, killed by SIGKILL from its own third checkpoint on, and gone on with."""
    program = [sys.executable, "-m", "threefold", "train", "digits-ddpm", *map(str, SHORT), *map(str, SMALL["ddpm"])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    options = ["--steps", "80", "--checkpoint-every", "7"]
    whole, parts = str(tmp_path / "whole"), str(tmp_path / "parts")
    subprocess.run([*program, *options, "--out", whole], env=environment, check=True, capture_output=True)
    victim = subprocess.Popen([*program, *options, "--out", parts], env=environment, stderr=subprocess.DEVNULL)
    while victim.poll() is None and not list((tmp_path / "parts").glob("checkpoints/step-0000002*")):
        time.sleep(0.01)
    victim.kill()
    victim.wait()
    assert len(losses(tmp_path / "parts")) < 80
    subprocess.run([*program, *options, "--out", parts, "--resume"], env=environment, check=True, capture_output=True)
    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")


# -- what cannot work --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("digits-dppm",), "did you mean digits-ddpm"),
        (("digits-ddpm", "--zero-terminal-snr", "--prediction", "eps"), "use prediction='v' or 'x0'"),
        (("digits-ddpm", "--alpha", "0.5"), "it belongs to digits-onestep"),
        (("digits-vae", "--network", "unet"), "digits-vae has no --network"),
        (("digits-ddpm", "--network", "cnn"), "choose unet or dit"),
        (("digits-onestep", "--alpha", "1"), "nothing to learn"),
        (("digits-onestep", "--alpha", "0"), "x_0 cannot be recovered"),
        (("digits-onestep", "--alpha", "-2"), "must lie in (0, 1)"),
        (("digits-vae", "--beta", "-1"), "beta is -1"),
        (("digits-vae", "--data", "somewhere"), "brings its own data"),
        (("digits-vae", "--image-size", "16"), "one size only"),
        (("digits-ddpm", "--set", "widths=32,64,64,64,64"), "not divisible by 16"),
        (("glyphs-ddpm", "--image-size", "31"), "choose --image-size 28 or 32"),
        (("digits-vae", "--batch-size", "10", "--accumulate", "3"), "cannot be cut into 3"),
        (("digits-vae", "--lr", "0"), "learning rate is 0"),
        (("digits-vae", "--steps", "0"), "steps is 0"),
        (("digits-vae", "--set", "widths"), "FIELD=VALUE"),
        (("digits-vae", "--set", "depht=3"), "has no --depht"),
        (("digits-ddpm", "--weighting", "hybrid"), "variance='learned'"),
        (("mixture-ddpm", "--data", "moon"), "mixture:moon"),
        (("digits-ddpm", "--device", "tpu"), "choose auto, cpu"),
        (("digits-vae", "--ema", "power", "--ema-decay", "0.9"), "no decay"),
        (("digits-vae", "--ema-decay", "1.5"), "must lie in [0, 1)"),
        (("digits-vae", "--compressor", "x"), "--compressor"),
        (("digits-ddpm", "--timesteps", "0"), "timesteps is 0"),
        (("digits-vae", "--set", "flip=banana"), "flip is 'banana'; it must be true or false"),
        (("digits-ddpm", "--set", "dropout=abc"), "dropout is 'abc'; it must be a finite number"),
        (("digits-vae", "--weight-decay", "inf"), "--weight-decay is inf"),
        (("digits-vae", "--set", "classes=3"), "leave it out"),
        (("digits-vae", "--ema", "none", "--ema-decay", "0.9"), "leave out one"),
        (("digits-latent", "--set", "compressor_steps=0"), "--compressor-steps is 0"),
        (("digits-latent", "--set", "compressor_widths=12", "--dry-run"), "multiples of 8"),
        (("digits-vqvae", "--set", "prior_heads=0"), "--prior-heads is 0"),
        (("digits-ddpm", "--zero-terminal-snr", "--weighting", "min_snr"), "--no-zero-terminal-snr"),
        (("digits-vae", "--device", "meta"), "choose auto, cpu"),
    ],
)
def test_impossible_requests_end_with_status_2_and_the_remedy(tmp_path, arguments, words):
    name, *options = arguments
    result = run("train", name, *SHORT, *options, "--out", tmp_path / "run", expect=2)
    assert words in result.stderr and "Traceback" not in result.output
    assert not (tmp_path / "run").exists()


def test_labels_missing_for_a_conditional_model(tmp_path):
    for i in range(20):
        picture(tmp_path / "photos" / f"{i}.png", i)
    options = ("--data", tmp_path / "photos", "--conditional", "--out", tmp_path / "run")
    for name in ("folder-ddpm", "folder-vqvae", "folder-latent"):  # of the last before its first stage
        assert "train with --unconditional" in run("train", name, *options, expect=2).stderr
        assert not (tmp_path / "run" / "compressor" / "checkpoints").exists()


def test_an_output_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = run("train", "digits-vae", "--out", tmp_path / "file", *SHORT, *SMALL["mlp vae"], expect=2)
    assert "cannot write" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--label", "11"), "there is no class '11'"),
        (("--sampler", "plms"), "is not one of"),
        (("--steps", "9"), "offers 1..8"),
        (("--prior", "normal"), "has no meaning for a model of kind ddpm"),
        (("--n", "0"), "at least one sample"),
        (("--ema-width", "0.1"), "--ema power"),
        (("--ema-width", "0.1", "--weights", "raw"), "leave out one"),
        (("--eta", "0.5", "--sampler", "heun"), "sampler 'heun' has none"),
        (("--guidance", "nan"), "--guidance is nan"),
        (("--columns", "0"), "--columns"),
        (("--out", "s.jpg"), "must end in .png"),
        (("--out", "nowhere/s.png"), "there is no folder nowhere"),
    ],
)
def test_impossible_samples(tmp_path_factory, arguments, words, monkeypatch):
    folder = tmp_path_factory.getbasetemp() / "one-ddpm"
    if not folder.exists():
        trained("digits-ddpm", folder)
    monkeypatch.chdir(folder)
    options = arguments if "--out" in arguments else ("--out", "s.png", *arguments)
    assert words in run("sample", folder, *options, expect=2).stderr


def test_impossible_evaluations(tmp_path):
    out = trained("digits-onestep", tmp_path / "run")
    assert "unknown metric 'fidd'" in run("evaluate", out, "--metric", "fidd", expect=2).stderr
    assert "with --inception FILE only" in run("evaluate", out, "--metric", "fid", expect=2).stderr
    assert "makes no sense for a model of kind onestep" in run("evaluate", out, "--metric", "bpd", expect=2).stderr
    assert "no checkpoint at" in run("evaluate", tmp_path / "none", expect=2).stderr
    assert (
        "cannot write"
        in run("evaluate", out, "--metric", "loss", "--json", tmp_path / "no" / "f.json", expect=2).stderr
    )


@pytest.mark.parametrize("option", [("--guidance", 3), ("--sampler", "heun"), ("--steps", 7)])
def test_options_of_other_models_are_refused_not_ignored(tmp_path_factory, option):
    folder = tmp_path_factory.getbasetemp() / "one-onestep"
    if not folder.exists():
        trained("digits-onestep", folder)
    for command in (("sample", folder, "--out", folder / "s.png"), ("evaluate", folder)):
        assert "has no meaning for a model of kind onestep" in run(*command, *option, expect=2).stderr


def test_a_fixed_variance_of_the_decoder_can_be_set(tmp_path):
    out = trained("digits-vae", tmp_path / "run", "--likelihood", "gaussian", "--set", "decoder_variance=0.1")
    assert find_checkpoint(out).config["system"]["decoder_variance"] == 0.1


def test_a_compressor_of_another_shape_is_refused(tmp_path):
    out = trained("digits-latent", tmp_path / "run")
    options = ("--latent-dim", 4, "--compressor", out / "compressor", "--out", tmp_path / "other")
    assert "set --latent-dim to 3" in run("train", "digits-latent", *SHORT, *SMALL["latent"], *options, expect=2).stderr


def test_help_of_sample_names_every_sampler():
    text = run("sample", "--help").output
    assert all(method in text for method in METHODS)


@pytest.mark.parametrize("option", [("--n", 0), ("--n", -1), ("--examples", 0), ("--iw-samples", -1), ("--steps", 0)])
def test_counts_of_an_evaluation_are_positive(option):
    assert "is not in the range x>=1" in run("evaluate", "anywhere", *option, expect=2).stderr


def test_one_metric_that_cannot_be_computed_does_not_keep_the_others_back(tmp_path, monkeypatch):
    def refused(*_):
        raise ValueError("these sets cannot be compared")

    out = trained("mixture-ddpm", tmp_path / "run", "--timesteps", 5, "--zero-terminal-snr", "--prediction", "v")
    monkeypatch.setattr("torch_impl.evaluation.samples.wasserstein_to_truth", refused)
    options = ("--n", 20, "--examples", 5, "--json", tmp_path / "f.json")
    result = run("evaluate", out, *options, expect=2)
    assert "no wasserstein: these sets cannot be compared" in result.stderr and "ODE minus exact" in result.stdout
    report = json.loads((tmp_path / "f.json").read_text())
    assert list(report["figures"]) == ["likelihood", "loss"] and "compared" in report["failed"]["wasserstein"]


def test_what_went_wrong_inside_a_metric_ends_with_status_1(tmp_path, monkeypatch):
    def broken(*_):
        raise IndexError("axis 1 is out of bounds")

    out = trained("digits-vae", tmp_path / "run")
    monkeypatch.setattr("torch_impl.evaluation.samples.copy_check", broken)
    result = run("evaluate", out, "--metric", "copies,reconstruction", "--n", 5, "--examples", 5, expect=1)
    assert "no copies: IndexError: axis 1" in result.stderr and "reconstruction error" in result.stdout


def test_guidance_needs_a_conditional_model(tmp_path):
    out = trained("digits-ddpm", tmp_path / "run", "--unconditional")
    for option in (("--guidance", 2), ("--label", 3)):
        result = run("sample", out, "--out", tmp_path / "s.png", "--steps", 2, *option, expect=2)
        assert "unconditional" in result.stderr


# -- what samples depend on --------------------------------------------------------------------------------------------


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


# -- presets as data ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_json_that_builds_its_system(name):
    from torch_impl.systems import config_from_json

    chosen = preset(name)
    data = json.loads(json.dumps(chosen.to_json()))
    assert config_from_json(data["system"]) == chosen.system
    assert chosen.trainer.blocks_for(1) >= 1


def test_help_names_every_preset():
    text = run("train", "--help").output
    assert all(f"  {name} " in text for name in preset_names())


def options_in_help(name):
    return set(re.findall(r"--[a-z][a-z0-9-]*", run("train", name, "--help").output))


def test_help_of_a_preset_shows_its_own_options_only():
    vae, ddpm, onestep = (options_in_help(f"digits-{kind}") for kind in ("vae", "ddpm", "onestep"))
    assert vae >= {"--encoder", "--likelihood", "--beta", "--hidden", "--resume", "--set", "--lr", "--sample-every"}
    assert not vae & {"--timesteps", "--alpha", "--network", "--codes", "--compressor", "--image-size", "--label"}
    assert ddpm >= {"--timesteps", "--prediction", "--unconditional", "--label-drop", "--attention", "--fast"}
    assert "--alpha" in onestep and "--compressor" in options_in_help("digits-latent")
    assert "--image-size" in options_in_help("folder-vae") and "--label" in options_in_help("celeba64-vae")
    assert not options_in_help("mixture-ddpm") & {"--image-size", "--channels", "--flip", "--label"}


@pytest.mark.parametrize("name", ["digits-ddpm", "mixture-ddpm", "digits-latent", "celeba64-vae", "glyphs-vqvae"])
def test_every_field_that_is_declared_is_an_option_of_the_preset(name):
    """A field cannot be forgotten on the command line, and an option cannot be of a field that is not there."""
    from threefold.commands._presets import FieldOption, PresetCommand

    chosen = preset(name)
    fields = {f.name for part in (chosen.system, chosen.trainer) for f in dataclasses.fields(part) if option_of(f)}
    options = {p.name for p in PresetCommand(name, "").params if isinstance(p, FieldOption)}
    assert fields <= options
    assert options - fields <= {f.name for f in dataclasses.fields(chosen.data)} | {"ema", "ema_decay", "compressor"}


@pytest.mark.parametrize(
    "words",
    [
        ("digits-vae", "--steps", 3),
        ("--steps", 3, "digits-vae"),
        ("--out", "digits-ddpm", "--steps", 3, "digits-vae"),
    ],
)
def test_the_preset_may_stand_anywhere(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = json.loads(run("train", *words, "--dry-run").stdout)
    assert (found["preset"], found["trainer"]["steps"]) == ("digits-vae", 3)


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        (("--widths", "16,8"), "widths", [16, 8]),
        (("--hidden", "7"), "hidden", [7]),
        (("--decoder-variance", "0.5", "--likelihood", "gaussian"), "decoder_variance", 0.5),
        (("--clip", "none"), "clip", None),
        (("--betas", "0.5,0.9"), "betas", [0.5, 0.9]),
        (("--fast",), "deterministic", False),
    ],
)
def test_an_option_is_read_as_its_field_declares(given, field, value):
    encoder = ("--encoder", "cnn") if field == "widths" else ()
    found = json.loads(run("train", "digits-vae", *given, *encoder, "--dry-run").stdout)
    assert {**found["system"], **found["trainer"]}[field] == value


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("digits-vae", "--widths", "a"), "--widths is 'a'; it must be whole numbers separated by commas"),
        (("digits-vae", "--betas", "0.9,1"), "betas is 0.9,1.0; it must lie in [0, 1)"),
        (("digits-vae", "--keep-last", "0"), "--keep-last is 0; it must be at least 1"),
        (("digits-vqvae", "--prior-dropout", "1"), "it must lie in [0, 1)"),
        (("digits-vae", "--lerning-rate", "1"), "has no --lerning-rate"),
        (("digits-vae", "--timesteps", "5"), "it belongs to digits-cascade"),
        (("digits-ddpm", "--label", "x"), "has no --label"),
        (("mixture-ddpm", "--channels", "3"), "of points, not of images"),
    ],
)
def test_values_outside_what_a_field_declares(given, words, tmp_path):
    err = run("train", *given, "--out", tmp_path / "run", expect=2).stderr
    assert words in err and "Traceback" not in err and not (tmp_path / "run").exists()


def test_a_dry_run_prints_the_configuration_and_trains_nothing(tmp_path):
    result = run("train", "digits-vae", "--beta", 3, "--out", tmp_path / "run", "--dry-run")
    assert json.loads(result.stdout)["system"]["beta"] == 3.0
    assert not (tmp_path / "run").exists()


def test_overrides_change_what_they_name_and_nothing_else():
    chosen = preset("digits-ddpm")
    changed = override(chosen, {"prediction": "x0", "lr": 0.5, "ema_decay": 0.9})
    assert (changed.system.prediction, changed.trainer.lr, changed.trainer.ema[0].beta) == ("x0", 0.5, 0.9)
    assert override(changed, {"prediction": "v", "lr": chosen.trainer.lr, "ema_decay": 0.999}) == chosen


def test_tensorboard_is_asked_for_and_is_missed_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(TensorBoardObserver, "available", staticmethod(lambda: False))
    told = run("train", "digits-vae", *SMALL["mlp vae"], *SHORT, "--out", tmp_path / "a", "--tensorboard", expect=2)
    assert "--tensorboard: TensorBoard is not installed; pip install tensorboard, or leave it out" in told.output
    assert not (tmp_path / "a").exists()
    monkeypatch.setattr(TensorBoardObserver, "available", staticmethod(lambda: True))
    run("train", "digits-vae", *SMALL["mlp vae"], *SHORT, "--out", tmp_path / "b")
    assert not (tmp_path / "b" / "tensorboard").exists()


def test_a_model_is_exported_and_what_cannot_be_says_why(tmp_path):
    run("train", "digits-vae", *SMALL["mlp vae"], *SHORT, "--out", tmp_path / "r")
    run("export", tmp_path / "r", "--out", tmp_path / "plain")
    assert sorted(path.name for path in (tmp_path / "plain").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    told = run("export", tmp_path / "r", "--out", tmp_path / "unet", "--to", "diffusers", expect=2)
    assert "VAE has no counterpart in diffusers" in told.output and not (tmp_path / "unet").exists()
    told = run("export", tmp_path / "r", "--out", tmp_path / "plain", expect=2)
    assert "nothing there is replaced" in told.output
    assert "no checkpoint at" in run("export", tmp_path / "x", "--out", tmp_path / "y", expect=2).output
