"""Systems that came as files of their own: each trains by one command, resumes exactly, samples, evaluates, refuses."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from torch_impl.evaluation import takes
from torch_impl.runs.open import load_model
from torch_impl.training import read_metrics

SMALL = {
    "digits-pca": ("--latent-dim", 4, "--batch-size", 16),
    "digits-flow": ("--widths", "8,8", "--blocks", 1, "--attention", "", "--head-channels", 8, "--batch-size", 8),
    "digits-edm": ("--widths", "8,8", "--blocks", 1, "--attention", "", "--head-channels", 8, "--batch-size", 8),
    "digits-sde": ("--widths", "8,8", "--blocks", 1, "--attention", "", "--head-channels", 8, "--batch-size", 8),
    "digits-ncsn": ("--widths", "8", "--blocks", 1, "--attention", "", "--levels", 6, "--batch-size", 8),
    "digits-consistency": ("--widths", "8", "--blocks", 1, "--attention", "", "--batch-size", 8),
    "digits-meanflow": ("--widths", "8,8", "--blocks", 1, "--attention", "4", "--head-channels", 8, "--batch-size", 8),
    "digits-distill": (
        *("--widths", "8", "--blocks", 1, "--attention", "", "--batch-size", 8),
        *("--teacher-sampling", 4, "--teacher-steps", 2, "--stage-steps", 1),
    ),
    "digits-reflow": (
        *("--widths", "8", "--blocks", 1, "--attention", "", "--batch-size", 8),
        *("--pairs", 30, "--pair-steps", 2, "--teacher-steps", 2),
    ),
    "mixture-reflow": ("--width", 16, "--depth", 1, "--batch-size", 32, "--pairs", 30, "--pair-steps", 2),
    "digits-cascade": (
        *("--widths", "8", "--blocks", 1, "--attention", "", "--batch-size", 8, "--timesteps", 8),
        *("--base-widths", "8", "--base-attention", "", "--base-steps", 2),
    ),
    "digits-vqvae2": (
        *("--widths", "8", "--blocks", 0, "--codes", 8, "--top-codes", 8, "--top-width", 8, "--batch-size", 16),
        *("--prior-width", 16, "--prior-depth", 1),
    ),
    "glyphs-dalle": (
        *("--widths", "8,8", "--blocks", 0, "--codes", 8, "--code-dim", 8, "--compressor-steps", 2, "--batch-size", 8),
        *("--width", 16, "--depth", 1, "--heads", 2),
    ),
    "mixture-consistency": ("--width", 16, "--depth", 1, "--batch-size", 32, "--method", "distillation"),
    "mixture-meanflow": ("--width", 16, "--depth", 1, "--batch-size", 32),
    "mixture-sde": ("--width", 16, "--depth", 1, "--batch-size", 32, "--sde", "ve"),
    "mixture-flow": ("--width", 16, "--depth", 1, "--batch-size", 32),
}
ALL_METRICS = ("digits-pca", "digits-flow", "mixture-flow")
"""Measured by everything that suits them; the others by what is their own, for time."""
OWN = {  # a figure that only such a system has
    "digits-pca": "subspace",
    "digits-flow": "straightness",
    "digits-edm": "flow_bpd",
    "digits-sde": "flow_bpd",
    "digits-ncsn": "classifier",
    "digits-consistency": "classifier",
    "digits-meanflow": "classifier",
    "digits-distill": "classifier",
    "digits-reflow": "straightness",
    "mixture-reflow": "straightness",
    "digits-cascade": "reconstruction",
    "digits-vqvae2": "reconstruction",
    "glyphs-dalle": "reconstruction",
    "mixture-consistency": "jump",
    "mixture-meanflow": "jump",
    "mixture-sde": "likelihood",
    "mixture-flow": "straightness",
}
SHORT = ("--no-pictures", "--warmup", 0, "--log-every", 1, "--checkpoint-every", 1, "--validate-every", 0)
RATE = ("--lr-shape", "constant")


def losses(out: Path) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in read_metrics(out / "metrics.jsonl")]


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", SMALL)
def test_a_system_trains_resumes_exactly_and_is_sampled_and_measured(command, tmp_path: Path, name: str) -> None:
    options = (*SHORT, *SMALL[name], *RATE)
    command("train", name, *options, "--steps", 4, "--out", tmp_path / "whole")
    command("train", name, *options, "--steps", 2, "--out", tmp_path / "parts")
    command("train", name, *options, "--steps", 4, "--out", tmp_path / "parts", "--resume")
    assert losses(tmp_path / "whole") == losses(tmp_path / "parts")
    few = () if "steps" not in takes(load_model(tmp_path / "whole").system) else ("--steps", 4)
    command("sample", tmp_path / "whole", "--out", tmp_path / "s.png", "--n", 6, *few)
    with Image.open(tmp_path / "s.png") as picture:
        assert picture.width > 20
    report = tmp_path / "f.json"
    metrics = () if name in ALL_METRICS else ("--metric", f"loss,{OWN[name]}")
    command("evaluate", tmp_path / "whole", "--n", 30, "--examples", 20, *few, *metrics, "--json", report)
    found = json.loads(report.read_text())
    assert not found["failed"]
    assert all(math.isfinite(figure["value"]) for rows in found["figures"].values() for figure in rows)
    assert OWN[name] in found["figures"]


@pytest.fixture
def stages(command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student of one step, whose teacher takes two, and that one's four."""
    out = tmp_path_factory.getbasetemp() / "stages"
    if not out.exists():
        command("train", "digits-distill", *SHORT, *SMALL["digits-distill"], "--steps", 1, "--out", out)
    return out


def test_each_stage_is_a_run_that_can_be_sampled_and_taken_again(command, stages: Path, tmp_path: Path) -> None:
    for part in (stages, stages / "teacher", stages / "teacher" / "teacher"):
        command("sample", part, "--out", tmp_path / "s.png", "--n", 2)
    given = ("--from", stages / "teacher", "--out", tmp_path / "r")
    command("train", "digits-distill", *SHORT, *SMALL["digits-distill"], "--steps", 1, *given)
    assert losses(tmp_path / "r") == losses(stages) and not (tmp_path / "r" / "teacher").exists()


def test_a_consistency_model_is_distilled_from_the_teacher_that_it_trained(command, tmp_path: Path) -> None:
    options = ("--method", "distillation", "--teacher-steps", 1)
    command(
        "train", "digits-consistency", *SHORT, *SMALL["digits-consistency"], *options, "--steps", 2, "--out", tmp_path
    )
    command("sample", tmp_path / "teacher", "--out", tmp_path / "s.png", "--n", 2, "--steps", 2)
    command("sample", tmp_path, "--out", tmp_path / "s.png", "--n", 2, "--steps", 4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--widths", "16"), "the teacher"),
        (("--sampling-steps", 2), "is a model of kind distill, and the teacher is one of kind flow"),
        (("--teacher-sampling", 8), "= 4, and this model asks for 8"),
    ],
)
def test_a_stage_that_does_not_fit_is_refused(command, stages: Path, tmp_path: Path, options, words: str) -> None:
    given = (*SMALL["digits-distill"], *options, "--from", stages / "teacher", "--out", tmp_path / "r")
    err = command("train", "digits-distill", *SHORT, "--steps", 1, *given, expect=2).stderr
    assert words in err and not (tmp_path / "r" / "checkpoints").exists()


def test_a_stage_of_other_data_is_refused(command, stages: Path, tmp_path: Path, monkeypatch) -> None:
    def of_others(checkpoint: Any) -> Any:
        found = load_model(checkpoint)
        data = {**found.description["data"], "fingerprint": "0123"}
        return dataclasses.replace(found, description={**found.description, "data": data})

    monkeypatch.setattr("torch_impl.runs.open.load_model", of_others)
    given = (*SMALL["digits-distill"], "--from", stages / "teacher", "--out", tmp_path / "r")
    err = command("train", "digits-distill", *SHORT, "--steps", 1, *given, expect=2).stderr
    assert "(fingerprint 0123)" in err and "give a stage of the same data" in err


@pytest.mark.parametrize("options", [("--steps", 3), ("--guidance", 2.0), ("--sampler", "heun")])
def test_samples_of_a_distilled_model_that_cannot_be(command, stages: Path, tmp_path: Path, options) -> None:
    command("sample", stages, "--out", tmp_path / "s.png", *options, expect=2)


@pytest.fixture
def flow(command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.getbasetemp() / "one-flow"
    if not out.exists():
        command("train", "digits-flow", *SHORT, *SMALL["digits-flow"], "--steps", 1, "--out", out)
    return out


@pytest.mark.parametrize("sampler", ["euler", "midpoint", "heun", "rk4", "dopri5"])
def test_every_solver_draws_the_digits_asked_for(command, flow: Path, tmp_path: Path, sampler: str) -> None:
    steps = () if sampler == "dopri5" else ("--steps", 3)
    asked = ("--sampler", sampler, *steps, "--label", "7", "--guidance", 1.5, "--n", 4)
    command("sample", flow, "--out", tmp_path / "s.npz", *asked)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--sampler", "ddim"), "is sampled by euler, midpoint, heun, rk4, dopri5"),
        (("--sampler", "dopri5", "--tolerance", 0), "an adaptive solver needs a positive one"),
        (("--sampler", "heun", "--tolerance", 0.1), "use --sampler dopri5"),
        (("--sampler", "dopri5", "--tolerance", 0.1, "--steps", 3), "leave it out"),
        (("--clip",), "has no meaning for a model of kind flow"),
        (("--label", "11"), "there is no class"),
    ],
)
def test_samples_of_a_flow_that_cannot_be(command, flow: Path, tmp_path: Path, options, words: str) -> None:
    assert words in command("sample", flow, "--out", tmp_path / "s.png", *options, expect=2).stderr


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("digits-pca", "--latent-dim", 65), "choose no more"),
        (("digits-pca", "--latent-dim", 0), "--latent-dim is 0; it must be at least 1"),
        (("digits-flow", "--coupling", "transport"), "train with --unconditional, or --coupling independent"),
        (("digits-flow", "--path", "curved"), "--path is 'curved'; choose linear or cosine"),
        (("digits-flow", "--label-drop", 2), "it must lie in [0, 1]"),
        (("digits-flow", "--timesteps", 5), "digits-flow has no --timesteps"),
        (("digits-edm", "--sigma-min", 90), "--sigma-min is 90.0; it must be less than --sigma-max = 40.0"),
        (("digits-sde", "--sde", "vpx"), "--sde is 'vpx'; choose vp, subvp or ve"),
        (("digits-sde", "--sigma-max", 9), "--sigma-max has no meaning with --sde vp"),
        (("digits-sde", "--sde", "ve", "--sigma-max", 0.5), "the size of the data"),
        (("digits-ncsn", "--sde", "vp"), "digits-ncsn has no --sde"),
        (("digits-ncsn", "--levels", 1), "--levels is 1"),
        (("digits-consistency", "--teacher-steps", 5), "--teacher-steps has no meaning with --method training"),
        (("digits-consistency", "--first-levels", 500), "it must be at most --levels = 160"),
        (("digits-consistency", "--from", "nowhere"), "has no earlier stage; leave out --from"),
        (("digits-meanflow", "--from", "nowhere"), "digits-meanflow has no --from"),
        (("digits-distill", "--sampling-steps", 3), "doubled once or more often, for example 24"),
        (("digits-reflow", "--path", "cosine"), "reflow pairs noise and samples itself"),
        (("mixture-reflow", "--conditional"), "train with --unconditional"),
        (("digits-cascade", "--factor", 3), "--factor is 3, which does not divide"),
        (("digits-cascade", "--augment-sample", 0.5), "the most noise that training shows"),
        (("digits-cascade", "--network", "dit"), "is a unet"),
        (("digits-vqvae2", "--widths", "8,8,8"), "is not divisible by 16"),
        (("digits-vqvae2", "--prior-heads", 7), "must be divisible by"),
        (("glyphs-dalle", "--heads", 5), "--heads = 5 does not divide --width = 96"),
        (("glyphs-dalle", "--last-temperature", 2), "it must be at most --temperature = 1"),
        (("glyphs-dalle", "--set", "vocabulary=a"), "comes from its data and cannot be set"),
        (("mixture-flow", "--data", "moon"), "mixture:moon"),
        (("mixture-flow", "--width", 5), "must be even"),
    ],
)
def test_requests_that_cannot_be(command, tmp_path: Path, arguments, words: str) -> None:
    err = command("train", *arguments, "--out", tmp_path / "r", expect=2).stderr
    assert words in err and not (tmp_path / "r").exists()


def test_a_solver_of_flows_is_refused_by_a_diffusion(train, command, tmp_path: Path) -> None:
    small = ("--set", "widths=8,8", "--set", "blocks=1", "--set", "attention=", "--timesteps", 8)
    train("digits-ddpm", "--out", tmp_path / "r", *small)
    err = command("sample", tmp_path / "r", "--out", tmp_path / "s.png", "--sampler", "rk4", expect=2).stderr
    assert "a model of kind ddpm is sampled by" in err
