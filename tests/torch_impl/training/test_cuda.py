"""What only a GPU can show: no wait for the device inside a step, bf16 near fp32, exact resume, compiled networks."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from torch_impl.runs.open import open_run
from torch_impl.runs.presets import override, preset
from torch_impl.training import Trainer, read_metrics

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here"),
]

SMALL = {"widths": (32, 64), "timesteps": 100, "batch_size": 64, "warmup": 5, "log_every": 5, "validate_every": 0}


def trainer(out: Path | None = None, **changes: object) -> Trainer:
    fields = {**SMALL, "steps": 20, "checkpoint_every": 10, "preview_every": 0, "compile": "off", **changes}
    return open_run(override(preset("digits-ddpm"), fields), out)


@pytest.mark.parametrize("compile", ["off", "on"])
@pytest.mark.parametrize("name", ["digits-ddpm", "digits-vae", "digits-vqvae"])
def test_a_step_never_waits_for_the_device(name, compile):
    changes = {"compile": compile, "validate_every": 0, "preview_every": 0, "checkpoint_every": 0}
    run = open_run(override(preset(name), changes), None)
    run.system.train()
    for _ in range(3):  # the first steps compile, and fetch the epoch's order
        run.train_step()
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(3):
            run.train_step()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_bf16_trains_as_fp32_does():
    """The same draws in both: the curves differ by rounding, not by noise."""
    curves = {}
    for precision in ("fp32", "bf16"):
        run = trainer(precision=precision, steps=300, lr=1e-3, log_every=100)
        curves[precision] = run.fit().metrics["loss"]
        assert all(p.dtype == torch.float32 for p in run.system.parameters())
    assert curves["bf16"] == pytest.approx(curves["fp32"], rel=0.03)


def test_resume_is_exact_with_the_deterministic_flag(tmp_path):
    fields = {"deterministic": True, "log_every": 1, "lr_shape": "constant"}
    try:
        trainer(tmp_path / "whole", **fields).fit()
        trainer(tmp_path / "parts", **{**fields, "steps": 10}).fit()
        again = trainer(tmp_path / "parts", **fields)
        assert again.restore() == 10
        again.fit()
    finally:
        torch.use_deterministic_algorithms(False)
    whole, parts = (list(read_metrics(tmp_path / name / "metrics.jsonl")) for name in ("whole", "parts"))
    assert [line["loss"] for line in whole] == [line["loss"] for line in parts]


def test_nan_is_found_with_its_step_though_looked_for_later():
    from torch_impl.training import Batch, NonFiniteError

    run = trainer(log_every=10, checkpoint_every=0)
    inner, position = run.batches, 3 * 64

    class Poisoned:
        def at(self, place: int) -> Batch:
            batch = inner.at(place)
            return Batch(batch.x * torch.nan, batch.y) if place == position else Batch(batch.x, batch.y)

        def __next__(self) -> Batch:
            place = inner.position
            next(inner)
            return self.at(place)

        def state_dict(self):
            return inner.state_dict()

        def load_state_dict(self, state):
            inner.load_state_dict(state)

    run.batches = Poisoned()
    with pytest.raises(NonFiniteError) as error:
        run.fit()
    assert error.value.step == 4 and error.value.tensor.startswith("input x")


def test_small_sets_live_on_the_device_as_uint8():
    run = trainer()
    assert run.batches.data.images.device.type == "cuda" and run.batches.data.images.dtype == torch.uint8
    assert dataclasses.is_dataclass(run.config)


def test_a_recorded_step_is_the_step_to_the_bit() -> None:
    """Under deterministic algorithms: the losses of a run whose steps are replayed are those of one that plays them."""
    from torch_impl.data import Batches, load_data
    from torch_impl.runs.presets import override, preset
    from torch_impl.training import Processes, Trainer

    def losses(capture: str) -> list[float]:
        torch.manual_seed(0)
        changes = {"capture": capture, "deterministic": True, "compile": "off", "batch_size": 32, "dropout": 0.1}
        chosen = override(preset("digits-ddpm"), changes)
        processes = Processes.start("cuda")
        batches = Batches(load_data("digits", "train"), batch_size=32, seed=0, device=processes.device)
        trainer = Trainer(chosen.system.build(), batches, chosen.trainer, processes=processes)
        found = []
        for _ in range(30):
            trainer.train_step()
            found.append(trainer.means.read()["loss"])
        assert not (capture == "on" and trainer.captured.refused)
        return found

    assert losses("on") == losses("off")
