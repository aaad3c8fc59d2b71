"""Every preset trains, resumes, samples and evaluates from the command line; what cannot work says why beforehand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from threefold.cli import cli
from torch_impl.training import find_checkpoint, read_metrics
from torch_impl.training.presets import override, preset, preset_names

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
    "vae": ("--set", "hidden=16", "--set", "widths=8", "--set", "blocks=0"),
    "onestep": ("--set", "widths=8,8"),
    "ddpm": ("--set", "widths=8,8", "--set", "blocks=1", "--set", "attention=", "--timesteps", 8),
    "vqvae": ("--set", "widths=8", "--set", "prior_width=8", "--set", "prior_depth=1", "--set", "prior_heads=2"),
    "latent": (
        *("--set", "widths=8,8", "--set", "blocks=1", "--set", "attention=", "--timesteps", 8),
        *("--set", "compressor_widths=8", "--set", "compressor_steps=2", "--set", "compressor_blocks=0"),
    ),
}
SHORT = ("--steps", 2, "--batch-size", 8, "--log-every", 1, "--checkpoint-every", 1, "--validate-every", 2)


def trained(name: str, out: Path, *options: object) -> Path:
    small = () if name == "mixture-ddpm" else SMALL.get(name.partition("-")[2], ())
    run("train", name, "--out", out, *SHORT, *small, *options)
    return out


# -- every family ------------------------------------------------------------------------------------------------------


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


def test_faces_in_the_celeba_layout(tmp_path):
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


@pytest.mark.parametrize("name", ["mnist-vae", "cifar10-ddpm", "folder-vqvae", "celeba64-vae"])
def test_missing_files_say_what_to_put_where(tmp_path, name):
    result = run("train", name, "--data", tmp_path / "nowhere", "--out", tmp_path / "run", expect=2)
    assert "nowhere" in result.stderr and not (tmp_path / "run").exists()


# -- resume ------------------------------------------------------------------------------------------------------------


def losses(out: Path) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in read_metrics(out / "metrics.jsonl")]


@pytest.mark.parametrize("name", ["digits-ddpm", "digits-vqvae"])
def test_resume_goes_on_exactly(tmp_path, name):
    trained(name, tmp_path / "whole", "--steps", 6, "--lr-shape", "constant")
    trained(name, tmp_path / "parts", "--steps", 3, "--lr-shape", "constant")
    trained(name, tmp_path / "parts", "--steps", 6, "--lr-shape", "constant", "--resume")
    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")


def test_latent_diffusion_resumes_in_its_second_stage(tmp_path):
    trained("digits-latent", tmp_path / "whole", "--steps", 4, "--lr-shape", "constant")
    trained("digits-latent", tmp_path / "parts", "--steps", 2, "--lr-shape", "constant")
    trained("digits-latent", tmp_path / "parts", "--steps", 4, "--lr-shape", "constant", "--resume")
    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")
    other = trained("digits-latent", tmp_path / "other", "--compressor", tmp_path / "whole" / "compressor")
    assert not (other / "compressor").exists()


def test_a_run_is_not_overwritten(tmp_path):
    out = trained("digits-vae", tmp_path / "run")
    result = run("train", "digits-vae", "--out", out, *SHORT, *SMALL["vae"], expect=2)
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
    previous = out / "checkpoints" / "step-00000002"
    run("train", "digits-vae", "--out", out, *SHORT, *SMALL["vae"], "--steps", 3, "--resume-from", previous)
    assert find_checkpoint(out).step == 3


def test_a_run_killed_in_the_middle_resumes_exactly(tmp_path):
    """The real program, killed by SIGKILL from its own third checkpoint on, and gone on with."""
    program = [sys.executable, "-m", "threefold", "train", "digits-ddpm", *map(str, SHORT), *map(str, SMALL["ddpm"])]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    options = ["--steps", "200", "--checkpoint-every", "7"]
    whole, parts = str(tmp_path / "whole"), str(tmp_path / "parts")
    subprocess.run([*program, *options, "--out", whole], env=environment, check=True, capture_output=True)
    victim = subprocess.Popen([*program, *options, "--out", parts], env=environment, stderr=subprocess.DEVNULL)
    while victim.poll() is None and not list((tmp_path / "parts").glob("checkpoints/step-0000002*")):
        pass
    victim.kill()
    victim.wait()
    assert len(losses(tmp_path / "parts")) < 200
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
        (("glyphs-ddpm", "--image-size", "30"), "divisible"),
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
    assert "train with --unconditional" in run("train", "folder-ddpm", *options, expect=2).stderr


def test_an_output_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = run("train", "digits-vae", "--out", tmp_path / "file", *SHORT, *SMALL["vae"], expect=2)
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
    assert "unknown metric 'fid'" in run("evaluate", out, "--metric", "fid", expect=2).stderr
    assert "makes no sense for a model of kind onestep" in run("evaluate", out, "--metric", "bpd", expect=2).stderr
    assert "no checkpoint at" in run("evaluate", tmp_path / "none", expect=2).stderr
    assert (
        "cannot write"
        in run("evaluate", out, "--metric", "loss", "--json", tmp_path / "no" / "f.json", expect=2).stderr
    )


def test_guidance_needs_a_conditional_model(tmp_path):
    out = trained("digits-ddpm", tmp_path / "run", "--unconditional")
    for option in (("--guidance", 2), ("--label", 3)):
        result = run("sample", out, "--out", tmp_path / "s.png", "--steps", 2, *option, expect=2)
        assert "unconditional" in result.stderr


# -- what samples depend on --------------------------------------------------------------------------------------------


def test_samples_repeat_for_a_seed_and_follow_options(tmp_path):
    out = trained("digits-ddpm", tmp_path / "run", "--lr", 0.02, "--warmup", 0)

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
    from torch_impl.training.systems import config_from_json

    chosen = preset(name)
    data = json.loads(json.dumps(chosen.to_json()))
    assert config_from_json(data["system"]) == chosen.system
    assert chosen.trainer.blocks_for(1) >= 1


def test_help_names_every_preset_family():
    text = run("train", "--help").output
    for word in ("digits", "glyphs", "mnist", "cifar10", "folder", "mixture-ddpm", "celeba64-vae", "vqvae", "latent"):
        assert word in text
    assert all(option in text for option in ("--encoder", "--likelihood", "--beta", "--alpha", "--network", "--resume"))


def test_a_dry_run_prints_the_configuration_and_trains_nothing(tmp_path):
    result = run("train", "digits-vae", "--beta", 3, "--out", tmp_path / "run", "--dry-run")
    assert json.loads(result.output)["system"]["beta"] == 3.0
    assert not (tmp_path / "run").exists()


def test_overrides_change_what_they_name_and_nothing_else():
    chosen = preset("digits-ddpm")
    changed = override(chosen, {"prediction": "x0", "lr": 0.5, "ema_decay": 0.9})
    assert (changed.system.prediction, changed.trainer.lr, changed.trainer.ema[0].beta) == ("x0", 0.5, 0.9)
    assert override(changed, {"prediction": "v", "lr": chosen.trainer.lr, "ema_decay": 0.999}) == chosen
