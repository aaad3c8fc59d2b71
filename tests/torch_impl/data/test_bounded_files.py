"""Files from anywhere are only data: no more memory than they hold, no device waited for, nothing run."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from torch_impl import files
from torch_impl.data import BadData
from torch_impl.data.arrays import read_npy, read_npz
from torch_impl.data.idx import read_idx


def npy(shape: str, descr: str = "'|u1'", body: bytes = b"") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


@pytest.mark.parametrize(
    "content",
    [
        npy("(1000000000000,)", body=b"\0" * 8),
        npy("(4,)", body=b"\0" * 3),
        npy("(4,)", body=b"\0" * 5),
        npy("(-4,)", body=b"\0" * 4),
        npy("(-2, -2)", body=b"\0" * 4),
        npy("(1000000000000,)", "'|V0'"),
        npy("(1,)", "'|O'", b"\0" * 8),
        npy('(4,)\n"""'),
        npy("(" * 3000 + ")" * 3000),
        npy("(1, None)", body=b"\0"),
        b"\x93NUMPY\x03\x00" + npy("(1,)", body=b"\0")[8:],
        b"",
        b"\x93NUMPY",
        b"PK\x03\x04" + b"\0" * 40,
    ],
)
def test_an_array_whose_header_and_size_disagree_is_refused_before_memory_is_asked_for(tmp_path, content):
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    for memory_map in (False, True):
        with pytest.raises(BadData, match=r"a\.npy cannot be read as a \.npy file without pickled objects"):
            read_npy(path, memory_map)


def test_arrays_that_are_what_they_say_are_read(tmp_path):
    for array in (np.arange(12, dtype=np.uint8).reshape(3, 4), np.zeros((0, 3)), np.asfortranarray(np.eye(3))):
        np.save(tmp_path / "a.npy", array)
        assert np.array_equal(read_npy(tmp_path / "a.npy"), array)
        assert np.array_equal(read_npy(tmp_path / "a.npy", memory_map=True), array) or not array.size


def zipped(path: Path, content: bytes, packing: int = zipfile.ZIP_DEFLATED, name: str = "images.npy") -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr(name, content)
    return path


def test_an_archive_that_would_unpack_to_very_much_is_refused(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("images.npy", "w") as member:
        member.write(npy("(402653184,)"))
        for _ in range(384):
            member.write(bytes(2**20))
    with pytest.raises(BadData, match=r"would unpack to \d+; at most 268435456 are unpacked: unpack it yourself"):
        read_npz(path, ("images",))


@pytest.mark.parametrize("shape", ["(1000000000000,)", "(5,)", "(3,)"])
def test_a_member_of_an_archive_is_measured_too(tmp_path, shape):
    with pytest.raises(BadData, match="its header says shape"):
        read_npz(zipped(tmp_path / "a.npz", npy(shape, body=b"\0" * 4)), ("images",))


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_that_numpy_does_not_use_are_refused(tmp_path, packing):
    path = zipped(tmp_path / "a.npz", npy("(4,)", body=b"\0" * 4), packing)
    with pytest.raises(BadData, match="packed or locked in a way that NumPy does not"):
        read_npz(path, ("images",))


def test_what_is_missing_from_an_archive_is_named_with_what_is_there(tmp_path):
    path = zipped(tmp_path / "a.npz", npy("(4,)", body=b"\0" * 4), name="faces.npy")
    with pytest.raises(BadData, match="has no array 'images'; it has faces"):
        read_npz(path, ("images",))


def idx(shape: tuple[int, ...], body: bytes) -> bytes:
    return b"\x00\x00\x08" + bytes([len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + body


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("shape", [(2**32 - 1,) * 4, (2**20, 2**10), (3,), (5,), (1,) * 33, (2**32 - 1,) * 200])
def test_an_idx_file_whose_header_claims_other_sizes_is_refused(tmp_path, suffix, shape):
    path, content = tmp_path / f"train-images{suffix}", idx(shape, b"\0" * 4)
    path.write_bytes(gzip.compress(content) if suffix else content)
    with pytest.raises(BadData, match=r"train-images.*(header says|would unpack to|begins with)"):
        read_idx(path)


def test_an_idx_bomb_is_refused_though_it_keeps_its_word(tmp_path):
    path, packed = tmp_path / "train-images.gz", io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as stream:
        stream.write(idx((300 * 2**20,), b""))
        for _ in range(300):
            stream.write(bytes(2**20))
    path.write_bytes(packed.getvalue())
    with pytest.raises(BadData, match="at most 268435456 are unpacked"):
        read_idx(path)


@pytest.mark.parametrize("reader", [files.read_json, files.read_npy, files.read_npz_members, read_idx])
def test_neither_a_device_nor_a_pipe_nor_a_folder_is_read(tmp_path, reader):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in (tmp_path / "pipe", tmp_path / "link", Path("/dev/zero"), tmp_path, tmp_path / "loop"):
        with pytest.raises(ValueError, match=r"no regular file|cannot be opened"):
            reader(path)
    with pytest.raises(FileNotFoundError):
        reader(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "deeper than 64"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "deeper than 64"),
        (b"1" * 5000, "not JSON"),
        (b'"\xff"', "not JSON"),
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b" " * (files.LARGEST_JSON + 1), "at most"),
    ],
)
def test_json_is_bounded(tmp_path, content, what):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(files.UnusableFile, match=what):
        files.read_json(tmp_path / "a.json")


def test_json_within_the_bounds_is_read(tmp_path):
    (tmp_path / "a.json").write_bytes(b'{"a":' * 63 + b"[1]" + b"}" * 63)
    assert "a" in files.read_json(tmp_path / "a.json")


def test_an_image_cannot_claim_more_pixels_than_its_bytes_can_mean(tmp_path):
    files.refuse_swollen_image(tmp_path, 2000, 2000, 200)
    files.refuse_swollen_image(tmp_path, 12_000, 12_000, 2_000_000)
    with pytest.raises(files.UnusableFile, match="1000 bytes claim 65000 x 2000 pixels"):
        files.refuse_swollen_image(tmp_path, 65_000, 2000, 1000)


def test_an_image_of_few_bytes_and_very_many_pixels_is_not_decoded(tmp_path):
    from PIL import Image

    from torch_impl.data.decode import look_at, read_image

    path = tmp_path / "a.gif"
    Image.new("P", (4, 4)).save(path)
    content = bytearray(path.read_bytes())
    content[6:10] = struct.pack("<HH", 10_000, 9_000)  # the screen of the GIF
    path.write_bytes(content)
    for call in (lambda: read_image(path, 8, 3), lambda: look_at(path, bytes(content))):
        with pytest.raises(BadData, match=r"a\.gif is no image that can be: its \d+ bytes claim 10000 x 9000 pixels"):
            call()
