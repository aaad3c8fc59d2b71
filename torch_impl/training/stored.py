"""One checkpoint on disk: a folder of plain files and a manifest with the SHA-256 and the size of each.

Whatever it holds is only data, wherever it comes from: its manifest names regular files inside the folder, of the sizes
it says; JSON is bounded; tensors are compared with what they should be before they are read.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from torch import Tensor

from torch_impl.files import UnusableFile, open_regular, read_json
from torch_impl.training.tensors import TensorFacts, read_header, read_tensors

__all__ = ["MANIFEST", "STEP", "CheckpointDamaged", "CheckpointMissing", "StoredCheckpoint"]

SCHEMA = 1
STEP = re.compile(r"step-(\d{8,18})")
MANIFEST = "manifest.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class CheckpointDamaged(ValueError):
    """A file of a checkpoint is missing, truncated, altered, or not what a checkpoint may hold.

    Attributes: `path` of the damaged file, `what` is wrong, `previous_good` (a checkpoint folder that verifies, or
    None).  Without a `remedy` of its own the message says how to go on training.
    """

    def __init__(self, path: Path, what: str, previous_good: Path | None = None, remedy: str | None = None) -> None:
        self.path, self.what, self.previous_good, self.remedy = path, what, previous_good, remedy
        if remedy is None and previous_good is not None:
            remedy = (
                f"the previous good checkpoint is {previous_good}; go on from it with --resume-from {previous_good}"
            )
        elif remedy is None:
            remedy = "no earlier checkpoint verifies; restore the file from a backup or start anew without --resume"
        super().__init__(f"checkpoint file {path} is damaged: {what}; {remedy}")


class CheckpointMissing(ValueError):
    """There is no checkpoint where one was asked for."""


class FileFacts(NamedTuple):
    """What a manifest says of a file."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """Which step a checkpoint is of, and its files by name."""

    step: int
    files: Mapping[str, FileFacts]


def manifest_digest(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of a manifest's own data, without the entry that holds it."""
    body = {key: value for key, value in manifest.items() if key != "digest"}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def file_digest(path: Path) -> FileFacts:
    """SHA-256 (hex) and size in bytes of a regular file."""
    with open_regular(path) as file:
        digest = hashlib.sha256()
        while block := file.read(2**20):
            digest.update(block)
        return FileFacts(digest.hexdigest(), file.tell())


def read_manifest(path: Path) -> Manifest:
    """The manifest of a checkpoint, every entry checked.

    Raises:
        CheckpointDamaged: it is not whole, of another schema, or names what no checkpoint may hold.
    """
    data = read_document(path)
    if not isinstance(data, dict) or data.get("digest") != manifest_digest(data):
        raise CheckpointDamaged(path, "its own digest does not match")
    if data.get("schema") != SCHEMA or isinstance(data["schema"], bool):
        raise CheckpointDamaged(
            path,
            f"it is of schema {str(data.get('schema'))[:40]}, and this version of Threefold reads schema {SCHEMA}",
            remedy="read it with the version that wrote it",
        )
    step, listed = data.get("step"), data.get("files")
    if type(step) is not int or not 0 <= step < 10**18 or not isinstance(listed, dict):
        raise CheckpointDamaged(path, "it names no step and no files")
    files = {}
    for name, facts in listed.items():
        _refuse_place(path, name)
        sha256, size = (facts.get(key) if isinstance(facts, dict) else None for key in ("sha256", "bytes"))
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256) or type(size) is not int or size < 0:
            raise CheckpointDamaged(path, f"it gives no SHA-256 and size for {name[:80]!r}")
        files[name] = FileFacts(sha256, size)
    return Manifest(step, files)


def _refuse_place(path: Path, name: str) -> None:
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name.startswith("/") or "\\" in name or "\0" in name or ":" in name:
        raise CheckpointDamaged(path, f"it names {name[:80]!r}; only files inside the checkpoint may be named")


def read_document(path: Path) -> Any:
    """The data of a JSON file of a checkpoint.

    Raises:
        CheckpointDamaged: it is missing or cannot be read as such.
    """
    try:
        return read_json(path)
    except FileNotFoundError:
        raise CheckpointDamaged(path, "it is missing") from None
    except UnusableFile as error:
        raise CheckpointDamaged(path, error.what) from None


@dataclass(frozen=True)
class StoredCheckpoint:
    """A checkpoint folder on disk, whatever its name and place.

    `config` is everything needed to rebuild the model; `state` is the JSON part of the training state; tensors are
    read by file with `tensors`.
    """

    path: Path

    @property
    def step(self) -> int:
        """The training step it stands for: that of its name, or of its manifest where it was renamed."""
        match = STEP.fullmatch(self.path.name)
        return int(match.group(1)) if match else self.manifest().step

    def manifest(self) -> Manifest:
        """What files it has.

        Raises:
            CheckpointMissing: the folder is no checkpoint.
            CheckpointDamaged: as `read_manifest`.
        """
        if not (self.path / MANIFEST).exists() and not STEP.fullmatch(self.path.name):
            raise CheckpointMissing(f"{self.path} is not a checkpoint folder: it has no {MANIFEST}")
        return read_manifest(self.path / MANIFEST)

    @property
    def config(self) -> dict[str, Any]:
        """What the run is; its parts, where they are there, are JSON objects.

        Raises:
            CheckpointDamaged: it is missing, or no such file.
        """
        config = self._object("config.json")
        for part in ("system", "data", "trainer", "versions"):
            if not isinstance(config.get(part, {}), dict):
                what = f"what it says of {part} is {str(config[part])[:40]!r}, and no JSON object"
                raise CheckpointDamaged(self.path / "config.json", what)
        return config

    @property
    def state(self) -> dict[str, Any]:
        return self._object("state.json")

    def _object(self, file: str) -> dict[str, Any]:
        data = self.document(file)
        if not isinstance(data, dict):
            raise CheckpointDamaged(self.path / file, "it holds no JSON object")
        return data

    def document(self, file: str) -> Any:
        """The data of one JSON file."""
        return read_document(self._inside(file))

    def has(self, file: str) -> bool:
        return (self.path / file).exists()

    def header(self, file: str) -> dict[str, TensorFacts]:
        """What tensors one safetensors file has, without reading them.

        Raises:
            CheckpointDamaged: it is missing, or no such file.
        """
        path = self._inside(file)
        try:
            return read_header(path)
        except FileNotFoundError:
            raise CheckpointDamaged(path, "it is missing") from None
        except UnusableFile as error:
            raise CheckpointDamaged(path, error.what) from None

    def tensors(self, file: str, wanted: Mapping[str, TensorFacts] | None = None) -> dict[str, Tensor]:
        """All tensors of one safetensors file, on the CPU and finite; with `wanted`, these and no others.

        Raises:
            CheckpointDamaged: it is missing, or no such file, or holds NaN.
            ValueError: the tensors are not the wanted ones.
        """
        path = self._inside(file)
        try:
            return read_tensors(path, wanted)
        except FileNotFoundError:
            raise CheckpointDamaged(path, "it is missing") from None
        except UnusableFile as error:
            raise CheckpointDamaged(path, error.what) from None

    def _inside(self, file: str) -> Path:
        """The path of one of its files, which does not lead out of the folder by a link.

        Raises:
            CheckpointDamaged: it does.
        """
        path = self.path / file
        try:
            within = path.resolve().is_relative_to(self.path.resolve())
        except (OSError, RuntimeError):  # a loop of links
            within = False
        if not within:
            raise CheckpointDamaged(path, "it leads out of the checkpoint's folder", remedy="put the file itself there")
        return path

    def verify(self) -> None:
        """Compare every file with the manifest.

        Raises:
            CheckpointDamaged: naming the first file that is missing, truncated or altered, or may not be there.
        """
        manifest = self.manifest()
        if manifest.step != self.step:
            raise CheckpointDamaged(
                self.path / MANIFEST, f"it is the manifest of step {manifest.step}, not of {self.step}"
            )
        for name, expected in manifest.files.items():
            path = self._inside(name)
            try:
                size = os.stat(path).st_size
                found = file_digest(path) if size == expected.bytes else FileFacts("", size)
            except FileNotFoundError:
                raise CheckpointDamaged(path, "it is missing") from None
            except UnusableFile as error:
                raise CheckpointDamaged(path, error.what) from None
            if found.bytes != expected.bytes:
                raise CheckpointDamaged(path, f"it has {found.bytes} bytes, {expected.bytes} were written")
            if found.sha256 != expected.sha256:
                raise CheckpointDamaged(
                    path, f"its SHA-256 is {found.sha256[:16]}..., {expected.sha256[:16]}... was written"
                )
