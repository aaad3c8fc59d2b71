"""The training loop: one device or many, exact to resume, silent on the device between reads.

One step is a function of (weights, optimizer state, seed, step): the batch comes from the data order, every draw from
`Draws`.  Nothing inside a step waits for the device; metrics, the non-finite flag and
signals are looked at every `log_every` steps (on a single CPU process, where looking is free, signals and flags at
every step).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from torch_impl.data import DataSet
from torch_impl.data.loader import as_stream
from torch_impl.networks import Dropout
from torch_impl.random.draws import Draws, seed_from
from torch_impl.training.assembly import assemble, prepare_backend
from torch_impl.training.captured import CapturedStep
from torch_impl.training.checkpoint import (
    CheckpointStore,
    CheckpointUnwritable,
    StoredCheckpoint,
    asked_checkpoint,
    set_aside_later,
    write_atomically,
)
from torch_impl.training.metrics import MeanAccumulator, MetricsFile
from torch_impl.training.processes import Processes
from torch_impl.training.run_state import Progress, RunParts, of_same_examples, restore_run, save_run
from torch_impl.training.signals import Interrupted, StopRequest
from torch_impl.training.step import BatchStream, OptimizerStep
from torch_impl.training.system import Batch, System
from torch_impl.training.trainer_config import TrainerConfig
from torch_impl.training.validation import held_out_loss, joined
from torch_impl.training.watch import NonFiniteError, NonFiniteWatch, diagnose

__all__ = ["BatchStream", "Observer", "TrainResult", "Trainer"]


class Observer:
    """Told what happens during training (only the first process has one); the default does nothing."""

    def set_aside(self, folder: Path) -> None: ...
    def started(self, trainer: Trainer) -> None: ...
    def stepped(self, step: int) -> None: ...
    def logged(self, line: Mapping[str, float]) -> None: ...
    def saved(self, checkpoint: StoredCheckpoint) -> None: ...
    def finished(self, result: TrainResult) -> None: ...


@dataclass(frozen=True)
class TrainResult:
    """Where a run ended: step, last means that were read, steps skipped as not finite, last checkpoint."""

    step: int
    metrics: Mapping[str, float]
    skipped: int
    checkpoint: Path | None
    seconds: float


class Trainer:
    """Trains a `System` on a stream of batches.

    Args:
        system: the model and its objective; moved to the device here.
        batches: a stream of objects with `x` and `y`, a `DataSet`, or a `DataLoader`, whose batch size is that of one
            micro-batch over all processes, `config.batch_size / config.accumulate`.
        config: how to train.
        out: folder for checkpoints, metrics and pictures; None writes nothing.
        description: JSON data stored with every checkpoint so that the model can be rebuilt (system and data).
        held_out: batches for the validation loss, seen by the averaged model with the same draws every time.
        processes: this process among others; by default those that `torchrun` announced.
        observer: told of progress.

    Raises:
        ValueError: a combination of batch size, processes and accumulation that does not divide.
    """

    def __init__(
        self,
        system: System,
        batches: BatchStream | DataSet | Iterable[Any],
        config: TrainerConfig,
        *,
        out: Path | None = None,
        description: Mapping[str, Any] | None = None,
        held_out: Sequence[Batch] = (),
        processes: Processes | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.processes = processes or Processes.start()
        self.config, self.out = config, out
        self.description = dict(description or {})
        self.held_out = held_out
        self.observer = (observer or Observer()) if self.processes.is_main else Observer()
        self.device = self.processes.device
        self.blocks = config.blocks_for(self.processes.world)
        self.bf16 = config.precision == "bf16" or (config.precision == "auto" and self.device.type == "cuda")
        self.step = 0
        self.skipped = 0
        self.last_line: dict[str, float] = {}
        self.best_loss, self.floor = system.best_loss(), system.floor()
        self.validation: tuple[int, float] | None = None
        """The last validation loss and the step whose weights it is of."""
        self.validation_unlogged = False
        """Whether no line of the metrics has it yet."""
        self._stop = StopRequest()
        prepare_backend(config, self.device, self.bf16)
        made = assemble(system.to(self.device), config, self.processes, self.bf16)
        self.system, self.emas, self.parameters = made.system, made.emas, made.parameters
        self.optimizer, self.sharded, self.compiled = made.optimizer, made.sharded, made.compiled
        self._rate = config.learning_rate()
        micro, place = config.batch_size // config.accumulate, self.processes
        self.batches: BatchStream = as_stream(
            batches, batch_size=micro, seed=config.seed, rank=place.rank, world=place.world, device=self.device
        )
        self.watch = NonFiniteWatch(self.device, latch=config.nonfinite == "stop")
        draws = Draws(config.seed, config.batch_size, self.blocks, self.device)
        self._step = OptimizerStep(made, config, self.processes, self.watch, draws=draws, bf16=self.bf16)
        self.captured = CapturedStep(self._step)
        self.use_blocks(self.blocks)
        if self.processes.world > 1:  # what is drawn past `draws`, by compiled dropout, should differ between processes
            torch.manual_seed(seed_from(config.seed, "process", self.processes.rank))
        self.means = MeanAccumulator(self.device)
        self.store = CheckpointStore(out / "checkpoints", config.keep_last) if out is not None else None
        self.metrics_file = MetricsFile(out / "metrics.jsonl") if out is not None else None

    def use_blocks(self, blocks: int) -> None:
        """Draw as a run with so many blocks did, where processes and micro-batches divide them; else as before."""
        if blocks % (self.processes.world * self.config.accumulate) == 0:
            self.blocks = blocks
        self._step.draws = draws = Draws(self.config.seed, self.config.batch_size, self.blocks, self.device)
        for module in self.system.modules():
            if isinstance(module, Dropout) and not self.compiled:  # compiled code cannot hold a generator
                module.uniform = draws.uniform
        self.captured.forget()

    @property
    def draws(self) -> Draws:
        """Where the randomness of training comes from."""
        return self._step.draws

    @property
    def averaged(self) -> System:
        """The model to sample and evaluate with: the first moving average, or the weights where there is none."""
        module = self.emas[0].module if self.emas else self.system
        assert isinstance(module, System)
        return module

    # -- one step -----------------------------------------------------------------------------------------------------

    def train_step(self) -> None:
        """One optimizer step; leaves its metrics on the device."""
        step = self.step + 1
        batches = (next(self.batches) for _ in range(self.config.accumulate))
        self.means.add(self.captured(step, self._rate.at(step), batches))
        self.step = step

    # -- the loop -----------------------------------------------------------------------------------------------------

    def fit(self) -> TrainResult:
        """Train from the present step to `config.steps`.

        Raises:
            NonFiniteError: loss or gradients are not finite (policy `stop`, or `skip_limit` reached).
            CheckpointUnwritable: a checkpoint could not be written; earlier ones are intact.
            Interrupted: SIGTERM, SIGINT, SIGHUP or SIGUSR1, after writing a checkpoint.
        """
        config = self.config
        started = self._clock = time.perf_counter()
        self._clock_step = self.step
        self._prepare_folder()
        self.observer.started(self)
        self.system.train()
        alone = self.processes.world == 1
        look_always = alone and self.device.type == "cpu"
        with self._stop, self._clear_write_errors():
            while self.step < config.steps:
                self.train_step()
                self.observer.stepped(self.step)
                log = self._due(config.log_every)
                if log or look_always:
                    self._look_for_nonfinite()
                if self._due(config.validate_every):
                    self.validation, self.validation_unlogged = (self.step, self.validate()), True
                if log:
                    self._log()
                if log or alone:
                    self._heed_signal()
                if self._due(config.preview_every):
                    self._preview()
                if self._due(config.checkpoint_every) or self.step == config.steps:
                    self.save()
        result = TrainResult(
            self.step, self.last_line, self.skipped, self.last_checkpoint(), time.perf_counter() - started
        )
        self.observer.finished(result)
        return result

    def _prepare_folder(self) -> None:
        """Find out before the first step whether the output folder can be written, and clear it of later steps.

        What a run that is not gone on with wrote later than the present step is moved aside; metrics of later steps
        are dropped.
        """
        problem = None
        if self.processes.is_main and self.out is not None:
            try:
                self.out.mkdir(parents=True, exist_ok=True)
                aside = set_aside_later(self.out, self.step)
                if aside is not None:
                    self.observer.set_aside(aside)
                if self.metrics_file is not None:
                    self.metrics_file.resume_at(self.step)
                write_atomically(
                    self.out / "config.json", (json.dumps(self.full_description(), indent=1) + "\n").encode()
                )
            except OSError as error:
                problem = f"{error.strerror or error} (errno {error.errno})"
        problem = self.processes.failure(problem)
        if problem is not None:
            assert self.out is not None
            raise CheckpointUnwritable(self.out, problem, self.last_checkpoint())

    def _due(self, every: int) -> bool:
        """Whether something done every so many steps (0: never), and at the end, is to be done now."""
        return every > 0 and (self.step % every == 0 or self.step == self.config.steps)

    @contextmanager
    def _clear_write_errors(self) -> Iterator[None]:
        """A metrics line or a picture that cannot be written ends the run as plainly as a checkpoint that cannot."""
        try:
            yield
        except CheckpointUnwritable:
            raise
        except OSError as error:
            if self.out is None:
                raise
            path = Path(error.filename) if isinstance(error.filename, str) else self.out
            raise CheckpointUnwritable(
                path, f"{error.strerror or error} (errno {error.errno})", self.last_checkpoint()
            ) from None

    def last_checkpoint(self) -> Path | None:
        """The folder of the latest checkpoint of this run, verified or not; None where there is none."""
        return self.store.last_path() if self.store is not None else None

    def _look_for_nonfinite(self) -> None:
        """Wait for the device; act on a step that was not finite."""
        first, withheld = self.watch.read()
        if first >= 0:
            if self.config.nonfinite == "stop":
                self._stop_at(first)
            self.skipped += withheld
            if self.skipped >= self.config.skip_limit:
                self._stop_at(first)

    def _heed_signal(self) -> None:
        """Checkpoint and stop if any process was told to; a run that is done anyway ends as usual."""
        (signalled,) = self.processes.agree(float(self._stop.number))
        if signalled and self.step < self.config.steps:
            checkpoint = self.save() if self.store is not None else None
            raise Interrupted(self.step, checkpoint, int(signalled))

    def _stop_at(self, step: int) -> None:
        """Run the bad step again to name the tensor, then stop."""
        position = (step - 1) * self.config.batch_size
        again = [self.batches.at(position + micro * self._step.micro) for micro in range(self.config.accumulate)]
        inputs = {f"x of micro-batch {i}": batch.x for i, batch in enumerate(again)}
        self.optimizer.zero_grad(set_to_none=True)
        name, statistics = diagnose(self.system, inputs, lambda: self._step.backward(step, again))
        checkpoint = self.last_checkpoint()
        raise NonFiniteError(step, name, statistics, str(checkpoint) if checkpoint else None)

    def _log(self) -> None:
        means = self.means.read()
        now = time.perf_counter()
        done = self.step - self._clock_step
        rate = done * self.config.batch_size / max(now - self._clock, 1e-9)
        self._clock, self._clock_step = now, self.step
        line: dict[str, float] = {
            "step": self.step,
            **means,
            "lr": self._rate.at(self.step),
            "examples_per_second": rate,
        }
        if self.best_loss is not None:
            line["best_loss"] = self.best_loss
            line["gap"] = means["loss"] - self.best_loss
        if self.floor is not None:
            line["training_set_floor"] = self.floor
        if self.validation is not None and self.validation_unlogged:
            line["validation_loss"], self.validation_unlogged = self.validation[1], False
        if self.skipped:
            line["skipped"] = self.skipped
        self.last_line = line
        if self.processes.is_main:
            if self.metrics_file is not None:
                self.metrics_file.write(line)
            self.observer.logged(line)

    def validate(self) -> float:
        """Mean loss of the averaged model on the held-out batches, with the same draws at every call."""
        return held_out_loss(self.averaged, self.held_out, self.config.seed, self.device, self._step.precision)

    def held_out_batch(self, largest: int = 1000) -> Batch | None:
        """The held-out examples in one batch, for pictures; None where there are none."""
        return joined(self.held_out, largest)

    def _preview(self) -> None:
        if self.out is None or self.sharded or not self.processes.is_main:
            return
        folder = self.out / "samples"
        folder.mkdir(exist_ok=True)
        system = self.averaged
        was_training = system.training
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            system.eval().preview(folder / f"step-{self.step:08d}.png", self.config.seed)
        system.train(was_training)

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def full_description(self) -> dict[str, Any]:
        """Everything needed to rebuild the model and to go on training."""
        config = {**self.config.to_json(), "draw_blocks": self.blocks}
        description = {**self.description, "trainer": config, "versions": {"torch": torch.__version__}}
        as_stored: dict[str, Any] = json.loads(json.dumps(description))  # what a checkpoint says of it, to compare with
        return as_stored

    def save(self, figure: float | None = None) -> Path | None:
        """Write a checkpoint of the present step.

        `figure` (lower is better) is, unless given, the validation loss of this very step, if it was taken.

        Raises:
            CheckpointUnwritable: on every process, when any of them could not write; earlier checkpoints are intact.
        """
        if self.store is None or self.out is None:
            return None
        if figure is None and self.validation is not None and self.validation[0] == self.step:
            figure = self.validation[1]
        return save_run(
            self._parts(),
            self.out,
            self.store,
            progress=self.progress(),
            description=self.full_description(),
            figure=figure,
            saved=self.observer.saved,
        )

    def _parts(self) -> RunParts:
        return RunParts(self.system, self.emas, self.optimizer, self.parameters, self.processes, self.sharded)

    def progress(self) -> Progress:
        """Where the run is, as plain data; to be called by every process."""
        return Progress(
            step=self.step,
            data=self.batches.state_dict(),
            ema_updates=[ema.updates for ema in self.emas],
            open_means=self.means.state(),
            skipped=self.skipped,
            validation=self.validation,
            validation_unlogged=self.validation_unlogged,
            world=self.processes.world,
            threads=torch.get_num_threads(),
        )

    def restore(self, checkpoint: StoredCheckpoint | Path | None = None, accept_data: bool = False) -> int:
        """Go back to a checkpoint (by default the latest), exactly; returns its step.

        With `accept_data` the examples may be others (not their kind or classes): their order from here on is new.

        Raises:
            CheckpointMissing, CheckpointDamaged: as `CheckpointStore.latest`.
            ValueError: the checkpoint is of another system, data set, seed or batch size.
        """
        checkpoint = asked_checkpoint(checkpoint, self.store)
        description, stream = self.full_description(), self.batches.state_dict()
        if accept_data:
            description["data"] = of_same_examples(description["data"], checkpoint)
        progress = restore_run(self._parts(), self.out, checkpoint, description)
        blocks = checkpoint.config["trainer"].get("draw_blocks")
        self.use_blocks(blocks if type(blocks) is int and blocks > 0 else self.blocks)
        which = {"fingerprint": stream.get("fingerprint")} if accept_data else {}
        self.batches.load_state_dict({**progress.data, **which})
        self.means.load_state(progress.open_means, owner=self.processes.is_main)
        self.skipped, self.step = progress.skipped, progress.step
        self.validation, self.validation_unlogged = progress.validation, progress.validation_unlogged
        return self.step
