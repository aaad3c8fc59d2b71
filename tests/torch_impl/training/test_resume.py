"""Exact resume: a killed run, resumed, is bit for bit the run that was never stopped."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from torch_impl.random.state import capture_rng, restore_rng
from torch_impl.training import (
    CheckpointDamaged,
    CheckpointMissing,
    CheckpointStore,
    Interrupted,
    Observer,
    find_checkpoint,
    read_metrics,
)

TIMED = {"examples_per_second"}


def lines(out: Path) -> list[dict]:
    return [{k: v for k, v in line.items() if k not in TIMED} for line in read_metrics(out / "metrics.jsonl")]


def final(out: Path, step: int) -> dict[str, torch.Tensor]:
    from torch_impl.training import StoredCheckpoint

    checkpoint = StoredCheckpoint(out / "checkpoints" / f"step-{step:08d}")
    checkpoint.verify()
    parts = ("model", "ema", "ema-1", "optimizer")
    return {f"{part}/{k}": v for part in parts for k, v in checkpoint.tensors(f"{part}.safetensors").items()}


def assert_same_run(a: Path, b: Path, step: int = 12) -> None:
    assert lines(a) == lines(b)
    assert [line["step"] for line in lines(a)][-1] == step
    first, second = final(a, step), final(b, step)
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, small_run) -> Path:
    out = tmp_path_factory.mktemp("unbroken")
    torch.set_num_threads(1)
    small_run.make(out, log_every=1).fit()
    return out


@pytest.mark.parametrize("kill_at", [9, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 4, 5, 11))])
def test_killed_and_resumed_is_bit_for_bit_the_unbroken_run(tmp_path, run_small, unbroken, kill_at):
    killed = run_small(str(tmp_path), '{"log_every": 1}', "--kill-at", str(kill_at))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert lines(tmp_path)[-1]["step"] == kill_at  # it got as far as that, and no further
    resumed = run_small(str(tmp_path), '{"log_every": 1}', "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert_same_run(tmp_path, unbroken)


@pytest.mark.parametrize("stop_after", range(1, 12))
def test_resuming_from_any_step_is_exact(tmp_path, small_run, unbroken, stop_after):
    """In one process: stopped by a signal after any step, and gone on as if nothing had been."""

    class Stop(Observer):
        def logged(self, line):
            if line["step"] == stop_after:
                signal.raise_signal(signal.SIGTERM)

    with pytest.raises(Interrupted):
        small_run.make(tmp_path, observer=Stop()).fit()
    torch.manual_seed(999)  # whatever the generators are at now must not matter
    random.seed(5)
    np.random.seed(5)
    again = small_run.make(tmp_path)
    assert again.restore() == stop_after
    again.fit()
    assert_same_run(tmp_path, unbroken)


def test_resume_inside_a_logging_window_keeps_its_means(tmp_path, small_run):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    small_run.make(whole, log_every=6, checkpoint_every=4).fit()
    small_run.make(broken, log_every=6, checkpoint_every=4).fit()
    for step in (8, 12):
        for file in (broken / "checkpoints" / f"step-{step:08d}").iterdir():
            file.unlink()
        (broken / "checkpoints" / f"step-{step:08d}").rmdir()
    again = small_run.make(broken, log_every=6, checkpoint_every=4)
    assert again.restore() == 4
    again.fit()
    assert_same_run(whole, broken)


@pytest.mark.parametrize("part", ["model", "ema", "optimizer", "data", "rng", "step"])
def test_every_part_of_the_state_matters(tmp_path, small_run, unbroken, part, monkeypatch):
    """Were any part not restored, the comparison above would fail: shown part by part."""
    small_run.make(tmp_path).fit()
    trainer = small_run.make(tmp_path)
    stale = {
        "model": {k: v.clone() for k, v in trainer.system.state_dict().items()},
        "ema": {k: v.clone() for k, v in trainer.emas[0].state().items()},
        "rng": capture_rng(),
    }
    trainer.restore(tmp_path / "checkpoints" / "step-00000004")
    if part == "model":
        trainer.system.load_state_dict(stale["model"])
    elif part == "ema":
        trainer.emas[0].load_state(stale["ema"], 0)
    elif part == "optimizer":
        trainer.optimizer.state.clear()
    elif part == "data":
        trainer.batches.position = 0
    elif part == "rng":
        restore_rng(stale["rng"])
    else:
        trainer.step = 3
    trainer.fit()
    with pytest.raises(AssertionError):
        assert_same_run(tmp_path, unbroken)


def test_a_longer_run_goes_on_from_a_finished_one(tmp_path, small_run):
    fields = {"lr_shape": "constant", "warmup": 0}
    small_run.make(tmp_path / "a", steps=8, **fields).fit()
    longer = small_run.make(tmp_path / "a", steps=12, **fields)
    assert longer.restore() == 8
    longer.fit()
    small_run.make(tmp_path / "b", steps=12, **fields).fit()
    assert_same_run(tmp_path / "a", tmp_path / "b")


def test_sigterm_writes_a_checkpoint_and_stops(tmp_path, run_small):
    stopped = run_small(str(tmp_path), '{"steps": 400, "checkpoint_every": 0}', "--signal-at", "7")
    assert stopped.returncode == 1 and "Interrupted: stopped by SIGTERM" in stopped.stderr
    latest = CheckpointStore(tmp_path / "checkpoints").latest()
    assert latest.step == 7 and latest.state["data"]["position"] == 7 * 16


def test_a_cut_line_of_metrics_does_not_survive_a_resume(tmp_path, small_run):
    small_run.make(tmp_path, steps=8).fit()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 9, "lo')
    again = small_run.make(tmp_path, steps=8)
    again.restore()
    again.fit()
    assert [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == list(
        range(1, 9)
    )


def test_lines_of_metrics_that_are_no_metrics_do_not_survive_a_resume(tmp_path, small_run):
    small_run.make(tmp_path, steps=8).fit()
    with (tmp_path / "metrics.jsonl").open("ab") as file:
        file.write(b'3\nnull\n{"loss": 1.0}\n{"step": "9"}\n\xff\n')
    again = small_run.make(tmp_path, steps=9)
    again.restore()
    again.fit()
    assert [line["step"] for line in read_metrics(tmp_path / "metrics.jsonl")] == list(range(1, 10))
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 9


# -- going on from an older checkpoint --------------------------------------------------------------------------------


def test_what_the_run_wrote_after_an_older_checkpoint_is_set_aside_and_never_lost(tmp_path, small_run):
    class Watch(Observer):
        folder = None

        def set_aside(self, folder):
            self.folder = folder

        def logged(self, line):
            if line["step"] == 5:
                signal.raise_signal(signal.SIGTERM)

    small_run.make(tmp_path, preview_every=0).fit()
    checkpoints = tmp_path / "checkpoints"
    (checkpoints / "best.json").write_text('{"checkpoint": "step-00000012", "value": 0.5}')
    before = final(tmp_path, 12)
    observer = Watch()
    again = small_run.make(tmp_path, observer=observer, steps=50, keep_last=1)
    again.restore(checkpoints / "step-00000004")
    with pytest.raises(Interrupted) as error:
        again.fit()
    assert error.value.checkpoint == checkpoints / "step-00000005"
    assert CheckpointStore(checkpoints).latest().step == 5 and CheckpointStore(checkpoints).best() is None
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3, 4, 5]
    aside = observer.folder
    assert aside is not None and aside.parent == tmp_path / "abandoned"
    assert [checkpoint.step for checkpoint in CheckpointStore(aside / "checkpoints").all()] == [8, 12]
    assert find_checkpoint(aside / "best").step == 12
    after = final(aside, 12)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [line["step"] for line in lines(aside)] == list(range(1, 13))
    assert sorted(path.name for path in (aside / "averages").iterdir()) == ["step-00000008", "step-00000012"]


def test_two_abandoned_ends_lie_side_by_side(tmp_path, small_run):
    small_run.make(tmp_path).fit()
    for _ in range(2):
        again = small_run.make(tmp_path)
        again.restore(tmp_path / "checkpoints" / "step-00000004")
        again.fit()
    assert len(list((tmp_path / "abandoned").iterdir())) == 2
    assert CheckpointStore(tmp_path / "checkpoints").latest().step == 12


# -- the validation loss ----------------------------------------------------------------------------------------------


def validated(trainer):
    """With the held-out losses 1, 1/2, 1/3, ... of the steps at which they are asked for."""
    trainer.validate = lambda: 1 / trainer.step
    return trainer


def test_the_best_is_marked_by_the_loss_of_its_own_weights_alone(tmp_path, small_run):
    """Validation at 5 and 10, and lines of it; checkpoints at 4, 8 and, stopped, at 11: none of these was measured."""

    class Stop(Observer):
        def logged(self, line):
            if line["step"] == 11:
                signal.raise_signal(signal.SIGTERM)

    trainer = validated(small_run.make(tmp_path, validate_every=5, observer=Stop()))
    with pytest.raises(Interrupted):
        trainer.fit()
    assert trainer.store.best() is None
    again = validated(small_run.make(tmp_path, validate_every=5))
    again.restore()
    again.fit()
    best = again.store.best()
    assert best is not None and (best[0].step, best[1]) == (12, 1 / 12)


def test_a_validation_loss_that_waits_for_its_line_survives_a_kill(tmp_path, small_run):
    """Validation at 4 and 8, checkpoint at 9, lines at 5 and 10: the line of step 10 has the loss of step 8."""
    fields = {"steps": 11, "validate_every": 4, "log_every": 5, "checkpoint_every": 9}
    whole = validated(small_run.make(tmp_path / "whole", **fields))
    whole.fit()
    again = validated(small_run.make(tmp_path / "again", **fields))
    again.restore(tmp_path / "whole" / "checkpoints" / "step-00000009")
    again.fit()
    assert lines(tmp_path / "again") == lines(tmp_path / "whole")[1:]
    assert [line["validation_loss"] for line in lines(tmp_path / "again")] == [1 / 8, 1 / 11]


def test_a_run_has_a_checkpoint_at_its_end_though_none_on_its_way(tmp_path, small_run):
    result = small_run.make(tmp_path, checkpoint_every=0).fit()
    assert [checkpoint.step for checkpoint in CheckpointStore(tmp_path / "checkpoints").all()] == [12]
    assert result.checkpoint == tmp_path / "checkpoints" / "step-00000012"


@pytest.mark.parametrize("fields", [{"seed": 1}, {"batch_size": 32}, {"ema": ()}])
def test_resuming_another_run_is_refused(tmp_path, small_run, fields):
    small_run.make(tmp_path, steps=4).fit()
    with pytest.raises(ValueError, match=f"cannot be resumed with another {next(iter(fields))}"):
        small_run.make(tmp_path, **fields).restore()


def test_another_system_is_refused(tmp_path, small_run):
    small_run.make(tmp_path, steps=4).fit()
    other = small_run.make(tmp_path)
    other.description = {"system": {"kind": "vae"}, "data": {"name": "numbers"}}
    with pytest.raises(ValueError, match="kind was 'denoise', is now 'vae'"):
        other.restore()


def test_damage_is_named_and_the_previous_good_one_taken_on_request(tmp_path, small_run, unbroken):
    small_run.make(tmp_path).fit()
    victim = tmp_path / "checkpoints" / "step-00000012" / "optimizer.safetensors"
    data = bytearray(victim.read_bytes())
    data[-1] ^= 0x80
    victim.write_bytes(data)
    trainer = small_run.make(tmp_path)
    with pytest.raises(CheckpointDamaged) as error:
        trainer.restore()
    assert error.value.path == victim and error.value.previous_good is not None
    assert trainer.restore(error.value.previous_good) == 8
    trainer.fit()
    assert_same_run(tmp_path, unbroken)


def test_resume_without_a_checkpoint_is_refused(tmp_path, small_run):
    with pytest.raises(CheckpointMissing):
        small_run.make(tmp_path).restore()
    with pytest.raises(CheckpointMissing, match="no output folder"):
        small_run.make(None).restore()


def test_generator_states_survive_json():
    state = json.loads(json.dumps(capture_rng()))
    drawn = (torch.rand(3), random.random(), np.random.rand(3), torch.randn(3))
    restore_rng(state)
    again = (torch.rand(3), random.random(), np.random.rand(3), torch.randn(3))
    assert torch.equal(drawn[0], again[0]) and torch.equal(drawn[3], again[3])
    assert drawn[1] == again[1] and np.array_equal(drawn[2], again[2])
