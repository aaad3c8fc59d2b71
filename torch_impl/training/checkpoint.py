"""Checkpoints: safetensors and JSON only, written whole or not at all, with a digest of every byte.

A checkpoint is a folder `step-00001000` of plain files and a `manifest.json` with the SHA-256 and size of each.
It is written under a temporary name, flushed to the disk and then renamed, so a reader never sees half of one; the
previous ones are removed only after that.  Loading parses JSON and raw tensors: no code in a checkpoint is ever run.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import math
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from torch_impl.files import sync_folder, write_atomically

__all__ = [
    "CheckpointDamaged",
    "CheckpointMissing",
    "CheckpointStore",
    "CheckpointUnwritable",
    "StoredCheckpoint",
    "find_checkpoint",
    "read_json",
    "set_aside_later",
    "write_atomically",
]

_SCHEMA = 1
_NAME = re.compile(r"step-(\d{8,})")
_MANIFEST = "manifest.json"


class CheckpointDamaged(ValueError):
    """A file of a checkpoint is missing, truncated or altered.

    Attributes: `path` of the damaged file, `previous_good` (a checkpoint folder that verifies, or None).  Without a
    `remedy` the message says how to go on training.
    """

    def __init__(self, path: Path, what: str, previous_good: Path | None = None, remedy: str | None = None) -> None:
        self.path, self.what, self.previous_good = path, what, previous_good
        if remedy is None and previous_good is not None:
            remedy = (
                f"the previous good checkpoint is {previous_good}; go on from it with --resume-from {previous_good}"
            )
        elif remedy is None:
            remedy = "no earlier checkpoint verifies; restore the file from a backup or start anew without --resume"
        super().__init__(f"checkpoint file {path} is damaged: {what}; {remedy}")


class CheckpointMissing(ValueError):
    """There is no checkpoint where one was asked for."""


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


def _digest(path: Path) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def _json_bytes(data: Any) -> bytes:
    return (json.dumps(data, indent=1, sort_keys=True) + "\n").encode()


def _manifest_digest(manifest: Mapping[str, Any]) -> str:
    body = {key: value for key, value in manifest.items() if key != "digest"}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def read_json(path: Path) -> Any:
    """Parse a JSON file; a file that is not JSON is a damaged one."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CheckpointDamaged(path, "it is missing") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointDamaged(path, f"it is not JSON ({error})") from None


# -- one checkpoint ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoredCheckpoint:
    """A checkpoint folder on disk.

    `config` is everything needed to rebuild the model; `state` is the JSON part of the training state; tensors are
    read by file with `tensors`.
    """

    path: Path

    @property
    def step(self) -> int:
        match = _NAME.fullmatch(self.path.name)
        if match is None:
            raise CheckpointMissing(f"{self.path} is not a checkpoint folder; its name must read step-<number>")
        return int(match.group(1))

    @property
    def config(self) -> dict[str, Any]:
        config = read_json(self.path / "config.json")
        if not isinstance(config, dict):
            raise CheckpointDamaged(self.path / "config.json", "it holds no JSON object")
        return config

    @property
    def state(self) -> dict[str, Any]:
        state = read_json(self.path / "state.json")
        if not isinstance(state, dict):
            raise CheckpointDamaged(self.path / "state.json", "it holds no JSON object")
        return state

    def document(self, file: str) -> Any:
        """The data of one JSON file."""
        return read_json(self.path / file)

    def has(self, file: str) -> bool:
        return (self.path / file).exists()

    def tensors(self, file: str) -> dict[str, Tensor]:
        """All tensors of one safetensors file, on the CPU."""
        path = self.path / file
        try:
            return safetensors.torch.load_file(path)
        except FileNotFoundError:
            raise CheckpointDamaged(path, "it is missing") from None
        except safetensors.SafetensorError as error:
            raise CheckpointDamaged(path, f"it is not a safetensors file ({error})") from None

    def verify(self) -> None:
        """Compare every file with the manifest.

        Raises:
            CheckpointDamaged: naming the first file that is missing, truncated or altered.
        """
        manifest_path = self.path / _MANIFEST
        manifest = read_json(manifest_path)
        if not isinstance(manifest, dict) or manifest.get("digest") != _manifest_digest(manifest):
            raise CheckpointDamaged(manifest_path, "its own digest does not match")
        if manifest.get("step") != self.step:
            raise CheckpointDamaged(
                manifest_path, f"it is the manifest of step {manifest.get('step')}, not of {self.step}"
            )
        for name, expected in manifest["files"].items():
            path = self.path / name
            try:
                digest, size = _digest(path)
            except FileNotFoundError:
                raise CheckpointDamaged(path, "it is missing") from None
            if size != expected["bytes"]:
                raise CheckpointDamaged(path, f"it has {size} bytes, {expected['bytes']} were written")
            if digest != expected["sha256"]:
                raise CheckpointDamaged(
                    path, f"its SHA-256 is {digest[:16]}..., {expected['sha256'][:16]}... was written"
                )


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
        found = [StoredCheckpoint(path) for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
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
            raise CheckpointDamaged(error.path, error.what, self._good_before(checkpoint.step)) from None
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
            marked = json.loads(path.read_bytes())
            name, value = str(marked["checkpoint"]), float(marked["value"])
        except (ValueError, TypeError, KeyError):
            remedy = "remove it (the checkpoints are not touched by that; the next validation loss marks the best anew)"
            raise CheckpointDamaged(path, "it names no checkpoint and value", remedy=remedy) from None
        checkpoint = StoredCheckpoint(self.folder / name)
        return (checkpoint, value) if _NAME.fullmatch(name) and checkpoint.path.is_dir() else None

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
            raise CheckpointUnwritable(self.folder, _reason(error), self._last_path()) from None
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
        last_good = self._last_path()
        try:
            for name, data in json_files.items():
                (temporary / name).write_bytes(_json_bytes(data))
            for name, tensors in tensor_files.items():
                self._write_tensors(temporary / name, tensors)
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

    def _last_path(self) -> Path | None:
        found = self.all()
        return found[-1].path if found else None

    @staticmethod
    def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
        plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        seen: dict[int, str] = {}
        for name, tensor in plain.items():  # tied weights: safetensors wants each memory once
            if tensor.numel() and seen.setdefault(tensor.data_ptr(), name) != name:
                plain[name] = tensor.clone()
        safetensors.torch.save_file(plain, path)

    @staticmethod
    def _finish(temporary: Path, target: Path, step: int) -> None:
        files = {}
        for path in sorted(p for p in temporary.rglob("*") if p.is_file() and p.name != _MANIFEST):
            _sync_file(path)
            digest, size = _digest(path)
            files[path.relative_to(temporary).as_posix()] = {"sha256": digest, "bytes": size}
        manifest: dict[str, Any] = {"schema": _SCHEMA, "step": step, "files": files}
        manifest["digest"] = _manifest_digest(manifest)
        (temporary / _MANIFEST).write_bytes(_json_bytes(manifest))
        _sync_file(temporary / _MANIFEST)
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
        remedy = "no earlier checkpoint verifies; restore the file from a backup"
        if error.previous_good is not None:
            remedy = f"the previous good checkpoint is {error.previous_good}; give that one instead"
        raise CheckpointDamaged(error.path, error.what, error.previous_good, remedy) from None


def _find_checkpoint(path: Path) -> StoredCheckpoint:
    if _NAME.fullmatch(path.name) and path.is_dir():
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
        yield from (p for p in folder.iterdir() if _NAME.fullmatch(p.name.removeprefix(".replaced-")))


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
            match = _NAME.match(path.name)
            if match is not None and int(match.group(1)) > step:
                (folder / part).mkdir(exist_ok=True)
                path.rename(folder / part / path.name)
    return folder
