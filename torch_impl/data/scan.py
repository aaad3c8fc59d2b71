"""A look at every image file before the first step: which cannot be decoded, how large they are, what they hold.

The result is kept by path, size and time of change in the user's cache folder (`$THREEFOLD_CACHE`, or `threefold` in
`$XDG_CACHE_HOME` or `~/.cache`), never beside the data, so that a second look costs nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch_impl.data.dataset import BadData
from torch_impl.data.decode import look_at

__all__ = ["FileLook", "cache_folder", "scan"]

_VERSION = 1  # of the kept results: another way of looking looks again


@dataclass(frozen=True)
class FileLook:
    """What a look at one file found.

    Attributes:
        digest: SHA-256 of the contents, 16 hex digits.
        width, height: as a person sees the image.
        notes: what reading it needs.
        problem: what is wrong with it; None for nothing.
    """

    digest: str
    width: int
    height: int
    notes: tuple[str, ...]
    problem: str | None


def cache_folder() -> Path:
    """Where results are kept."""
    own = os.environ.get("THREEFOLD_CACHE")
    if own:
        return Path(own) / "images"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "threefold" / "images"


def scan(
    root: Path,
    paths: Sequence[Path],
    *,
    workers: int | None = None,
    seen: Callable[[int], None] = lambda count: None,
) -> dict[Path, FileLook]:
    """Look at every file, in threads (decoding leaves the interpreter free); what was looked at before is not read.

    Args:
        root: the folder of the data, by which results are kept.
        seen: told how many files are done, now and then.
    """
    kept_at = cache_folder() / f"{hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:24]}.json"
    kept, fresh = _kept(kept_at), {}
    results: dict[Path, FileLook] = {}
    with ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1)) as pool:
        try:
            for done, (path, key, found) in enumerate(pool.map(lambda path: _look(path, root, kept), paths), start=1):
                results[path] = found
                if found.digest:
                    fresh[key] = found
                seen(done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if fresh.keys() - kept.keys():
        _keep(kept_at, {**kept, **fresh} if len(kept) < 2 * len(fresh) + 1000 else fresh)
    return results


def _look(path: Path, root: Path, kept: dict[str, FileLook]) -> tuple[Path, str, FileLook]:
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    try:
        about = path.stat()
        key = f"{name}|{about.st_size}|{about.st_mtime_ns}"
        if key in kept:
            return path, key, kept[key]
        content = path.read_bytes()
    except OSError as error:
        return path, f"{name}|unreadable", FileLook("", 0, 0, (), f"cannot be read: {error.strerror or error}")
    digest = hashlib.sha256(content).hexdigest()[:16]
    try:
        found = look_at(path, content)
    except BadData as error:
        return path, key, FileLook(digest, 0, 0, (), str(error).removeprefix(f"{path} "))
    return path, key, FileLook(digest, found.width, found.height, found.notes, None)


# -- what was found before --------------------------------------------------------------------------------------------


def _kept(path: Path) -> dict[str, FileLook]:
    """Results that were kept; none where there is no such file, or another version's, or one that is damaged."""
    try:
        stored = json.loads(path.read_bytes())
        if stored["version"] != _VERSION:
            return {}
        return dict(_read(stored["files"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _read(files: dict[str, Any]) -> Iterator[tuple[str, FileLook]]:
    for key, (digest, width, height, notes, problem) in files.items():
        yield key, FileLook(str(digest), int(width), int(height), tuple(map(str, notes)), problem and str(problem))


def _keep(path: Path, found: dict[str, FileLook]) -> None:
    """Keep results, whole or not at all; a folder that cannot be written to costs another look, no more."""
    files = {key: [f.digest, f.width, f.height, list(f.notes), f.problem] for key, f in found.items()}
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with suppress(OSError, UnicodeEncodeError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"version": _VERSION, "files": files}), encoding="ascii")
        temporary.replace(path)
