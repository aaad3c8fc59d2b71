"""What cannot work says why before any work, with the remedy and status 2."""

from __future__ import annotations

import json

import pytest
from small_runs import SHORT, SMALL, run, trained

from torch_impl.samplers import METHODS
from torch_impl.training import find_checkpoint


@pytest.mark.sampled(4)
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


def test_labels_missing_for_a_conditional_model(tmp_path, picture):
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
