"""Systems that came as files of their own: each trains by one command, resumes exactly, samples, evaluates, refuses."""

from __future__ import annotations

import json
import math
from pathlib import Path

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
    "mixture-sde": ("--width", 16, "--depth", 1, "--batch-size", 32, "--sde", "ve"),
    "mixture-flow": ("--width", 16, "--depth", 1, "--batch-size", 32),
}
OWN = {  # a figure that only such a system has
    "digits-pca": "subspace",
    "digits-flow": "straightness",
    "digits-edm": "flow_bpd",
    "digits-sde": "flow_bpd",
    "digits-ncsn": "classifier",
    "mixture-sde": "likelihood",
    "mixture-flow": "straightness",
}
SHORT = ("--no-pictures", "--warmup", 0, "--log-every", 1, "--checkpoint-every", 1, "--validate-every", 0)
RATE = ("--lr-shape", "constant")


def losses(out: Path) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in read_metrics(out / "metrics.jsonl")]


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
    command("evaluate", tmp_path / "whole", "--n", 30, "--examples", 20, *few, "--json", report)
    found = json.loads(report.read_text())
    assert not found["failed"]
    assert all(math.isfinite(figure["value"]) for rows in found["figures"].values() for figure in rows)
    assert OWN[name] in found["figures"]


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
