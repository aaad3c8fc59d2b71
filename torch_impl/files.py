"""Files from anywhere are only data: read as regular files, within bounds that their own size sets; written atomically.

A reader here allocates what a file holds, never what its header claims: sizes are compared before memory is asked for,
what is packed may unpack to so much and no more, JSON has a largest size and a greatest depth.  Nothing in a file is
run, and neither a device nor a pipe is ever waited for.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import math
import os
import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np

__all__ = [
    "UnusableFile",
    "largest_unpacked",
    "open_regular",
    "read_bytes",
    "read_gzip",
    "read_json",
    "read_npy",
    "read_npz_members",
    "refuse_swollen_image",
    "sync_folder",
    "write_atomically",
]

LARGEST_JSON = 2**22
DEEPEST_JSON = 64


class UnusableFile(ValueError):
    """A file that cannot be used as the data it should be.

    Attributes: `path`, and `what` is wrong with it.
    """

    def __init__(self, path: Path, what: str) -> None:
        self.path, self.what = path, what
        super().__init__(f"{path}: {what}")


# -- any file ---------------------------------------------------------------------------------------------------------


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; a device, a pipe, a socket or a folder is refused without being waited for.

    Raises:
        FileNotFoundError, PermissionError: as the system says.
        UnusableFile: it is no regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, ValueError) as error:  # a socket, a loop of links, a name with NUL in it, ...
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnusableFile(path, f"it cannot be opened ({reason})") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnusableFile(path, "it is no regular file (a folder, a device or a pipe)")
    return os.fdopen(descriptor, "rb")


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a regular file of at most so many bytes.

    Raises:
        UnusableFile: it is larger, or no regular file.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise UnusableFile(path, f"it has {size} bytes; at most {most} are read of such a file")
        return file.read(most)


def sync_folder(folder: Path) -> None:
    """Flush a folder's own entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file by `data`: old content or new, never a mixture, also after a power cut."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


# -- JSON -------------------------------------------------------------------------------------------------------------


def read_json(path: Path, most: int = LARGEST_JSON) -> Any:
    """The data of a JSON file, in UTF-8, of at most `most` bytes and 64 levels.

    Raises:
        FileNotFoundError: there is none.
        UnusableFile: it is too large or too deep, no JSON, or no regular file.
    """
    return parse_json(read_bytes(path, most), path)


def parse_json(content: bytes, path: Path) -> Any:
    """JSON data out of bytes; `path` is for the message.

    Raises:
        UnusableFile: too deep, or no JSON.
    """
    too_deep = UnusableFile(path, f"its JSON is nested deeper than {DEEPEST_JSON} levels")
    try:
        data = json.loads(content.decode("utf-8"))
    except RecursionError:
        raise too_deep from None
    except ValueError as error:  # syntax, encoding, a number of thousands of digits
        raise UnusableFile(path, f"it is not JSON ({error})") from None
    level = [data]
    for _ in range(DEEPEST_JSON + 1):
        inside = [part for part in level if isinstance(part, dict | list)]
        level = [item for part in inside for item in (part.values() if isinstance(part, dict) else part)]
        if not inside:
            return data
    raise too_deep


# -- what is packed ---------------------------------------------------------------------------------------------------


def largest_unpacked(size: int) -> int:
    """How many bytes a packed file of `size` bytes may unpack to: 32 times its size, and 256 MiB at any rate."""
    return max(2**28, 32 * size)


def _refuse_bomb(path: Path, unpacked: int, size: int) -> None:
    if unpacked > largest_unpacked(size):
        raise UnusableFile(
            path,
            f"it has {size} bytes and would unpack to {unpacked}; at most {largest_unpacked(size)} are unpacked: "
            "unpack it yourself if you trust it, and give it plain",
        )


class PackedFile:
    """A gzip file read from its start, in pieces, to a limit.

    Raises:
        UnusableFile: by `read`, for a stream that is broken or cut off.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path, self.size = path, os.fstat(file.fileno()).st_size
        self._stream = gzip.GzipFile(fileobj=file)

    def read(self, count: int) -> bytes:
        """The next `count` bytes, fewer at the end."""
        _refuse_bomb(self.path, count, self.size)
        try:
            return self._stream.read(count)
        except (EOFError, OSError, zlib.error) as error:
            raise UnusableFile(self.path, f"it is not a whole gzip file ({error}); copy it again") from None


@contextlib.contextmanager
def read_gzip(path: Path) -> Any:
    """Open a gzip file as a `PackedFile`."""
    with open_regular(path) as file:
        yield PackedFile(path, file)


# -- arrays -----------------------------------------------------------------------------------------------------------


def _npy_shape(file: IO[bytes], size: int, path: Path) -> tuple[int, ...]:
    """The shape in the header of a .npy stream of `size` bytes, which must be the bytes that follow it, and no more.

    Raises:
        UnusableFile: another size, Python objects, or no such header.
    """
    try:
        version = np.lib.format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise UnusableFile(path, f"it is a .npy file of version {version}; versions 1.0 and 2.0 are read")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    except UnusableFile:
        raise
    except Exception as error:  # a broken header lets many kinds of errors out of NumPy, those of its tokenizer too
        raise UnusableFile(path, f"it has no header of a .npy file ({error})") from None
    if dtype.hasobject:
        raise UnusableFile(path, "it holds Python objects, which are never opened; convert it to an array of numbers")
    claimed, held = math.prod(shape) * dtype.itemsize, size - file.tell()
    if any(length < 0 for length in shape) or claimed != held or not dtype.itemsize:
        raise UnusableFile(
            path, f"its header says shape {shape} of {dtype}, {claimed} bytes, but {held} follow; copy it again"
        )
    return tuple(shape)


def read_npy(path: Path, memory_map: bool = False) -> np.ndarray:
    """The array of a .npy file, read whole or left on the disk.

    Raises:
        UnusableFile: its header and its size disagree, it holds Python objects, or is no .npy file.
    """
    with open_regular(path) as file:
        _npy_shape(file, os.fstat(file.fileno()).st_size, path)
        if not memory_map:
            file.seek(0)
            array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
            return array
    return np.lib.format.open_memmap(path, mode="r")


def read_npz_members(path: Path, wanted: tuple[str, ...] | None = None) -> dict[str, np.ndarray]:
    """The arrays of a .npz file by name: those of `wanted` that are there, or all.

    Raises:
        UnusableFile: it is damaged, packed in another way than NumPy packs, would unpack to too much, or holds Python
            objects.
    """
    found: dict[str, np.ndarray] = {}
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            with zipfile.ZipFile(file) as archive:
                members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
                chosen = [m for m in members if wanted is None or m.filename.removesuffix(".npy") in wanted]
                _refuse_bomb(path, sum(info.file_size for info in chosen), size)
                for info in chosen:
                    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
                        raise UnusableFile(path, f"{info.filename} is packed or locked in a way that NumPy does not")
                    with archive.open(info) as member:
                        _npy_shape(member, info.file_size, path)
                    with archive.open(info) as member:
                        found[info.filename.removesuffix(".npy")] = np.lib.format.read_array(member, allow_pickle=False)
        except UnusableFile:
            raise
        except (ValueError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise UnusableFile(path, f"it cannot be read as a .npz file: {error}") from None
    return found


# -- images -----------------------------------------------------------------------------------------------------------


def refuse_swollen_image(path: Path, width: int, height: int, size: int) -> None:
    """Refuse an image whose header claims more pixels than a file of `size` bytes can hold in any honest way.

    An image of one colour takes a byte for some 8,000 pixels (PNG); four million pixels are let pass at any rate.

    Raises:
        UnusableFile: before memory for the pixels is asked for.
    """
    most = max(2**22, 10_000 * size)
    if width * height > most:
        raise UnusableFile(
            path, f"its {size} bytes claim {width} x {height} pixels; at most {most} are decoded of such a file"
        )
