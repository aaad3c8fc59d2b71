"""What a run says of itself while it lives, how it is stopped, locked, configured, estimated."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import torch

from torch_impl.runs.lock import FolderLock, Locked
from torch_impl.training import CheckpointStore, find_checkpoint

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
LONG = ("--steps", "100000", "--batch-size", "8", "--set", "hidden=8", "--log-every", "10", "--checkpoint-every", "0")


def started(*arguments: object, before: str = "") -> subprocess.Popen[str]:
    """The real program, in a process of its own."""
    program = f"import signal, sys; {before}\nfrom threefold.cli import cli\ncli({[str(a) for a in arguments]!r})"
    return subprocess.Popen(
        [sys.executable, "-c", program], env=ENVIRONMENT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def until(condition, process: subprocess.Popen[str], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < end, process.communicate(timeout=5)
        time.sleep(0.05)


def trains(out: Path):
    return lambda: (out / "metrics.jsonl").exists() and (out / "metrics.jsonl").stat().st_size > 0


# -- signals -----------------------------------------------------------------------------------------------------------


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", ["SIGHUP", "SIGUSR1", "SIGTERM", "SIGINT"])
def test_a_signal_writes_a_checkpoint_and_ends(tmp_path: Path, name: str) -> None:
    number = getattr(signal, name)
    run = started(
        "train", "digits-vae", "--out", tmp_path / "r", *LONG, before="signal.signal(2, signal.default_int_handler)"
    )
    until(trains(tmp_path / "r"), run)
    run.send_signal(number)
    _, err = run.communicate(timeout=120)
    assert run.returncode == 128 + number
    assert f"stopped by {name}" in err and f"{find_checkpoint(tmp_path / 'r').path}; go on with --resume" in err
    assert not (tmp_path / "r" / ".lock").exists()


def test_an_ignored_hangup_stays_ignored(tmp_path: Path) -> None:
    """As `nohup` has it."""
    run = started("train", "digits-vae", "--out", tmp_path / "r", *LONG, before="signal.signal(1, signal.SIG_IGN)")
    until(trains(tmp_path / "r"), run)
    run.send_signal(signal.SIGHUP)
    lines = (tmp_path / "r" / "metrics.jsonl").stat().st_size
    until(lambda: (tmp_path / "r" / "metrics.jsonl").stat().st_size > lines + 200, run)
    run.terminate()
    assert run.communicate(timeout=120) and run.returncode == 128 + signal.SIGTERM


def test_a_second_signal_names_the_last_checkpoint(train, tmp_path: Path, monkeypatch) -> None:
    from torch_impl.training import Trainer

    step = Trainer.train_step

    def interrupted(trainer: Trainer) -> None:
        if trainer.step == 1:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        step(trainer)

    monkeypatch.setattr(Trainer, "train_step", interrupted)
    result = train("digits-vae", "--out", tmp_path / "r", expect=130)
    kept = tmp_path / "r" / "checkpoints" / "step-00000001"
    assert "stopped at once by a second signal" in result.stderr
    assert f"go on with --resume (latest checkpoint: {kept})" in result.stderr


def test_stopped_among_the_pictures_it_keeps_what_is_finished(command, tmp_path: Path, monkeypatch) -> None:
    from torch_impl.pictures import album

    save = album.save_images

    def second_is_stopped(path: Path, *rest: object) -> None:
        if path.stem == "reconstructions":
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        save(path, *rest)

    monkeypatch.setattr(album, "save_images", second_is_stopped)
    options = ("--steps", 2, "--warmup", 0, "--batch-size", 4, "--set", "hidden=8")
    err = command("train", "digits-vae", "--out", tmp_path / "r", *options, expect=130).stderr
    assert "the model is trained and kept in" in err and "finished pictures are kept (samples.png)" in err
    assert find_checkpoint(tmp_path / "r").step == 2 and "--no-pictures" in err
    monkeypatch.setattr(album, "save_images", save)
    command("train", "digits-vae", "--out", tmp_path / "r", "--resume")
    assert (tmp_path / "r" / "portraits" / "reconstructions.png").exists() and (tmp_path / "r" / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("DataLoader worker (pid 9) is killed by signal: Killed.", "--set workers=0"),
        ("[enforce fail] DefaultCPUAllocator: can't allocate memory", "--batch-size"),
    ],
)
def test_what_the_machine_refuses_ends_without_a_traceback(train, tmp_path: Path, monkeypatch, words, remedy) -> None:
    from torch_impl.training import Trainer

    step = Trainer.train_step

    def refused(trainer: Trainer) -> None:
        if trainer.step == 1:
            raise RuntimeError(words)
        step(trainer)

    monkeypatch.setattr(Trainer, "train_step", refused)
    err = train("digits-vae", "--out", tmp_path / "r", expect=1).stderr
    assert remedy in err and f"latest checkpoint: {tmp_path / 'r' / 'checkpoints' / 'step-00000001'}" in err


def test_pictures_can_be_left_out(train, tmp_path: Path) -> None:
    err = train("digits-vae", "--out", tmp_path / "r").stderr
    assert not (tmp_path / "r" / "portraits").exists() and "making" not in err and "is trained" in err


# -- signs of life -----------------------------------------------------------------------------------------------------


def test_signs_of_life_come_by_time_also_within_a_step() -> None:
    import io

    from rich.console import Console

    from torch_impl.training.progress import TerminalObserver

    class Trainer:
        class config:
            steps, batch_size = 1000, 8

        step = 0

    text = io.StringIO()
    observer = TerminalObserver(Console(file=text, width=200), interval=0.2, first=0.1)
    observer.started(Trainer())  # type: ignore[arg-type]  # what the observer looks at
    time.sleep(0.5)
    assert "step 0/1000  the next step is under way" in text.getvalue()
    observer.stepped(1)
    assert "step 1/1000" in text.getvalue() and "images/s  left" in text.getvalue()
    time.sleep(0.5)
    assert text.getvalue().count("step 1/1000") >= 2
    observer.close()
    length = len(text.getvalue())
    time.sleep(0.5)
    assert len(text.getvalue()) == length


def test_a_run_speaks_within_two_seconds_of_its_first_import(tmp_path: Path) -> None:
    run = started("train", "glyphs-ddpm", "--out", tmp_path / "r")
    begun = time.monotonic()
    assert run.stderr is not None and "glyphs-ddpm begins" in run.stderr.readline()
    assert time.monotonic() - begun < 20  # the interpreter and click alone; two seconds where nothing else runs
    run.kill()
    run.communicate()


def test_a_run_of_days_says_so_and_what_fits(train, tmp_path: Path, monkeypatch) -> None:
    from torch_impl.runs import preflight

    monkeypatch.setattr(preflight, "_LONG", 1e-9)
    err = train("digits-onestep", "--out", tmp_path / "r", "--set", "widths=128,256").stderr
    assert "What fits in 8 h 00 min:" in err and "  --steps " in err
    assert "--set widths=32,64 --batch-size" in err


# -- one run to a folder -----------------------------------------------------------------------------------------------


def test_a_second_run_is_refused_and_touches_nothing(train, command, tmp_path: Path) -> None:
    out = tmp_path / "r"
    run = started("train", "digits-vae", "--out", out, *LONG)
    until(trains(out), run)
    config = (out / "config.json").read_bytes()
    for options in ((), ("--resume",)):
        err = train("digits-vae", "--out", out, "--seed", 5, *options, expect=2).stderr
        assert f"{out} is in use by process {run.pid} on " in err
    assert (out / "config.json").read_bytes() == config
    run.kill()  # it leaves its lock, which stops nobody
    run.communicate()
    assert (out / ".lock").exists()
    train("digits-vae", "--out", out, "--resume", "--steps", 3, "--seed", 0, quick=False)
    assert find_checkpoint(out).step == 3 and not (out / ".lock").exists()


def test_an_evaluation_writes_into_no_folder_in_use(command, digits_run: Path, tmp_path: Path) -> None:
    ask = ("evaluate", digits_run, "--metric", "reconstruction", "--examples", 5)
    with FolderLock(digits_run):
        assert "is in use by process" in command(*ask, "--json", digits_run / "f.json", expect=2).stderr
        command(*ask, "--json", tmp_path / "f.json")
    assert not (digits_run / "f.json").exists()
    command(*ask, "--json", digits_run / "f.json")
    (digits_run / "f.json").unlink()


def test_a_lock_of_another_machine_is_refused_with_the_way_out(train, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / ".lock").write_text(json.dumps({"host": "elsewhere", "pid": 1}))
    err = train("digits-vae", "--out", tmp_path / "r", expect=2).stderr
    assert "process 1 on elsewhere" in err and f"remove {tmp_path / 'r' / '.lock'}" in err
    assert [path.name for path in (tmp_path / "r").iterdir()] == [".lock"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"host": 3}'])
def test_a_lock_that_says_nothing_is_left_behind(tmp_path: Path, content: str) -> None:
    (tmp_path / ".lock").write_text(content)
    if content == '{"host": 3}':
        with pytest.raises(Locked):
            FolderLock(tmp_path).__enter__()
        return
    with FolderLock(tmp_path):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()
        with pytest.raises(Locked, match=f"process {os.getpid()}"):
            FolderLock(tmp_path).__enter__()
    assert not (tmp_path / ".lock").exists()


def test_a_lock_takes_the_folders_it_made_away_again(tmp_path: Path) -> None:
    with FolderLock(tmp_path / "a" / "b"):
        pass
    assert not (tmp_path / "a").exists()
    with FolderLock(tmp_path / "a" / "b"):
        (tmp_path / "a" / "x").write_text("kept")
    assert (tmp_path / "a" / "x").exists() and not (tmp_path / "a" / "b").exists()


# -- configuration -----------------------------------------------------------------------------------------------------


def test_what_a_dry_run_prints_trains_and_options_go_first(train, command, pets: Path, tmp_path: Path) -> None:
    printed = train(
        "folder-vae", "--data", pets, "--beta", 3, "--lr", 0.002, "--out", tmp_path / "r", "--dry-run"
    ).stdout
    assert not (tmp_path / "r").exists()
    (tmp_path / "c.json").write_text(printed)
    command("train", "--config", tmp_path / "c.json", "--out", tmp_path / "r", "--lr", 0.001, "--no-pictures")
    config = find_checkpoint(tmp_path / "r").config
    assert (config["system"]["beta"], config["trainer"]["lr"], config["trainer"]["steps"]) == (3.0, 0.001, 2)
    toml = tomllib.loads((tmp_path / "r" / "config.toml").read_text())
    assert toml["preset"] == "folder-vae" and toml["data"]["root"] == str(pets)
    command("train", "--config", tmp_path / "r" / "config.toml", "--out", tmp_path / "again", "--no-pictures")
    assert find_checkpoint(tmp_path / "again").config == config
    command("train", "folder-vae", "--config", tmp_path / "r" / "config.json", "--data", pets, "--out", tmp_path / "x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "which PRESET to train"),
        ('preset = "digits-vqvae"', "is of digits-vqvae, not of digits-vae"),
        ("preset = 3", "it must be a name"),
        ("[trainer]\nstpes = 3", "has 'stpes'; its fields are"),
        ('[trainer]\nsteps = "many"', "--steps is 'many'"),
        ("[trainer]\nsteps = 0", "--steps is 0"),
        ("trainer = 3", "it must be a table"),
        ("[model]\nx = 1", "has 'model'"),
        ("steps = [", "neither TOML nor JSON"),
        ('{"trainer": ', "neither TOML nor JSON"),
        ('[data]\nname = "glyphs"', "is of glyphs"),
        ('[system]\nkind = "ddpm"', "is of another"),
    ],
)
def test_configurations_that_cannot_be(command, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    name = () if not text else ("digits-vae",)
    err = command("train", *name, "--config", tmp_path / "c.toml", "--out", tmp_path / "r", expect=2).stderr
    assert words in err and not (tmp_path / "r").exists()


@pytest.mark.parametrize("what", ["missing", "folder", "bytes"])
def test_configuration_files_that_cannot_be_read(command, tmp_path: Path, what: str) -> None:
    path = tmp_path / "c.toml"
    if what == "folder":
        path.mkdir()
    elif what == "bytes":
        path.write_bytes(b"\xff\xfe\x00")
    assert "--config" in command("train", "--config", path, expect=2).stderr


def test_a_dry_run_finds_what_a_run_would_meet(train, pets: Path, tmp_path: Path) -> None:
    (pets / "cat" / "03.png").write_bytes(b"junk")
    assert "1 of 40 images" in train("folder-vae", "--data", pets, "--dry-run", expect=2).stderr
    assert "no CUDA device" in train("digits-vae", "--device", "cuda", "--dry-run", expect=2).stderr
    assert "no checkpoint at" in train("digits-latent", "--compressor", tmp_path / "no", "--dry-run", expect=2).stderr


# -- the rate ----------------------------------------------------------------------------------------------------------


def test_a_stretched_cosine_is_told_and_can_go_on_without_a_jump(train, tmp_path: Path) -> None:
    out = tmp_path / "r"
    train("digits-vae", "--out", out, "--steps", 20, "--warmup", 2, "--lr", 0.01)
    more = ("digits-vae", "--out", out, "--resume", "--steps", 60)
    err = train(*more, "--dry-run", quick=False).stderr
    assert "the learning rate jumps: at step 20 it was" in err and "--lr-restart" in err
    train(*more, "--lr-restart", quick=False)
    rates = {line["step"]: line["lr"] for line in map(json.loads, (out / "metrics.jsonl").read_text().splitlines())}
    assert rates[20] < 1e-3 and max(rates.values()) == pytest.approx(0.01)
    assert max(abs(rates[step + 1] - rates[step]) for step in range(18, 60)) < 0.0075
    train("digits-vae", "--out", out, "--resume", "--steps", 60, quick=False)  # it stays in the run


def test_a_restart_belongs_to_a_run_that_goes_on(train, tmp_path: Path) -> None:
    assert "--lr-restart belongs to a run that is gone on with" in train("digits-vae", "--lr-restart", expect=2).stderr


def test_a_warm_up_longer_than_the_run(train, tmp_path: Path) -> None:
    err = train("digits-vae", "--steps", 100, "--warmup", 101, "--out", tmp_path / "r", expect=2).stderr
    assert "warm-up is 101 steps, longer than the run of 100" in err and "--warmup 10" in err
    err = train("digits-vae", "--steps", 20, "--out", tmp_path / "r").stderr
    assert "the warm-up is 2 steps: the usual 100 are more than the run has" in err


# -- the machine -------------------------------------------------------------------------------------------------------


def test_another_number_of_threads_is_told(train, tmp_path: Path) -> None:
    train("digits-vae", "--out", tmp_path / "r")
    torch.set_num_threads(2)
    err = train("digits-vae", "--out", tmp_path / "r", "--resume", "--steps", 3, quick=False).stderr
    assert "not bit for bit as if never stopped: the run had 1 threads, now there are 2; OMP_NUM_THREADS=1" in err


def test_averages_lost_to_a_kill_are_written_again(train, command, tmp_path: Path) -> None:
    import shutil

    out = tmp_path / "r"
    train("digits-vae", "--out", out, "--ema", "power")
    shutil.rmtree(out / "averages" / "step-00000002")
    train("digits-vae", "--out", out, "--resume", quick=False)
    assert CheckpointStore(out / "averages").all()[-1].step == 2
    command("sample", out, "--out", tmp_path / "x.png", "--ema-width", 0.1, "--n", 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("digits-vae", "--latent-dim", 10**8), "weights with their gradients"),
        (("digits-vae", "--batch-size", 10**10), "a batch of 10,000,000,000 examples"),
        (("digits-vae", "--set", "hidden=10000000,10000000"), "of memory"),
        (("digits-ddpm", "--set", "widths=65536,65536", "--set", "attention="), "of memory"),
        (("digits-ddpm", "--timesteps", 10**9), "--timesteps is 1000000000"),
        (("digits-vae", "--seed", -1), "--seed is -1"),
        (("digits-vae", "--seed", 2**64), f"--seed is {2**64}"),
        (("digits-ddpm", "--unconditional", "--label-drop", 0.2), "the model is unconditional"),
        (("digits-vae", "--batch-size", 0), "--batch-size is 0"),
        (("digits-vae", "--set", "preview_every=-1"), "--sample-every is -1"),
        (("folder-vae", "--data", ""), "--data is empty"),
    ],
)
def test_what_cannot_fit_or_be_is_refused_at_once(command, tmp_path: Path, options, words: str) -> None:
    begun = time.monotonic()
    err = command("train", *options, "--out", tmp_path / "r", expect=2).stderr
    assert words in err and not (tmp_path / "r").exists() and time.monotonic() - begun < 60
