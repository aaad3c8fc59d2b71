"""The training loop: one device or many, exact to resume, silent on the device between reads.

One step is a function of (weights, optimizer state, seed, step): the batch comes from the data order, every draw from
:class:`~torch_impl.training.draws.Draws`.  Nothing inside a step waits for the device; metrics, the non-finite flag and
signals are looked at every ``log_every`` steps (on a single CPU process, where looking is free, signals and flags at
every step).
"""

from __future__ import annotations

import copy
import math
import os
import signal
import time
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from torch_impl.training.checkpoint import (
    CheckpointMissing,
    CheckpointStore,
    CheckpointUnwritable,
    StoredCheckpoint,
    write_atomically,
)
from torch_impl.training.draws import Draws
from torch_impl.training.ema import EMA, ConstantDecay, PowerFunction, WarmupDecay, profile_to_json, unwrap
from torch_impl.training.learning_rate import LearningRate
from torch_impl.training.metrics import MeanAccumulator, MetricsFile
from torch_impl.training.processes import Parallelism, Processes, shard, total_gradient_norm, without_gradient_exchange
from torch_impl.training.rng import capture_rng, restore_rng
from torch_impl.training.state import (
    load_state_tensors,
    optimizer_tensors,
    put_optimizer_tensors,
    save_shards,
    state_tensors,
)
from torch_impl.training.system import Batch, System
from torch_impl.training.watch import NonFiniteError, NonFiniteWatch, diagnose

__all__ = ["BatchStream", "Interrupted", "Observer", "TrainResult", "Trainer", "TrainerConfig"]

Profile = ConstantDecay | WarmupDecay | PowerFunction


class BatchStream(Protocol):
    """An endless stream of batches whose order is a function of (seed, position)."""

    def __next__(self) -> Any: ...
    def at(self, position: int) -> Any: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Observer:
    """Told what happens during training (only the first process has one); the default does nothing."""

    def started(self, trainer: Trainer) -> None: ...
    def logged(self, line: Mapping[str, float]) -> None: ...
    def saved(self, checkpoint: StoredCheckpoint) -> None: ...
    def finished(self, result: TrainResult) -> None: ...


class Interrupted(RuntimeError):
    """SIGTERM or SIGINT arrived; a checkpoint was written first.  Attributes: ``step``, ``checkpoint``,
    ``signal_number``.
    """

    def __init__(self, step: int, checkpoint: Path | None, signal_number: int) -> None:
        self.step, self.checkpoint, self.signal_number = step, checkpoint, signal_number
        kept = f"checkpoint {checkpoint}; go on with --resume" if checkpoint else "this run writes no checkpoints"
        super().__init__(f"stopped by {signal.Signals(signal_number).name} after step {step}; {kept}")


@dataclass(frozen=True)
class TrainerConfig:
    """How to train; plain data, JSON both ways.  Field by field:

    - ``steps``, ``batch_size`` (examples per optimizer step over all processes), ``accumulate`` (micro-batches per
      step).
    - ``lr``, ``warmup`` (steps), ``lr_shape``, ``lr_final`` (share of the peak), ``weight_decay``, ``betas``,
      ``epsilon``: AdamW.
    - ``clip``: largest gradient norm, or None.
    - ``ema``: profiles of the moving averages; the first is the one that is sampled from.
    - ``precision``: ``auto`` is bf16 autocast over fp32 weights on CUDA, fp32 elsewhere.  ``compile``: ``auto`` is on
      for CUDA.
    - ``channels_last``: ``auto`` is on for CUDA.  ``deterministic``: only algorithms that repeat bit for bit (exact
      resume on GPU).
    - ``parallel``: ``ddp`` or ``fsdp`` when there are several processes.
    - ``log_every``, ``validate_every``, ``preview_every``, ``checkpoint_every`` (steps; 0 is never), ``keep_last``.
    - ``nonfinite``: ``stop`` or ``skip``; ``skip_limit``: stop after so many skipped steps in all.
    - ``draw_blocks``: blocks of independent randomness per global batch; 0 chooses (see :meth:`blocks_for`).
    """

    steps: int = 1000
    batch_size: int = 128
    accumulate: int = 1
    lr: float = 1e-3
    warmup: int = 0
    lr_shape: Literal["constant", "cosine"] = "cosine"
    lr_final: float = 0.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    clip: float | None = 1.0
    ema: tuple[Profile, ...] = field(default=(WarmupDecay(0.9995),))
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compile: Literal["auto", "on", "off"] = "auto"
    channels_last: Literal["auto", "on", "off"] = "auto"
    deterministic: bool = False
    parallel: Parallelism = "ddp"
    log_every: int = 50
    validate_every: int = 0
    preview_every: int = 0
    checkpoint_every: int = 500
    keep_last: int = 3
    nonfinite: Literal["stop", "skip"] = "stop"
    skip_limit: int = 100
    seed: int = 0
    draw_blocks: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "accumulate", "log_every", "keep_last"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("validate_every", "preview_every", "checkpoint_every", "skip_limit", "draw_blocks", "seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must not be negative")
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"batch size {self.batch_size} cannot be cut into {self.accumulate} micro-batches; choose a divisor"
            )
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip is {self.clip}; it must be positive, or none for no clipping")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay is {self.weight_decay}; it must not be negative")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas are {self.betas}; both must lie in [0, 1)")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}")
        self.learning_rate()

    def learning_rate(self) -> LearningRate:
        return LearningRate(self.lr, self.steps, min(self.warmup, self.steps), self.lr_shape, self.lr_final)

    def blocks_for(self, world: int) -> int:
        """Blocks of randomness: given, or the least that serve this number of processes, eight where the batch allows
        it.
        """
        pieces = world * self.accumulate
        if self.batch_size % pieces:
            raise ValueError(
                f"batch size {self.batch_size} cannot be shared by {world} processes x {self.accumulate} "
                f"micro-batches; "
                f"choose a multiple of {pieces}"
            )
        blocks = self.draw_blocks or math.lcm(pieces, math.gcd(self.batch_size, 8))
        if self.batch_size % blocks:
            blocks = pieces
        if blocks % pieces or self.batch_size % blocks:
            raise ValueError(
                f"draw_blocks is {blocks}; it must be a multiple of processes x micro-batches = {pieces} and divide "
                f"the batch size {self.batch_size}"
            )
        return blocks

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "betas": list(self.betas), "ema": [profile_to_json(profile) for profile in self.ema]}


_CHOICES: dict[str, tuple[str, ...]] = {
    "lr_shape": ("constant", "cosine"),
    "precision": ("auto", "fp32", "bf16"),
    "compile": ("auto", "on", "off"),
    "channels_last": ("auto", "on", "off"),
    "parallel": ("ddp", "fsdp"),
    "nonfinite": ("stop", "skip"),
}


@dataclass(frozen=True)
class TrainResult:
    """Where a run ended: the step, the last means that were read, how many steps were skipped as not finite, the last
    checkpoint.
    """

    step: int
    metrics: Mapping[str, float]
    skipped: int
    checkpoint: Path | None
    seconds: float


class Trainer:
    """Trains a :class:`~torch_impl.training.system.System` on a stream of batches.

    Args:
        system: the model and its objective; moved to the device here.
        batches: yields objects with ``x`` and ``y``; its batch size is that of one micro-batch over all processes,
            ``config.batch_size / config.accumulate``.
        config: how to train.
        out: folder for checkpoints, metrics and pictures; None writes nothing.
        description: JSON data stored with every checkpoint so that the model can be rebuilt (system and data).
        held_out: batches for the validation loss, seen by the averaged model with the same draws every time.
        processes: this process among others; by default those that ``torchrun`` announced.
        observer: told of progress.

    Raises:
        ValueError: a combination of batch size, processes and accumulation that does not divide.
    """

    def __init__(
        self,
        system: System,
        batches: BatchStream,
        config: TrainerConfig,
        *,
        out: Path | None = None,
        description: Mapping[str, Any] | None = None,
        held_out: Sequence[Batch] = (),
        processes: Processes | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.processes = processes or Processes.start()
        self.config, self.batches, self.out = config, batches, out
        self.description = dict(description or {})
        self.held_out = held_out
        self.observer = (observer or Observer()) if self.processes.is_main else Observer()
        self.device = self.processes.device
        self.blocks = config.blocks_for(self.processes.world)
        self.bf16 = config.precision == "bf16" or (config.precision == "auto" and self.device.type == "cuda")
        self.step = 0
        self.skipped = 0
        self.last_line: dict[str, float] = {}
        self.best_loss = system.best_loss()
        self._validation: float | None = None
        self._signal: int | None = None
        self._prepare_backend()
        self._prepare_modules(system.to(self.device))
        self._rate = config.learning_rate()
        self._micro = config.batch_size // config.accumulate
        self._share = self._micro // self.processes.world
        self.draws = Draws(config.seed, config.batch_size, self.blocks, self.device)
        self.means = MeanAccumulator(self.device)
        self.watch = NonFiniteWatch(self.device, latch=config.nonfinite == "stop")
        self.store = CheckpointStore(out / "checkpoints", config.keep_last) if out is not None else None
        self.metrics_file = MetricsFile(out / "metrics.jsonl") if out is not None else None

    # -- preparation --------------------------------------------------------------------------------------------------

    def _prepare_backend(self) -> None:
        config, cuda = self.config, self.device.type == "cuda"
        torch.manual_seed(config.seed)
        if config.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True)
            torch.backends.cudnn.benchmark = False
        elif cuda:
            torch.backends.cudnn.benchmark = True
        if cuda and self.bf16:
            torch.set_float32_matmul_precision("high")

    def _prepare_modules(self, system: System) -> None:
        config, cuda = self.config, self.device.type == "cuda"
        self.sharded = self.processes.world > 1 and config.parallel == "fsdp"
        if not self.sharded and (config.channels_last == "on" or (config.channels_last == "auto" and cuda)):
            system.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks this overload
        shadows: list[System | None] = [None] * len(config.ema)
        if self.sharded:
            shadows = [copy.deepcopy(system) for _ in config.ema]
            for module in [system, *(shadow for shadow in shadows if shadow is not None)]:
                shard(module, self.processes, bf16=self.bf16)
        self.system = system
        self.emas = [EMA(system, profile, shadow=shadow) for profile, shadow in zip(config.ema, shadows, strict=True)]
        if config.compile == "on" or (config.compile == "auto" and cuda):
            for network in system.networks():
                network.compile()
        self._run: nn.Module = system
        if self.processes.world > 1 and not self.sharded:
            self._run = nn.parallel.DistributedDataParallel(
                system, broadcast_buffers=False, gradient_as_bucket_view=True
            )
        self._parameters = {n: p for n, p in unwrap(system).named_parameters() if p.requires_grad}
        if not self._parameters:
            raise ValueError("the system has no trainable parameter; nothing to train")
        self.optimizer = torch.optim.AdamW(
            self._parameters.values(),
            lr=config.lr,
            betas=config.betas,
            eps=config.epsilon,
            weight_decay=config.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )

    @property
    def averaged(self) -> System:
        """The model to sample and evaluate with: the first moving average, or the weights themselves where there is
        none.
        """
        module = self.emas[0].module if self.emas else self.system
        assert isinstance(module, System)
        return module

    # -- one step -----------------------------------------------------------------------------------------------------

    def _forward(self, batch: Any, draws: Draws) -> dict[str, Tensor]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            terms: dict[str, Tensor] = self._run(Batch(batch.x, batch.y), draws)
        return terms

    def _backward(self, step: int, micro_batches: Iterable[Any]) -> dict[str, Tensor]:
        """Gradients of one step, and its loss terms (means over the micro-batches)."""
        accumulate = self.config.accumulate
        total: dict[str, Tensor] = {}
        for micro, batch in enumerate(micro_batches):
            if len(batch.x) != self._share:
                raise ValueError(
                    f"the data stream gave {len(batch.x)} examples, this process needs {self._share} "
                    f"(batch size {self.config.batch_size} / {accumulate} micro-batches / {self.processes.world} "
                    f"processes)"
                )
            draws = self.draws.at(step, micro * self._micro + self.processes.rank * self._share, self._share)
            with without_gradient_exchange(self._run, last=micro == accumulate - 1):
                terms = self._forward(batch, draws)
                loss = terms["loss"]
                torch.autograd.backward(loss / accumulate if accumulate > 1 else loss)
            for name, term in terms.items():
                part = term.detach() / accumulate if accumulate > 1 else term.detach()
                total[name] = total[name] + part if name in total else part
        return total

    def train_step(self) -> None:
        """One optimizer step; leaves its metrics on the device."""
        step, config = self.step + 1, self.config
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate.at(step)
        kept = [buffer.clone() for buffer in self.system.stateful_buffers()] if config.nonfinite == "skip" else []
        terms = self._backward(step, (next(self.batches) for _ in range(config.accumulate)))
        norm = total_gradient_norm([p.grad for p in self._parameters.values() if p.grad is not None])
        withhold = self.watch.check(step, (terms["loss"], norm))
        self.system.after_backward()
        for buffer, before in zip(self.system.stateful_buffers(), kept, strict=False):
            buffer.copy_(torch.where(withhold > 0, before, buffer))
        self._update(norm, withhold)
        self.optimizer.zero_grad(set_to_none=True)
        for ema in self.emas:
            ema.update(self.system)
        self.means.add({**terms, "gradient_norm": norm})
        self.step = step

    def _update(self, norm: Tensor, withhold: Tensor) -> None:
        """AdamW on gradients clipped to ``clip``, or no change at all where ``withhold`` is 1; decided on the
        device.
        """
        clip = self.config.clip
        if self.optimizer.defaults["fused"]:
            # The fused kernel divides gradients by grad_scale and does nothing when found_inf is 1: clipping and
            # withholding cost no pass over the gradients and no wait for the device.
            self.optimizer.found_inf = withhold  # type: ignore[attr-defined]  # read by the fused kernel
            self.optimizer.grad_scale = (norm.float() / clip).clamp(min=1.0) if clip else None  # type: ignore[attr-defined]  # likewise
            self.optimizer.step()
        elif not bool(withhold):
            if clip:
                nn.utils.clip_grads_with_norm_(self._parameters.values(), clip, norm)
            self.optimizer.step()

    # -- the loop -----------------------------------------------------------------------------------------------------

    def fit(self) -> TrainResult:
        """Train from the present step to ``config.steps``.

        Raises:
            NonFiniteError: loss or gradients are not finite (policy ``stop``, or ``skip_limit`` reached).
            CheckpointUnwritable: a checkpoint could not be written; earlier ones are intact.
            Interrupted: SIGTERM or SIGINT, after writing a checkpoint.
        """
        config = self.config
        started = self._clock = time.perf_counter()
        self._clock_step = self.step
        self._prepare_folder()
        self.observer.started(self)
        self.system.train()
        look_always = self.device.type == "cpu" and self.processes.world == 1
        with self._signals(), self._clear_write_errors():
            while self.step < config.steps:
                self.train_step()
                log = self._due(config.log_every)
                if log or look_always:
                    self._look_for_nonfinite()
                if self._due(config.validate_every):
                    self._validation = self.validate()
                if log:
                    self._log()
                if log or look_always:
                    self._heed_signal()
                if self._due(config.preview_every):
                    self._preview()
                if self._due(config.checkpoint_every):
                    self.save()
        result = TrainResult(
            self.step, self.last_line, self.skipped, self._last_checkpoint(), time.perf_counter() - started
        )
        self.observer.finished(result)
        return result

    def _prepare_folder(self) -> None:
        """Find out before the first step whether the output folder can be written."""
        problem = None
        if self.processes.is_main and self.out is not None:
            try:
                self.out.mkdir(parents=True, exist_ok=True)
                write_atomically(self.out / "config.json", _pretty(self.full_description()))
            except OSError as error:
                problem = f"{error.strerror or error} (errno {error.errno})"
        problem = self.processes.failure(problem)
        if problem is not None:
            assert self.out is not None
            raise CheckpointUnwritable(self.out, problem, self._last_checkpoint())

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
                path, f"{error.strerror or error} (errno {error.errno})", self._last_checkpoint()
            ) from None

    def _last_checkpoint(self) -> Path | None:
        found = self.store.all() if self.store is not None else []
        return found[-1].path if found else None

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
        (signalled,) = self.processes.agree(float(self._signal or 0))
        if signalled and self.step < self.config.steps:
            checkpoint = self.save() if self.store is not None else None
            raise Interrupted(self.step, checkpoint, int(signalled))

    def _stop_at(self, step: int) -> None:
        """Run the bad step again to name the tensor, then stop."""
        position = (step - 1) * self.config.batch_size
        again = [self.batches.at(position + micro * self._micro) for micro in range(self.config.accumulate)]
        inputs = {f"x of micro-batch {i}": batch.x for i, batch in enumerate(again)}
        self.optimizer.zero_grad(set_to_none=True)
        name, statistics = diagnose(self.system, inputs, lambda: self._backward(step, again))
        checkpoint = self._last_checkpoint()
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
        if self._validation is not None:
            line["validation_loss"], self._validation = self._validation, None
        if self.skipped:
            line["skipped"] = self.skipped
        self.last_line = line
        if self.processes.is_main:
            if self.metrics_file is not None:
                self.metrics_file.write(line)
            self.observer.logged(line)

    @torch.no_grad()
    def validate(self) -> float:
        """Mean loss of the averaged model on the held-out batches, with the same draws at every call."""
        if not self.held_out:
            return math.nan
        system, total, count = self.averaged, 0.0, 0
        was_training = system.training
        system.eval()
        for i, batch in enumerate(self.held_out):
            draws = Draws(self.config.seed, len(batch.x), 1, self.device, stream="validate").at(i)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
                terms = system(
                    Batch(batch.x.to(self.device), None if batch.y is None else batch.y.to(self.device)), draws
                )
            total += float(terms["loss"]) * len(batch.x)
            count += len(batch.x)
        system.train(was_training)
        return total / count

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

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT ask for a checkpoint and an end; a second one ends at once."""

        def note(number: int, frame: types.FrameType | None) -> None:
            if self._signal is not None:
                raise KeyboardInterrupt
            self._signal = number

        try:
            before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
        except ValueError:  # not the main thread: the caller handles signals
            yield
            return
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def full_description(self) -> dict[str, Any]:
        """Everything needed to rebuild the model and to go on training."""
        config = {**self.config.to_json(), "draw_blocks": self.blocks}
        return {**self.description, "trainer": config, "versions": {"torch": torch.__version__}}

    def save(self, figure: float | None = None) -> Path | None:
        """Write a checkpoint of the present step.

        Raises:
            CheckpointUnwritable: on every process, when any of them could not write; earlier checkpoints are intact.
        """
        if self.store is None:
            return None
        figure = self.last_line.get("validation_loss") if figure is None else figure
        state = self._training_state()
        self._together(lambda store: store.begin(self.step) if self.processes.is_main else None)
        self._together(self._write_own_part)
        files: dict[str, dict[str, Tensor]] = {}
        if not self.sharded and self.processes.is_main:
            files = {f"{part}.safetensors": tensors for part, tensors in self._parts().items()}

        def commit(store: CheckpointStore) -> None:
            if self.processes.is_main:
                documents = {"config.json": self.full_description(), "state.json": state}
                self.observer.saved(store.commit(self.step, json_files=documents, tensor_files=files, figure=figure))

        self._together(commit)
        return self.store.folder / f"step-{self.step:08d}"

    def _together(self, action: Any) -> None:
        """Do something on every process and fail everywhere if it fails anywhere."""
        assert self.store is not None
        problem: CheckpointUnwritable | None = None
        try:
            action(self.store)
        except CheckpointUnwritable as error:
            problem = error
        reason = self.processes.failure(problem.reason if problem is not None else None)
        if reason is not None:
            if self.processes.is_main:
                self.store.abandon(self.step)
            raise problem or CheckpointUnwritable(self.store.folder, reason, self._last_checkpoint())

    def _write_own_part(self, store: CheckpointStore) -> None:
        folder = store.folder / f".writing-step-{self.step:08d}"
        try:
            (folder / f"rng-{self.processes.rank:05d}.json").write_bytes(_pretty(capture_rng()))
            if self.sharded:
                save_shards(folder / "shards", self._parts())
        except OSError as error:
            raise CheckpointUnwritable(
                folder, f"{error.strerror or error} (errno {error.errno})", self._last_checkpoint()
            ) from None

    def _parts(self) -> dict[str, dict[str, Tensor]]:
        parts = {"model": state_tensors(self.system)}
        for i, ema in enumerate(self.emas):
            parts["ema" if i == 0 else f"ema-{i}"] = state_tensors(ema.module)
        parts["optimizer"] = optimizer_tensors(self.optimizer, self._parameters)
        return parts

    def _training_state(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "data": self.batches.state_dict(),
            "ema_updates": [ema.updates for ema in self.emas],
            "open_means": self.means.state(),
            "skipped": self.skipped,
            "world": self.processes.world,
            "threads": torch.get_num_threads(),
        }

    def restore(self, checkpoint: StoredCheckpoint | Path | None = None) -> int:
        """Go back to a checkpoint (by default the latest), exactly; returns its step.

        Raises:
            CheckpointMissing, CheckpointDamaged: as :meth:`CheckpointStore.latest`.
            ValueError: the checkpoint is of another system, data set, seed or batch size.
        """
        if checkpoint is None:
            if self.store is None:
                raise CheckpointMissing(
                    "this trainer has no output folder, so there is nothing to resume; give it one with out="
                )
            checkpoint = self.store.latest()
        elif isinstance(checkpoint, Path):
            checkpoint = CheckpointStore(checkpoint.parent).verified(StoredCheckpoint(checkpoint))
        self._refuse_other_run(checkpoint)
        state = checkpoint.state
        load_state_tensors(checkpoint, "model", self.system)
        for i, ema in enumerate(self.emas):
            load_state_tensors(checkpoint, "ema" if i == 0 else f"ema-{i}", ema.module)
            ema.updates = int(state["ema_updates"][i])
        put_optimizer_tensors(checkpoint, self.optimizer, self._parameters)
        self.batches.load_state_dict(state["data"])
        self.means.load_state(state["open_means"], owner=self.processes.is_main)
        self.skipped, self.step = int(state["skipped"]), int(state["step"])
        own = checkpoint.path / f"rng-{self.processes.rank:05d}.json"
        if own.exists():
            restore_rng(checkpoint.document(own.name))
        if self.processes.is_main and self.metrics_file is not None:
            self.metrics_file.resume_at(self.step)
        return self.step

    def _refuse_other_run(self, checkpoint: StoredCheckpoint) -> None:
        theirs, mine = checkpoint.config, self.full_description()
        pairs = [(name, theirs.get(name), mine.get(name)) for name in ("system", "data")]
        fixed = ("batch_size", "seed", "draw_blocks", "ema")
        pairs += [(name, theirs["trainer"].get(name), mine["trainer"].get(name)) for name in fixed]
        for name, was, now in pairs:
            if was != now:
                raise ValueError(
                    f"checkpoint {checkpoint.path} cannot be resumed with another {name}: {_difference(was, now)}; "
                    "resume with the values it was trained with, or start anew in another --out folder"
                )


def _difference(was: Any, now: Any) -> str:
    if isinstance(was, dict) and isinstance(now, dict):
        keys = [key for key in {**was, **now} if was.get(key) != now.get(key)]
        return ", ".join(f"{key} was {was.get(key)!r}, is now {now.get(key)!r}" for key in keys)
    return f"it was {was!r}, is now {now!r}"


def _pretty(data: Any) -> bytes:
    import json

    return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()
