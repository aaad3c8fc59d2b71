"""An image is read as a person sees it: turned, in sRGB, whatever the kind of file."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, ImageOps

from torch_impl.data import load
from torch_impl.data.decode import look_at, read_image

# An upright picture: red above left, green above right, blue below left, white below right.
CORNERS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], dtype=np.uint8)
UPRIGHT = np.kron(CORNERS, np.ones((32, 32, 1), dtype=np.uint8))

# How the stored pixels are had from the upright ones, for each orientation (the inverse of what a viewer does).
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: np.rot90(a, -1),
}


def oriented(path: Path, number: int, pixels: np.ndarray = UPRIGHT) -> Path:
    exif = Image.Exif()
    exif[0x0112] = number
    options = {"quality": 100} if path.suffix == ".jpg" else {"lossless": True} if path.suffix == ".webp" else {}
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, exif=exif, **options)
    return path


def corners(image: np.ndarray) -> np.ndarray:
    return image[:, [[4, 4], [-5, -5]], [[4, -5], [4, -5]]].transpose(1, 2, 0)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("number", STORED)
def test_every_orientation_is_upright(tmp_path: Path, suffix: str, number: int) -> None:
    path = oriented(tmp_path / f"a.{suffix}", number, STORED[number](UPRIGHT))
    assert np.abs(corners(read_image(path, 32, 3)).astype(int) - CORNERS).max() < 40
    luma = CORNERS @ np.array([0.299, 0.587, 0.114])
    assert np.abs(corners(read_image(path, 32, 1))[..., 0] - luma).max() < 25
    assert np.array_equal(  # Pillow's own reading of the same file
        np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB")), read_image(path, 64, 3).transpose(1, 2, 0)
    )


def test_the_trial_of_a_photo_on_its_side(tmp_path: Path) -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :30], pixels[:, 30:] = [255, 0, 0], [0, 0, 255]
    image = read_image(oriented(tmp_path / "x.jpg", 6, pixels), 8, 3)
    assert (image[0, 0] > 200).all() and (image[2, 0] < 60).all() and (image[2, -1] > 200).all()


@pytest.mark.parametrize("number", [0, 9, 4711])
def test_an_orientation_that_does_not_exist_is_upright(tmp_path: Path, number: int) -> None:
    path = oriented(tmp_path / "a.png", number)
    assert np.array_equal(read_image(path, 64, 3).transpose(1, 2, 0), UPRIGHT)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0junk", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff"]
)
def test_broken_exif_data_leave_the_image_as_it_is(tmp_path: Path, exif: bytes) -> None:
    Image.fromarray(UPRIGHT).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "a.png", 64, 3).transpose(1, 2, 0), UPRIGHT)


def test_a_data_set_is_turned_too_and_the_square_is_cut_from_the_turned_image(tmp_path: Path) -> None:
    wide = np.concatenate([UPRIGHT, np.zeros((64, 64, 3), np.uint8)], axis=1)
    for i in range(3):
        oriented(tmp_path / f"{i}.jpg", 6, np.rot90(wide, 1))
    x, _ = load("folder", "all", root=tmp_path, image_size=64).fetch(torch.arange(3))
    assert np.abs((x[0].numpy() + 1) * 127.5 - wide[:, 32:96].transpose(2, 0, 1)).mean() < 8


# -- colours ----------------------------------------------------------------------------------------------------------


def profile_of_swapped_primaries() -> bytes:
    """An ICC profile (matrix and gamma 2.2) in which the first channel is blue and the third red."""
    red, green, blue = (0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    text = b"swapped\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)
    tags = {
        b"desc": description,
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        **{b"rXYZ": xyz(blue), b"gXYZ": xyz(green), b"bXYZ": xyz(red)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content
    body = struct.pack(">I", len(tags)) + table + data
    header = struct.pack(">I4sI4s4s4s", 128 + len(body), b"lcms", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header += (
        bytes(12) + b"acsp" + bytes(28) + b"".join(struct.pack(">i", round(v * 65536)) for v in (0.9642, 1, 0.8249))
    )
    return header.ljust(128, b"\0") + body


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_colours_are_those_of_the_profile(tmp_path: Path, suffix: str) -> None:
    path, options = tmp_path / f"a.{suffix}", {"quality": 100} if suffix == "jpg" else {}
    red = np.full((16, 16, 3), [250, 10, 10], np.uint8)
    Image.fromarray(red).save(path, icc_profile=profile_of_swapped_primaries(), **options)
    r, _, b = read_image(path, 16, 3)[:, 8, 8].astype(int)
    assert b > 230 and r < 40  # its first channel is blue
    assert "colour profile" in look_at(path, path.read_bytes()).notes


def test_transparency_and_a_profile_together(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[:8] = [255, 0, 0, 255]
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=profile_of_swapped_primaries())
    image = read_image(tmp_path / "a.png", 16, 3).astype(int)
    assert image[2, 2, 2] > 240 > 30 > image[0, 2, 2] and (image[:, 12, 2] > 250).all()


def test_an_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png", icc_profile=profile)
    assert np.array_equal(read_image(tmp_path / "a.png", 16, 3).transpose(1, 2, 0), noise)


def test_a_profile_that_cannot_be_read_is_told_and_the_image_shown_as_viewers_do(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(UPRIGHT).save(path, icc_profile=b"nonsense")
    assert np.array_equal(read_image(path, 64, 3).transpose(1, 2, 0), UPRIGHT)
    assert "cannot be read" in look_at(path, path.read_bytes()).notes[0]


def test_the_gamma_of_a_png_is_applied(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngImageFile, PngInfo

    path, grey = tmp_path / "a.png", Image.new("L", (8, 8), 128)
    info = PngInfo()
    info.add(b"gAMA", struct.pack(">I", 100_000))  # linear light: seen much brighter
    grey.save(path, pnginfo=info)
    assert isinstance(Image.open(path), PngImageFile) and Image.open(path).info["gamma"] == 1.0
    assert read_image(path, 8, 1)[0, 0, 0] == round(255 * (128 / 255) ** (1 / 2.2))


def test_a_look_gives_the_size_as_seen(tmp_path: Path) -> None:
    path = oriented(tmp_path / "a.jpg", 8, UPRIGHT[:40])
    seen = look_at(path, path.read_bytes())
    assert (seen.width, seen.height, seen.notes) == (40, 64, ("turned as EXIF says",))
    buffer = BytesIO()
    Image.fromarray(UPRIGHT).save(buffer, "PNG")
    assert look_at(path, buffer.getvalue()).notes == ()
