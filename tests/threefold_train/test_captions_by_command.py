"""`sample --caption`: what is drawn, what goes with it into files, and what is refused before work."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from torch_impl.runs.load import load_model
from torch_impl.runs.rerank import Ranker

SHORT = ("--steps", 2, "--no-pictures", "--warmup", 0, "--log-every", 1, "--validate-every", 0, "--batch-size", 8)
SMALL = ("--widths", 8, "--attention", 8, "--set", "head_channels=8", "--set", "text_width=8", "--timesteps", 8)
CODES = ("--widths", "8,8", "--codes", 8, "--compressor-steps", 2, "--width", 16, "--depth", 1, "--heads", 2)
RED, GREEN = "a small red letter A, turned left, on blue", "a large bold green letter k, on white"


@pytest.fixture
def runs(command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A diffusion that reads captions, one that always had them, and a dual encoder."""
    home = tmp_path_factory.getbasetemp() / "captions"
    if not home.exists():
        for name, options in (("diffusion", ()), ("always-told", ("--label-drop", 0))):
            command("train", "glyphs-caption", *SHORT, *SMALL, *options, "--out", home / name)
        told = command("train", "glyphs-clip", *SHORT, "--widths", 8, "--out", home / "clip").output
        command("train", "glyphs-clip", *SHORT, "--widths", 8, "--image-size", 32, "--out", home / "larger")
        command("train", "glyphs-dalle", *SHORT, *CODES, "--out", home / "codes")
        assert "threefold evaluate" in told and "threefold sample" not in told
    return home


def test_captions_are_drawn_in_turn_and_stand_beside_the_pictures(command, runs: Path, tmp_path: Path) -> None:
    asked = ("sample", runs / "diffusion", "--caption", RED, "--caption", GREEN, "--n", 3, "--steps", 2)
    command(*asked, "--guidance", 2, "--out", tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as arrays:
        assert arrays["images"].shape == (3, 16, 16, 3)
        words = [text.replace(",", "").replace("letter k", "letter K") for text in (RED, GREEN, RED)]
        assert arrays["captions"].tolist() == words
    command(*asked, "--out", tmp_path / "single")
    with (tmp_path / "single" / "captions.csv").open() as file:
        assert list(csv.reader(file))[:2] == [["file", "caption"], ["000000.png", words[0]]]


@pytest.mark.parametrize(("name", "few"), [("diffusion", ("--steps", 2)), ("codes", ())])
def test_without_a_caption_those_of_the_data_are_drawn(command, runs: Path, tmp_path: Path, name: str, few) -> None:
    command("sample", runs / name, "--n", 2, *few, "--out", tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as arrays:
        examples = json.loads((runs / name / "config.json").read_text())["system"]["examples"]
        assert arrays["captions"].tolist() == examples[:2]


def test_a_dual_encoder_is_measured(command, runs: Path, tmp_path: Path) -> None:
    command("evaluate", runs / "clip", "--examples", 20, "--json", tmp_path / "f.json")
    found = json.loads((tmp_path / "f.json").read_text())
    keys = {row["key"]: row["value"] for row in found["figures"]["retrieval"]}
    assert keys["chance"] == 5 and {"test", "unseen", "unseen_character", "test_style"} <= keys.keys()
    assert not found["failed"]


@pytest.mark.parametrize(
    ("run", "options", "words"),
    [
        (
            "diffusion",
            ("--caption", "a purple letter A"),
            "has the word 'purple', which this model never read; it knows",
        ),
        ("diffusion", ("--caption", "a " * 12), "has 12 words, and this model reads at most 10; shorten it"),
        ("diffusion", ("--label", "3"), "--label has no meaning for a model of kind caption; leave it out"),
        ("always-told", ("--caption", RED, "--guidance", 2), "never learned to do without the caption"),
        ("clip", ("--caption", RED), "--caption has no meaning for a model of kind clip; leave it out"),
        ("codes", ("--caption", "a purple letter A"), "has the word 'purple', which this model never read"),
        ("codes", ("--caption", RED, "--guidance", 2), "--guidance has no meaning for a model of kind dalle"),
        ("codes", ("--steps", 5), "--steps has no meaning for a model of kind dalle"),
        ("codes/compressor", (), "a model of kind dvae cannot be sampled"),
    ],
)
def test_what_cannot_be_drawn_is_refused(command, runs: Path, tmp_path: Path, run: str, options, words: str) -> None:
    told = command("sample", runs / run, *options, "--out", tmp_path / "a.png", expect=2).stderr
    assert words in " ".join(told.split()) and not (tmp_path / "a.png").exists()


# -- codes of a first stage -------------------------------------------------------------------------------------------


def test_codes_that_a_run_trained_are_taken_by_another(command, runs: Path, tmp_path: Path) -> None:
    given = ("--from", runs / "codes" / "compressor", "--out", tmp_path / "r")
    command("train", "glyphs-dalle", *SHORT, *CODES, *given)
    both = [load_model(where).system.state_dict() for where in (runs / "codes", tmp_path / "r")]
    assert both[0].keys() == both[1].keys() and not (tmp_path / "r" / "compressor").exists()
    assert all(torch.equal(tensor, both[1][name]) for name, tensor in both[0].items())


@pytest.mark.parametrize(
    ("stage", "options", "words"),
    [
        ("codes/compressor", ("--codes", 9), "has --codes = 8, and this model asks for 9; give another discrete VAE"),
        ("codes/compressor", ("--image-size", 32, "--widths", "8,8"), "give a stage of the same data"),
        ("codes", (), "is a model of kind dalle, and the discrete VAE is one of kind dvae"),
        ("nowhere", (), "nowhere"),
    ],
)
def test_codes_that_do_not_fit_are_refused(command, runs: Path, tmp_path: Path, stage: str, options, words) -> None:
    given = (*CODES, *options, "--from", runs / stage, "--out", tmp_path / "r")
    told = command("train", "glyphs-dalle", *SHORT, *given, expect=2).stderr
    assert words in " ".join(told.split()) and not (tmp_path / "r" / "checkpoints").exists()


# -- the best of several ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("run", "few"), [("diffusion", ("--steps", 2)), ("codes", ())])
def test_the_pictures_that_are_kept_are_nearest_to_their_captions(
    command, runs: Path, tmp_path: Path, run: str, few
) -> None:
    encoder, near = load_model(runs / "clip").system, []
    asked = ("sample", runs / run, "--caption", RED, "--caption", GREEN, "--n", 4, *few)
    for name, options in (("plain", ()), ("best", ("--rerank", runs / "clip", "--candidates", 6))):
        command(*asked, *options, "--out", tmp_path / f"{name}.npz")
        with np.load(tmp_path / f"{name}.npz") as arrays:
            x = torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2).float() / 127.5 - 1
            tokens = encoder.tokenizer.encode(arrays["captions"].tolist())
        near.append((encoder.picture_vectors(x) * encoder.caption_vectors(tokens)).sum(1))
    assert len(near[1]) == 4 and float(near[1].mean()) > float(near[0].mean())


def test_one_of_one_is_that_one() -> None:
    class Encoder:
        def picture_vectors(self, x: torch.Tensor) -> torch.Tensor:
            return x

        def caption_vectors(self, tokens: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.one_hot(tokens[:, 0], 3).float()

    captions = torch.tensor([[2], [0], [1]])
    every = torch.eye(3).repeat(3, 1)  # for each caption one picture of each kind
    best = Ranker(Encoder(), 3).best(lambda asked: every, captions)
    assert torch.equal(best, torch.eye(3)[captions[:, 0]])


@pytest.mark.parametrize("how", ["sample", "evaluate"])
@pytest.mark.parametrize(
    ("run", "ranker", "words"),
    [
        ("diffusion", "always-told", "is a model of kind caption; give a run of a preset such as glyphs-clip"),
        ("diffusion", "larger", "has image_size = 32, and this model has 16; train it on the same data"),
        ("codes", "larger", "has image_size = 32, and this model has 16; train it on the same data"),
        ("clip", "clip", "--rerank has no meaning for a model of kind clip, which draws from no captions"),
        ("diffusion", "nowhere", "nowhere"),
    ],
)
def test_what_cannot_rank_is_refused(
    command, runs: Path, tmp_path: Path, how: str, run: str, ranker: str, words: str
) -> None:
    out = ("--out", tmp_path / "a.png", "--n", 2) if how == "sample" else ("--n", 2)
    told = command(how, runs / run, "--rerank", runs / ranker, *out, expect=2).stderr
    assert words in " ".join(told.split()) and not (tmp_path / "a.png").exists()


def test_candidates_that_nothing_ranks_are_refused(command, runs: Path, tmp_path: Path) -> None:
    told = command("sample", runs / "diffusion", "--candidates", 4, "--out", tmp_path / "a.png", expect=2).stderr
    assert "--candidates is 4, and nothing ranks them; give --rerank RUN too" in " ".join(told.split())
