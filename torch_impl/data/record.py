"""Which files a data set was read from, with digests of their contents, and what has changed since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Changes", "changes", "file_digest", "read_record", "record_bytes"]

_WHOLE = 2**28
"""Of files larger than this many bytes the first and the last half of it are looked at."""


@dataclass(frozen=True)
class Changes:
    """Files that are new, gone, or of other contents, by name."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def in_words(self, most: int = 8) -> str:
        """All three kinds, each with its number and the first names."""
        kinds = (("added", self.added), ("removed", self.removed), ("changed", self.changed))
        return "; ".join(
            f"{len(names)} {kind}: {', '.join(names[:most])}{', ...' if len(names) > most else ''}"
            for kind, names in kinds
            if names
        )


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> Changes:
    """What became of files, by their digests."""
    both = before.keys() & now.keys()
    return Changes(
        tuple(sorted(now.keys() - before.keys())),
        tuple(sorted(before.keys() - now.keys())),
        tuple(sorted(name for name in both if before[name] != now[name])),
    )


def file_digest(path: Path) -> str:
    """Sixteen hex digits of a file's size and contents."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for start in (0,) if size <= _WHOLE else (0, size - _WHOLE // 2):
            file.seek(start)
            left = size if size <= _WHOLE else _WHOLE // 2
            while left > 0 and (part := file.read(min(left, 2**20))):
                digest.update(part)
                left -= len(part)
    return digest.hexdigest()[:16]


def record_bytes(files: Mapping[str, str], skipped: Iterable[str]) -> bytes:
    """The record as a file: digests by name, and the names of files that were left out because they are bad."""
    document = {"schema": 1, "files": dict(sorted(files.items())), "skipped": sorted(skipped)}
    return (json.dumps(document, indent=0) + "\n").encode("ascii")


def read_record(path: Path) -> dict[str, str] | None:
    """Digests by name, of the file that `record_bytes` made; None where there is none, or it cannot be read."""
    try:
        files = json.loads(path.read_bytes())["files"]
        return {str(name): str(digest) for name, digest in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
