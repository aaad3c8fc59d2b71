"""`sample --classifier RUN` and `evaluate --classifier RUN`: what is drawn, and what is refused before work."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

SHORT = ("--steps", 2, "--no-pictures", "--warmup", 0, "--log-every", 1, "--validate-every", 0, "--batch-size", 8)
SMALL = ("--widths", "8", "--blocks", 1, "--timesteps", 8)
PLAIN = ("--attention", "")


@pytest.fixture
def runs(command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier, a diffusion that it fits, and others that it does not."""
    home = tmp_path_factory.getbasetemp() / "guided"
    if not home.exists():
        for name, options in (("classifier", ("--no-attention",)), ("longer", ("--no-attention", "--timesteps", 9))):
            command("train", "digits-classifier", *SHORT, *SMALL, *options, "--out", home / name)
        for name, options in (
            ("diffusion", ()),
            ("unconditional", ("--unconditional",)),
            ("always-told", ("--label-drop", 0)),
        ):
            command("train", "digits-ddpm", *SHORT, *SMALL, *PLAIN, *options, "--out", home / name)
    return home


def drawn(command, out: Path, *arguments: object) -> np.ndarray:
    command("sample", *arguments, "--out", out, "--n", 4, "--steps", 4)
    with np.load(out) as arrays:
        return np.asarray(arrays["images"])


@pytest.mark.sampled(2)
@pytest.mark.parametrize("diffusion", ["diffusion", "unconditional"])
def test_the_weight_of_the_classifier_changes_what_is_drawn(
    command, runs: Path, tmp_path: Path, diffusion: str
) -> None:
    guided = (runs / diffusion, "--classifier", runs / "classifier", "--label", "3", "--guidance")
    weak, strong = (drawn(command, tmp_path / f"{w}.npz", *guided, w) for w in (0, 40))
    other = drawn(command, tmp_path / "o.npz", *guided[:4], "4", "--guidance", 40)
    assert not np.array_equal(weak, strong) and not np.array_equal(strong, other)


def test_guided_samples_are_measured(command, runs: Path, tmp_path: Path) -> None:
    asked = ("--classifier", runs / "classifier", "--metric", "classifier,diversity", "--n", 20, "--steps", 3)
    command("evaluate", runs / "unconditional", *asked, "--json", tmp_path / "f.json")
    found = json.loads((tmp_path / "f.json").read_text())["figures"]
    assert {row["key"] for row in found["diversity"]} == {"ratio", "samples", "real"}
    assert any(row["key"] == "intended" for row in found["classifier"])


def test_the_classifier_itself_is_measured(command, runs: Path, tmp_path: Path) -> None:
    command("evaluate", runs / "classifier", "--examples", 20, "--json", tmp_path / "f.json")
    found = json.loads((tmp_path / "f.json").read_text())
    assert {row["key"] for row in found["figures"]["noisy_accuracy"]} == {"clean", "half", "all"}
    assert not found["failed"]


@pytest.mark.parametrize("how", ["sample", "evaluate"])
@pytest.mark.parametrize(
    ("diffusion", "classifier", "words"),
    [
        ("diffusion", "longer", "timesteps = 9, and this model has 8"),
        ("diffusion", "unconditional", "is a model of kind ddpm; give a run of a preset such as digits-classifier"),
        ("always-told", "classifier", "never learned to do without the class"),
        ("classifier", "classifier", "--classifier has no meaning for a model of kind classifier"),
        ("diffusion", "nowhere", "nowhere"),
    ],
)
def test_a_classifier_that_does_not_fit_is_refused(
    command, runs: Path, tmp_path: Path, how: str, diffusion: str, classifier: str, words: str
) -> None:
    out = ("--out", tmp_path / "s.png", "--n", 2) if how == "sample" else ("--n", 2)
    err = command(how, runs / diffusion, "--classifier", runs / classifier, *out, expect=2).stderr
    assert words in err and not (tmp_path / "s.png").exists()


def test_a_classifier_cannot_be_sampled(command, runs: Path, tmp_path: Path) -> None:
    err = command("sample", runs / "classifier", "--out", tmp_path / "s.png", expect=2).stderr
    assert "cannot be sampled" in err
