"""Every image file is looked at before the first step, once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from torch_impl.data import scan as scanning
from torch_impl.data.decode import read_image
from torch_impl.data.scan import scan


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i, suffix in enumerate(["png", "jpg", "webp", "gif", "bmp", "tif"] * 4):
        pixels = np.random.default_rng(i).integers(0, 256, (20, 30 + i, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02d}.{suffix}")
    return sorted(folder.iterdir())


def damaged(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "junk":
        path.write_bytes(b"junk" * 50)
    elif how == "bomb":
        header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (200_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
        import zlib

        path.write_bytes(header + zlib.crc32(header[12:]).to_bytes(4, "big") + content[33:])


# A GIF that is cut is shown as far as it goes, by Pillow as by viewers.
DAMAGES = [(how, which) for how in ("cut", "empty", "junk", "bomb") for which in range(6) if (how, which) != ("cut", 3)]


@pytest.mark.parametrize(("how", "which"), DAMAGES)
def test_all_bad_files_are_found_and_exactly_those(photos: list[Path], how: str, which: int) -> None:
    damaged(photos[which], how)
    damaged(photos[which + 12], "junk")
    found = scan(photos[0].parent, photos)
    assert [path for path in photos if found[path].problem] == [photos[which], photos[which + 12]]
    with pytest.raises(ValueError, match="cannot be decoded"):
        read_image(photos[which], 8, 3)  # what the look finds is what reading would meet


def test_sizes_and_digests(photos: list[Path]) -> None:
    found = scan(photos[0].parent, photos)
    assert [found[path].width for path in photos] == [30 + i for i in range(24)]
    assert len({found[path].digest for path in photos}) == 24 and all(found[path].height == 20 for path in photos)


def test_a_second_look_reads_only_what_changed(photos: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    root, reads = photos[0].parent, []
    look_at = scanning.look_at
    monkeypatch.setattr(scanning, "look_at", lambda path, content: reads.append(path) or look_at(path, content))
    first = scan(root, photos)
    assert len(reads) == 24
    assert scan(root, photos) == first and len(reads) == 24
    damaged(photos[3], "junk")
    again = scan(root, photos)
    assert reads[24:] == [photos[3]] and again[photos[3]].problem is not None
    os.utime(photos[5], ns=(1, 1))  # another time of change: looked at again, and found the same
    assert scan(root, photos)[photos[5]] == first[photos[5]] and reads[25:] == [photos[5]]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1}', b'{"version": 1, "files": {"a|1|2": [1]}}'])
def test_a_damaged_cache_costs_a_look_and_no_more(photos: list[Path], cache: Path, content: bytes) -> None:
    first = scan(photos[0].parent, photos)
    (kept,) = (cache / "threefold" / "images").iterdir()
    assert json.loads(kept.read_bytes())["files"]
    kept.write_bytes(content)
    assert scan(photos[0].parent, photos) == first


def test_a_cache_that_cannot_be_written_does_not_matter(photos: list[Path], cache: Path) -> None:
    cache.write_text("a file is in the way")
    assert len(scan(photos[0].parent, photos)) == 24


def test_nothing_is_written_beside_the_data(photos: list[Path]) -> None:
    scan(photos[0].parent, photos)
    assert sorted(photos[0].parent.iterdir()) == photos


def test_progress_is_told(photos: list[Path]) -> None:
    told: list[int] = []
    scan(photos[0].parent, photos, workers=3, seen=told.append)
    assert told == list(range(1, 25))


def test_a_file_that_cannot_be_read_is_named(photos: list[Path]) -> None:
    gone = photos[0].parent / "gone.png"
    assert "cannot be read" in str(scan(photos[0].parent, [*photos, gone])[gone].problem)
