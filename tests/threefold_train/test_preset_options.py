"""Presets are data: they build their systems, and their fields are their options."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from small_runs import SHORT, SMALL, run

from torch_impl.runs.presets import override, preset, preset_names
from torch_impl.training.fields import option_of
from torch_impl.training.progress import TensorBoardObserver


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
