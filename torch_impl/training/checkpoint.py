"""Checkpoints: safetensors and JSON only, written whole or not at all, with a digest of every byte.

A checkpoint is a folder `step-00001000` of plain files and a `manifest.json` with the SHA-256 and size of each.
It is written under a temporary name, flushed to the disk and then renamed, so a reader never sees half of one; the
previous ones are removed only after that.  Loading parses JSON and raw tensors: no code in a checkpoint is ever run.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors
from torch import Tensor

from torch_impl.files import sync_folder, write_atomically
from torch_impl.training.stored import (
    MANIFEST,
    SCHEMA,
    STEP,
    CheckpointDamaged,
    CheckpointMissing,
    StoredCheckpoint,
    file_digest,
    manifest_digest,
    read_document,
)
from torch_impl.training.tensors import save_tensors

__all__ = [
    "CheckpointDamaged",
    "CheckpointMissing",
    "CheckpointStore",
    "CheckpointUnwritable",
    "StoredCheckpoint",
    "asked_checkpoint",
    "find_checkpoint",
    "set_aside_later",
    "write_atomically",
]

_manifest_digest = manifest_digest


class CheckpointUnwritable(OSError):
    """A checkpoint (or another output of a run) could not be written; what was there before is untouched."""

    def __init__(self, path: Path, reason: str, last_good: Path | None) -> None:
        self.path, self.reason, self.last_good = path, reason, last_good
        kept = (
            f"the last good checkpoint {last_good} is untouched" if last_good else "there was no checkpoint before it"
        )
        super().__init__(
            f"cannot write {path}: {reason}; {kept}. Free some space or choose a writable folder with --out, then "
            f"--resume"
        )


# -- files ------------------------------------------------------------------------------------------------------------


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _json_bytes(data: Any) -> bytes:
    return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()


# -- all checkpoints of a run -----------------------------------------------------------------------------------------


class CheckpointStore:
    """The checkpoints of one run, in one folder.

    Args:
        folder: where `step-<number>` folders live.
        keep_last: how many of the latest to keep (the best is kept besides).
    """

    def __init__(self, folder: Path, keep_last: int = 3) -> None:
        if keep_last < 1:
            raise ValueError(f"keep_last is {keep_last}; at least the latest checkpoint must be kept")
        self.folder, self.keep_last = folder, keep_last

    # reading

    def all(self) -> list[StoredCheckpoint]:
        """Every checkpoint, oldest first; finishes a replacement that was interrupted between two renames."""
        if not self.folder.is_dir():
            return []
        for aside in self.folder.glob(".replaced-step-*"):
            original = self.folder / aside.name.removeprefix(".replaced-")
            with contextlib.suppress(OSError):
                if original.exists():
                    shutil.rmtree(aside)
                else:
                    aside.rename(original)
        found = [StoredCheckpoint(path) for path in self.folder.iterdir() if STEP.fullmatch(path.name)]
        return sorted(found, key=lambda checkpoint: checkpoint.step)

    def latest(self) -> StoredCheckpoint:
        """The latest checkpoint, verified.

        Raises:
            CheckpointMissing: there is none.
            CheckpointDamaged: the latest does not verify; the error names the file and the previous good checkpoint.
        """
        found = self.all()
        if not found:
            raise CheckpointMissing(f"no checkpoint in {self.folder}; start without --resume")
        return self.verified(found[-1])

    def verified(self, checkpoint: StoredCheckpoint) -> StoredCheckpoint:
        try:
            checkpoint.verify()
        except CheckpointDamaged as error:
            name = STEP.fullmatch(checkpoint.path.name)
            good = self._good_before(int(name.group(1))) if name else None
            raise CheckpointDamaged(error.path, error.what, good, error.remedy) from None
        return checkpoint

    def _good_before(self, step: int) -> Path | None:
        for candidate in reversed(self.all()):
            if candidate.step < step:
                with contextlib.suppress(CheckpointDamaged):
                    candidate.verify()
                    return candidate.path
        return None

    def best(self) -> tuple[StoredCheckpoint, float] | None:
        """The checkpoint marked best and its figure of merit (lower is better).

        Raises:
            CheckpointDamaged: the mark cannot be read.
        """
        path = self.folder / "best.json"
        if not path.exists():
            return None
        try:
            marked = read_document(path)
            name, value = str(marked["checkpoint"]), float(marked["value"])
        except (ValueError, TypeError, KeyError, OverflowError):
            remedy = "remove it (the checkpoints are not touched by that; the next validation loss marks the best anew)"
            raise CheckpointDamaged(path, "it names no checkpoint and value", remedy=remedy) from None
        checkpoint = StoredCheckpoint(self.folder / name)
        return (checkpoint, value) if STEP.fullmatch(name) and checkpoint.path.is_dir() else None

    # writing

    def begin(self, step: int) -> Path:
        """Make the temporary folder of a checkpoint; every process may then put files of its own into it.

        Raises:
            CheckpointUnwritable: the folder cannot be made.
        """
        temporary = self.unfinished(step)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for leftover in self.folder.glob(".writing-step-*"):
                shutil.rmtree(leftover, ignore_errors=True)
            temporary.mkdir()
        except OSError as error:
            raise CheckpointUnwritable(self.folder, _reason(error), self.last_path()) from None
        return temporary

    def commit(
        self,
        step: int,
        *,
        json_files: Mapping[str, Any],
        tensor_files: Mapping[str, Mapping[str, Tensor]],
        figure: float | None = None,
    ) -> StoredCheckpoint:
        """Finish a checkpoint begun with `begin`: write, flush, rename, mark it best, remove those no longer kept.

        It never removes this one.

        Args:
            step: training step it stands for.
            json_files: name -> JSON data.
            tensor_files: name -> tensors by name.
            figure: figure of merit, lower is better; the lowest so far is marked best.

        Raises:
            CheckpointUnwritable: full disk, read-only folder, quota; earlier checkpoints are untouched.
        """
        target, temporary = self.folder / f"step-{step:08d}", self.unfinished(step)
        last_good = self.last_path()
        try:
            for name, data in json_files.items():
                (temporary / name).write_bytes(_json_bytes(data))
            for name, tensors in tensor_files.items():
                save_tensors(temporary / name, tensors)
            self._finish(temporary, target, step)
        except (OSError, safetensors.SafetensorError) as error:
            self.abandon(step)
            raise CheckpointUnwritable(target, _reason(error), last_good) from None
        except BaseException:
            self.abandon(step)
            raise
        checkpoint = StoredCheckpoint(target)
        try:
            self._mark_best(checkpoint, figure)
        except OSError as error:
            raise CheckpointUnwritable(self.folder / "best.json", _reason(error), target) from None
        self._prune(checkpoint)
        return checkpoint

    def abandon(self, step: int) -> None:
        """Remove what was written of an unfinished checkpoint."""
        shutil.rmtree(self.unfinished(step), ignore_errors=True)

    def unfinished(self, step: int) -> Path:
        """The temporary folder of a checkpoint that was begun."""
        return self.folder / f".writing-step-{step:08d}"

    def last_path(self) -> Path | None:
        """The folder of the latest checkpoint, verified or not; None where there is none."""
        found = self.all()
        return found[-1].path if found else None

    @staticmethod
    def _finish(temporary: Path, target: Path, step: int) -> None:
        files = {}
        for path in sorted(p for p in temporary.rglob("*") if p.is_file() and p.name != MANIFEST):
            _sync_file(path)
            files[path.relative_to(temporary).as_posix()] = file_digest(path)._asdict()
        manifest: dict[str, Any] = {"schema": SCHEMA, "step": step, "files": files}
        manifest["digest"] = manifest_digest(manifest)
        (temporary / MANIFEST).write_bytes(_json_bytes(manifest))
        _sync_file(temporary / MANIFEST)
        sync_folder(temporary)
        aside = target.with_name(f".replaced-{target.name}")
        if target.exists():
            target.rename(aside)
        temporary.rename(target)
        sync_folder(target.parent)
        shutil.rmtree(aside, ignore_errors=True)

    def _mark_best(self, checkpoint: StoredCheckpoint, figure: float | None) -> None:
        if figure is None or not math.isfinite(figure):
            return
        best = self.best()
        if best is None or figure < best[1]:
            write_atomically(
                self.folder / "best.json", _json_bytes({"checkpoint": checkpoint.path.name, "value": figure})
            )

    def _prune(self, written: StoredCheckpoint) -> None:
        best = self.best()
        keep = {written.path, *(checkpoint.path for checkpoint in self.all()[-self.keep_last :])}
        if best is not None:
            keep.add(best[0].path)
        for checkpoint in self.all():
            if checkpoint.path not in keep:
                shutil.rmtree(checkpoint.path, ignore_errors=True)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} (errno {error.errno})"
    return str(error)


def asked_checkpoint(asked: StoredCheckpoint | Path | None, store: CheckpointStore | None) -> StoredCheckpoint:
    """The checkpoint that is asked for: given, in a folder of any name, or the latest of a store.

    Raises:
        CheckpointMissing, CheckpointDamaged: there is none, or it does not verify.
    """
    if isinstance(asked, StoredCheckpoint):
        return asked
    if asked is not None:
        return CheckpointStore(asked.parent).verified(StoredCheckpoint(asked))
    if store is None:
        raise CheckpointMissing("this trainer has no output folder, so there is nothing to resume; give it out=")
    return store.latest()


def find_checkpoint(path: Path) -> StoredCheckpoint:
    """The checkpoint that a path means, verified.

    The path is a `step-...` folder; a run's folder (or its `checkpoints`) for the latest; or `best` inside a run's
    folder for the one with the least held-out loss.

    Raises:
        CheckpointMissing: nothing there.
        CheckpointDamaged: naming the file and the previous good checkpoint, to be given instead.
    """
    try:
        return _find_checkpoint(path)
    except CheckpointDamaged as error:
        if error.path.name == "best.json":
            raise
        remedy = error.remedy or "no earlier checkpoint verifies; restore the file from a backup"
        if error.previous_good is not None:
            remedy = f"the previous good checkpoint is {error.previous_good}; give that one instead"
        raise CheckpointDamaged(error.path, error.what, error.previous_good, remedy) from None


def _find_checkpoint(path: Path) -> StoredCheckpoint:
    if path.is_dir() and (STEP.fullmatch(path.name) or (path / MANIFEST).exists()):
        return CheckpointStore(path.parent).verified(StoredCheckpoint(path))
    wants_best = path.name == "best" and not path.exists()
    run = path.parent if wants_best else path
    for folder in (run / "checkpoints", run):
        if not any(_iterate_steps(folder)):
            continue
        store = CheckpointStore(folder)
        if not wants_best:
            return store.latest()
        best = store.best()
        if best is not None:
            return store.verified(best[0])
        raise CheckpointMissing(f"{run} has no best checkpoint: it was trained without a held-out loss; give {run}")
    raise CheckpointMissing(
        f"no checkpoint at {path}; give a run's folder, RUN/best, or one of its checkpoints/step-... folders"
    )


def _iterate_steps(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (p for p in folder.iterdir() if STEP.fullmatch(p.name.removeprefix(".replaced-")))


def set_aside_later(out: Path, step: int) -> Path | None:
    """Move what a run wrote after a step out of the way of one that goes on from there.

    That is its checkpoints, averages and pictures, and its best mark if later.

    Returns the folder they are in, with the metrics of the run that they end: a run's folder like any other.  None
    where no checkpoint was later.
    """
    store = CheckpointStore(out / "checkpoints")
    if all(checkpoint.step <= step for checkpoint in store.all()):
        return None
    names = (out / "abandoned" / f"after-step-{step:08d}-{n}" for n in itertools.count(1))
    folder = next(name for name in names if not name.exists())
    (folder / "checkpoints").mkdir(parents=True)
    for file in ("config.json", "metrics.jsonl"):
        if (out / file).exists():
            shutil.copyfile(out / file, folder / file)
    best = store.best()
    if best is not None and best[0].step > step:
        (store.folder / "best.json").rename(folder / "checkpoints" / "best.json")
    for part in ("checkpoints", "averages", "samples"):
        for path in sorted((out / part).glob("step-*")):
            match = STEP.match(path.name)
            if match is not None and int(match.group(1)) > step:
                (folder / part).mkdir(exist_ok=True)
                path.rename(folder / part / path.name)
    return folder
