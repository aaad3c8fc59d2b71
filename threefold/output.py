"""A file that appears whole or not at all, and whose path is tried before any work is done for it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from threefold.errors import Unusable


class Output:
    """Where the text goes: to the file at `path` when `write` is called, or to standard output for '-'."""

    def __init__(self, path: str, descriptor: int | None, temporary: Path | None) -> None:
        self._path = path
        self._descriptor = descriptor
        self._temporary = temporary

    def write(self, text: str) -> None:
        """Put the whole text in place at once. Raises Unusable if the disk refuses it; the old file then stays."""
        try:
            if self._descriptor is None:
                sys.stdout.write(text)
                sys.stdout.flush()
                return
            with os.fdopen(os.dup(self._descriptor), "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                if self._temporary is not None:
                    os.fsync(stream.fileno())
            if self._temporary is not None:
                os.replace(self._temporary, self._path)
        except OSError as error:
            raise _unwritable(self._path, error) from error


@contextmanager
def output(path: str) -> Iterator[Output]:
    """Open `path` for one text, before the work starts. Leaves nothing behind unless `write` is called.

    Raises Unusable if the folder does not exist or cannot be written to, or the path is a folder.
    """
    if path == "-":
        yield Output(path, None, None)
        return
    target = os.path.realpath(path)
    temporary: Path | None = None
    try:
        if os.path.isdir(target):
            raise IsADirectoryError(21, "it is a folder")
        if os.path.exists(target) and not os.path.isfile(target):
            descriptor = os.open(target, os.O_WRONLY)  # a device or a pipe: nothing to replace
        else:
            if os.path.exists(target) and not os.access(target, os.W_OK):
                raise PermissionError(13, "the file there is read-only")
            descriptor, name = tempfile.mkstemp(prefix=f".{Path(target).name}.", dir=Path(target).parent)
            temporary = Path(name)
            os.chmod(name, os.stat(target).st_mode & 0o777 if os.path.exists(target) else 0o666 & ~_umask())
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        yield Output(target, descriptor, temporary)
    finally:
        os.close(descriptor)
        if temporary is not None:
            with suppress(FileNotFoundError):
                temporary.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _unwritable(path: str, error: OSError) -> Unusable:
    reason = error.strerror or str(error)
    return Unusable(
        f"cannot write {path!r}: {reason[:1].lower() + reason[1:]}; "
        "name a file in a folder that exists and can be written to"
    )
