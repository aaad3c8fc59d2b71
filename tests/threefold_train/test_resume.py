"""A run goes on exactly where it was stopped or killed, and takes nothing that is not its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_runs import SHORT, SMALL, losses, run, trained

from torch_impl.training import find_checkpoint

ROOT = Path(__file__).parents[2]


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


CODES = ("--widths", "8,8", "--blocks", 0, "--codes", 8, "--width", 16, "--depth", 1, "--heads", 2)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("name", "small", "where"),
    [
        ("digits-ddpm", SMALL["ddpm"], "."),
        ("glyphs-dalle", (*CODES, "--compressor-steps", 7), "."),
        ("glyphs-dalle", (*CODES, "--compressor-steps", 80), "compressor"),
    ],
    ids=["one stage", "in the second stage", "in the first stage"],
)
def test_a_run_killed_in_the_middle_resumes_exactly(tmp_path, name, small, where):
    """The real program, killed by SIGKILL from its own third checkpoint on, and gone on with."""
    program = [sys.executable, "-m", "threefold", "train", name, *map(str, SHORT), *map(str, small)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    options = ["--steps", "80", "--checkpoint-every", "7"]
    whole, parts = str(tmp_path / "whole"), str(tmp_path / "parts")
    subprocess.run([*program, *options, "--out", whole], env=environment, check=True, capture_output=True)
    victim = subprocess.Popen([*program, *options, "--out", parts], env=environment, stderr=subprocess.DEVNULL)
    while victim.poll() is None and not list((tmp_path / "parts" / where).glob("checkpoints/step-0000002*")):
        time.sleep(0.01)
    victim.kill()
    victim.wait()
    assert len(losses(tmp_path / "parts" / where)) < 80
    subprocess.run([*program, *options, "--out", parts, "--resume"], env=environment, check=True, capture_output=True)
    for stage in {where, "."}:
        assert losses(tmp_path / "whole" / stage) == losses(tmp_path / "parts" / stage)
