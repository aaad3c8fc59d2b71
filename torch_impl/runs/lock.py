"""One run to a folder: a lock with the host and the process of its owner; a lock left behind by a kill is told apart.

The lock is `.lock` in the run's folder.  The kernel holds it (a record lock, which no child inherits) for as long as
the process lives, so one left behind on this machine stops nobody.  What another machine left cannot be told from a run
that goes on there, and is refused with the way out.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any, Self

__all__ = ["FolderLock", "Locked"]

_NAME = ".lock"
_HELD: set[str] = set()
"""Locks of this process, which the kernel would give it twice."""


class Locked(ValueError):
    """Another run works in the folder."""


class FolderLock:
    """While entered, nobody else can run in the folder, which is made if need be.

    Leaving takes the lock away, and the folders that were made for it if nothing was put into them.

    Raises:
        Locked: somebody else runs there; nothing was touched.
        OSError: the folder cannot be made or written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / _NAME
        self._made: list[Path] = []
        self._descriptor = -1

    def __enter__(self) -> Self:
        key = str(self.folder.resolve())
        if key in _HELD:
            raise Locked(_refusal(self.folder, {"host": socket.gethostname(), "pid": os.getpid()}))
        self._make_folders()
        try:
            self._descriptor = self._taken()
        except BaseException:
            self._remove_folders()
            raise
        self._key = key
        _HELD.add(key)
        return self

    def __exit__(self, *_: object) -> None:
        _HELD.discard(self._key)
        with contextlib.suppress(OSError):
            self.path.unlink()  # before it is let go, so that who comes next makes one anew
        os.close(self._descriptor)
        self._remove_folders()

    def _make_folders(self) -> None:
        missing = [folder for folder in (self.folder, *self.folder.parents) if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            self._made.append(folder)

    def _remove_folders(self) -> None:
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):  # it holds something by now
                folder.rmdir()

    def _taken(self) -> int:
        """A descriptor of the lock's file, with the lock on it and this process's name in it."""
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                owner = _owner(descriptor)
                if not _lock(descriptor) or owner.get("host", socket.gethostname()) != socket.gethostname():
                    raise Locked(_refusal(self.folder, owner))
                if not _same_file(descriptor, self.path):  # its owner took it away meanwhile
                    os.close(descriptor)
                    continue
                mine = {"host": socket.gethostname(), "pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, json.dumps(mine).encode(), 0)
                return descriptor
            except BaseException:
                with contextlib.suppress(OSError):
                    os.close(descriptor)
                raise


def _lock(descriptor: int) -> bool:
    """Take the kernel's lock; False if another process has it."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _owner(descriptor: int) -> dict[str, Any]:
    """What a lock says of its owner; nothing, where it is empty or cut short."""
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(folder: Path, owner: dict[str, Any]) -> str:
    who = f"process {owner.get('pid', '?')} on {owner.get('host', '?')}"
    since = f" since {owner['since']}" if "since" in owner else ""
    words = f"{folder} is in use by {who}{since}; wait for it to end, or choose another folder with --out"
    if owner.get("host", socket.gethostname()) != socket.gethostname():
        words += f"; if it runs no more, which cannot be seen from {socket.gethostname()}, remove {folder / _NAME}"
    return words
