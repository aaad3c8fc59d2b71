"""A recorded step is the step: the same losses and weights to the bit, on every path back to the plain one.

Nothing here runs on a GPU: a recorder that makes the recorded call again on the same memory stands for the CUDA graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

import pytest
import torch

from torch_impl.data import Batches, load_data
from torch_impl.runs.presets import override, preset
from torch_impl.training import Trainer
from torch_impl.training.captured import CapturedStep, Terms
from torch_impl.training.system import Batch

SMALL = {
    "digits-ddpm": {"widths": (8, 8), "blocks": 1, "attention": (), "head_channels": 8, "dropout": 0.2},
    "digits-vae": {"hidden": (16,)},
    "digits-vqvae": {"widths": (8,), "prior_width": 8, "prior_depth": 1, "prior_heads": 2},
}
STEPS = 9


class Replays:
    """Records a step by remembering it, without making it; makes it again on the tensors that it was recorded on."""

    made: ClassVar[list[Replays]] = []

    def __init__(self) -> None:
        self.replays = 0
        Replays.made.append(self)

    def record(self, call: Callable[[], Terms], generators: Iterable[torch.Generator]) -> Terms:
        assert len(list(generators)) >= 2
        self.call, self.terms = call, Terms()
        return self.terms

    def replay(self) -> None:
        self.replays += 1
        self.terms.update({name: term.detach().clone() for name, term in self.call().items()})


class Refuses(Replays):
    def record(self, call: Callable[[], Terms], generators: Iterable[torch.Generator]) -> Terms:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")


def trainer(name: str, recorder: Callable[[], Replays] | None = None, warmup: int = 3) -> Trainer:
    torch.manual_seed(0)
    changes = {"steps": STEPS, "batch_size": 16, "warmup": 4, "log_every": 1, "lr_shape": "cosine", "clip": 0.1}
    chosen = override(preset(name), {**SMALL[name], **changes})
    data = load_data("digits", "train")
    made = Trainer(chosen.system.build(), Batches(data, batch_size=16, seed=0), chosen.trainer)
    if recorder is not None:
        made.captured = CapturedStep(made._step, warmup=warmup, recorder=recorder)
    return made


def trained(made: Trainer) -> tuple[list[float], list[torch.Tensor]]:
    losses = []
    for _ in range(STEPS):
        made.train_step()
        losses.append(made.means.read()["loss"])
    return losses, [
        tensor.clone() for module in (made.system, made.averaged) for tensor in module.state_dict().values()
    ]


@pytest.mark.parametrize("name", SMALL)
def test_recorded_steps_are_the_steps_to_the_bit(name: str) -> None:
    """With warm-up of the rate, clipping, dropout, guidance's hidden labels, averages and codebooks."""
    Replays.made.clear()
    losses, weights = trained(trainer(name))
    again, others = trained(trainer(name, Replays))
    assert losses == again and all(torch.equal(a, b) for a, b in zip(weights, others, strict=True))
    assert [recorder.replays for recorder in Replays.made] == [STEPS - 3]


def test_a_step_with_the_draws_of_another_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    losses, _ = trained(trainer("digits-ddpm"))
    made = trainer("digits-ddpm", Replays)
    monkeypatch.setattr(made._step, "backward", lambda step, batches, b=made._step.backward: b(1, batches))
    again, _ = trained(made)
    assert losses != again


def test_a_step_that_cannot_be_recorded_is_taken_as_ever() -> None:
    losses, weights = trained(trainer("digits-vae"))
    made = trainer("digits-vae", Refuses)
    again, others = trained(made)
    assert losses == again and all(torch.equal(a, b) for a, b in zip(weights, others, strict=True))
    assert made.captured.refused == "operation not permitted when stream is capturing"


def test_another_shape_is_recorded_anew() -> None:
    Replays.made.clear()
    made = trainer("digits-vae", Replays, warmup=1)
    batch = next(made.batches)
    made.captured(1, 1e-3, [batch])
    made.captured(2, 1e-3, [batch])
    made.captured.forget()
    made.captured(3, 1e-3, [batch])
    made.captured(4, 1e-3, [batch])
    assert [recorder.replays for recorder in Replays.made] == [1, 1]
    made.captured(5, 1e-3, [Batch(batch.x, None)])  # other tensors: taken as ever, at first
    made.captured(6, 1e-3, [Batch(batch.x, None)])
    assert [recorder.replays for recorder in Replays.made] == [1, 1, 1]


def test_memory_that_is_given_again_is_not_what_was_returned() -> None:
    """What a step returns is its own: the next replay writes anew where it was recorded."""
    made = trainer("digits-vae", Replays, warmup=1)
    made.captured(1, 1e-3, [next(made.batches)])
    first = made.captured(2, 1e-3, [next(made.batches)])["loss"]
    before = first.clone()
    made.captured(3, 1e-3, [next(made.batches)])
    assert torch.equal(first, before)


@pytest.mark.parametrize(("changes", "why"), [({}, "not asked for"), ({"capture": "on"}, "no CUDA graph on cpu")])
def test_without_a_gpu_or_unasked_steps_are_taken_as_ever(changes: dict[str, str], why: str) -> None:
    chosen = override(preset("digits-vae"), {"hidden": (8,), "batch_size": 8, **changes})
    made = Trainer(chosen.system.build(), Batches(load_data("digits", "train"), batch_size=8, seed=0), chosen.trainer)
    assert why in made.captured.refused
    made.train_step()
