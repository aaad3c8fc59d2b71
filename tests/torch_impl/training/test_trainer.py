"""The training loop: what a step does, and what it does when something is wrong."""

from __future__ import annotations

import errno
import math
import os
from pathlib import Path

import pytest
import torch
from torch import nn

from torch_impl.training import (
    CheckpointStore,
    CheckpointUnwritable,
    NonFiniteError,
    Observer,
    Trainer,
    TrainerConfig,
    read_metrics,
)
from torch_impl.training.watch import describe


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in trainer.system.state_dict().items() if "net" in name}


def test_a_step_is_adamw_on_clipped_gradients(small_run):
    """Against torch's own clipping and its single-tensor AdamW."""
    fields = {"clip": 0.05, "weight_decay": 0.1, "dropout": 0.0, "steps": 5, "ema": ()}
    trainer = small_run.make(None, **fields)
    mirror = small_run.make(None, **fields)
    assert all(torch.equal(a, b) for a, b in zip(trainer.system.parameters(), mirror.system.parameters(), strict=True))
    plain = torch.optim.AdamW(mirror.system.parameters(), lr=1.0, weight_decay=0.1, foreach=False, fused=False)
    for step in range(1, 6):
        trainer.train_step()
        plain.param_groups[0]["lr"] = mirror.config.learning_rate().at(step)
        mirror.system(next(mirror.batches), mirror.draws.at(step))["loss"].backward()
        norm = nn.utils.clip_grad_norm_(mirror.system.parameters(), 0.05)
        assert float(norm) > 0.05  # clipping is at work
        plain.step()
        plain.zero_grad()
    for (name, a), b in zip(trainer.system.named_parameters(), mirror.system.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=2e-5, atol=2e-6, msg=name)


@pytest.mark.parametrize("accumulate", [2, 4])
def test_micro_batches_add_up_to_the_batch(small_run, accumulate):
    whole = small_run.make(None, dropout=0.0, steps=6)
    pieces = small_run.make(None, dropout=0.0, steps=6, accumulate=accumulate)
    one, many = whole.fit(), pieces.fit()
    assert one.metrics["loss"] == pytest.approx(many.metrics["loss"], rel=1e-5)
    for a, b in zip(whole.system.parameters(), pieces.system.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_training_lowers_the_loss_and_the_average_follows(small_run):
    trainer = small_run.make(None, steps=300, dropout=0.0, log_every=50, batch_size=48)
    before = trainer.emas[0].module.net[0].weight.clone()
    result = trainer.fit()
    assert result.metrics["loss"] < 0.35  # predicting zero costs about 1; the best linear guess at this noise 0.2
    assert not torch.equal(trainer.averaged.net[0].weight, before)
    assert not torch.equal(trainer.averaged.net[0].weight, trainer.system.net[0].weight)


def test_a_stream_of_the_wrong_batch_size_is_refused(small_run):
    trainer = small_run.make(None)
    trainer.batches = small_run.Stream(50, 4)
    with pytest.raises(ValueError, match="gave 4 examples, this process needs 16"):
        trainer.train_step()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"batch_size": 10, "accumulate": 3}, "cut into 3"),
        ({"clip": 0.0}, "clip is 0.0"),
        ({"precision": "fp8"}, "choose one of auto, fp32, bf16"),
        ({"nonfinite": "ignore"}, "stop, skip"),
        ({"betas": (0.9, 1.0)}, "betas"),
        ({"lr": -1.0}, "learning rate is -1.0"),
        ({"checkpoint_every": -1}, "checkpoint_every is -1"),
    ],
)
def test_impossible_configurations_are_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        TrainerConfig(**fields)


def test_blocks_serve_the_processes_or_say_what_would():
    assert TrainerConfig(batch_size=16).blocks_for(1) == 8
    assert TrainerConfig(batch_size=16).blocks_for(2) == 8
    assert TrainerConfig(batch_size=15).blocks_for(1) == 1
    assert TrainerConfig(batch_size=18).blocks_for(3) == 6
    with pytest.raises(ValueError, match="multiple of 4"):
        TrainerConfig(batch_size=18).blocks_for(4)
    with pytest.raises(ValueError, match="draw_blocks is 7"):
        TrainerConfig(batch_size=16, draw_blocks=7).blocks_for(1)


# -- not finite -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", [1, 5])
def test_nan_in_the_data_stops_with_step_name_and_statistics(tmp_path, small_run, every):
    trainer = small_run.make(tmp_path, log_every=every)
    trainer.batches = small_run.Stream(50, 16, poison_at=16 * 6)
    with pytest.raises(NonFiniteError) as error:
        trainer.fit()
    assert error.value.step == 7 and error.value.tensor == "input x of micro-batch 0"
    assert "1 NaN, 0 infinite of 96" in str(error.value) and "step-00000004" in str(error.value)
    assert CheckpointStore(tmp_path / "checkpoints").latest().step == 4


def test_the_weights_stay_those_before_the_bad_step(small_run):
    trainer = small_run.make(None, checkpoint_every=0)
    trainer.batches = small_run.Stream(50, 16, poison_at=16 * 2)
    for _ in range(2):
        trainer.train_step()
    before = weights(trainer)
    for _ in range(3):  # the bad step, and two good ones before anyone looks
        trainer.train_step()
    after = weights(trainer)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert trainer.watch.read() == (3, 3)


def test_skip_leaves_out_the_bad_step_only_and_counts_it(tmp_path, small_run):
    trainer = small_run.make(tmp_path, nonfinite="skip", dropout=0.0)
    trainer.batches = small_run.Stream(50, 16, poison_at=16 * 2)
    result = trainer.fit()
    assert result.step == 12 and result.skipped == 1
    logged = list(read_metrics(tmp_path / "metrics.jsonl"))
    assert logged[2]["loss"] is None and all(math.isfinite(line["loss"]) for line in logged[3:])
    assert all(tensor.isfinite().all() for tensor in trainer.averaged.state_dict().values())


def test_skipping_for_ever_stops(small_run):
    trainer = small_run.make(None, nonfinite="skip", skip_limit=3, checkpoint_every=0)

    class Poisoned(type(trainer.batches)):
        def at(self, position):
            batch = super().at(position)
            batch.x[:] = torch.inf
            return batch

    trainer.batches = Poisoned(50, 16)
    with pytest.raises(NonFiniteError, match="input x"):
        trainer.fit()
    assert trainer.step == 3


def test_a_layer_that_overflows_is_named(small_run):
    trainer = small_run.make(None, checkpoint_every=0)
    with torch.no_grad():
        trainer.system.net[4].weight.fill_(3e38)
    with pytest.raises(NonFiniteError) as error:
        trainer.fit()
    assert error.value.step == 1 and error.value.tensor == "output of net.4"


def test_a_weight_that_is_nan_is_named(small_run):
    trainer = small_run.make(None, checkpoint_every=0)
    with torch.no_grad():
        trainer.system.net[0].bias[3] = torch.nan
    with pytest.raises(NonFiniteError, match=r"weight net\.0\.bias is not finite .*1 NaN"):
        trainer.fit()


def test_a_gradient_that_overflows_is_named(small_run):
    trainer = small_run.make(None, checkpoint_every=0)

    class Steep(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient * torch.inf

    inner = trainer.system.net[0].forward
    trainer.system.net[0].forward = lambda x: Steep.apply(inner(x))
    with pytest.raises(NonFiniteError, match=r"gradient of net\.0\.weight"):
        trainer.fit()


def test_description_counts_what_it_says():
    text = describe(torch.tensor([[1.0, torch.nan], [-torch.inf, -2.5]]))
    assert text == "shape (2, 2), float32, 1 NaN, 1 infinite of 4, finite values in [-2.5, 1]"
    assert "no finite value" in describe(torch.tensor([torch.nan]))


# -- storage that fails -----------------------------------------------------------------------------------------------


def test_a_full_disk_in_the_middle_stops_with_the_last_good_one(tmp_path, small_run, monkeypatch):
    from torch_impl.training import checkpoint as module

    trainer = small_run.make(tmp_path)
    real = module.safetensors.torch.save_file

    def save(tensors, path, *rest):
        if "00000008" in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(tensors, path, *rest)

    monkeypatch.setattr(module.safetensors.torch, "save_file", save)
    with pytest.raises(CheckpointUnwritable, match=r"No space left.*step-00000004 is untouched.*--resume"):
        trainer.fit()
    assert CheckpointStore(tmp_path / "checkpoints").latest().step == 4
    assert not list((tmp_path / "checkpoints").glob(".writing*"))


def test_metrics_that_cannot_be_written_are_the_same_error(tmp_path, small_run, monkeypatch):
    class Spoiler(Observer):
        def logged(self, line):
            if line["step"] == 2:
                (tmp_path / "metrics.jsonl").unlink()
                (tmp_path / "metrics.jsonl").mkdir()

    trainer = small_run.make(tmp_path, observer=Spoiler())
    with pytest.raises(CheckpointUnwritable, match=r"metrics\.jsonl"):
        trainer.fit()
    assert trainer.step == 3


def test_an_output_folder_that_cannot_be_made_is_found_before_the_first_step(tmp_path, small_run):
    (tmp_path / "file").write_text("in the way")
    trainer = small_run.make(tmp_path / "file" / "run")
    with pytest.raises(CheckpointUnwritable):
        trainer.fit()
    assert trainer.step == 0


@pytest.mark.skipif(os.geteuid() != 0 and not os.access("/", os.W_OK), reason="needs a user that can switch to another")
def test_a_read_only_folder_is_found_before_the_first_step(tmp_path, small_run):
    """As an ordinary user, since permissions do not bind the superuser."""
    folder = tmp_path / "run"
    folder.mkdir()
    small_run.make(folder, steps=4).fit()
    good = sorted(str(p) for p in folder.rglob("*"))
    for path in [folder, *folder.rglob("*")]:
        os.chmod(path, 0o555 if path.is_dir() else 0o444)
    for parent in folder.parents:
        if parent != Path("/") and os.stat(parent).st_uid == os.geteuid() and not parent.stat().st_mode & 0o001:
            os.chmod(parent, parent.stat().st_mode | 0o011)
    os.seteuid(65534) if os.geteuid() == 0 else None
    try:
        trainer = small_run.make(folder)
        with pytest.raises(CheckpointUnwritable, match="Permission denied"):
            trainer.fit()
        assert trainer.step == 0
        assert CheckpointStore(folder / "checkpoints").latest().step == 4
    finally:
        os.seteuid(0) if os.getuid() == 0 else None
        for path in [folder, *folder.rglob("*")]:
            os.chmod(path, 0o755)
    assert sorted(str(p) for p in folder.rglob("*")) == good
