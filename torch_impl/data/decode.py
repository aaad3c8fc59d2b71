"""An image file as a person sees it: turned as its EXIF data say, in sRGB, on white where transparent, 8 bits.

Metadata that change what is seen are applied wherever an image is read: the eight orientations of EXIF (JPEG, PNG,
WebP, TIFF), embedded ICC profiles, the gamma of a PNG.
"""

from __future__ import annotations

import io
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from torch_impl.data.dataset import BadData
from torch_impl.files import UnusableFile, refuse_swollen_image

__all__ = ["ImageLook", "look_at", "read_image"]

_UNREADABLE = (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
_SRGB_GAMMA = 1 / 2.2
warnings.filterwarnings("ignore", "Corrupt EXIF data", UserWarning)  # of which the orientation alone is wanted


class ImageLook(NamedTuple):
    """What a look at a file found: width and height as a person sees them, and what had to be done for that."""

    width: int
    height: int
    notes: tuple[str, ...]


def read_image(path: Path, image_size: int, channels: int, crop: int | None = None) -> np.ndarray:
    """The central square of an image file, scaled to (channels, image_size, image_size), uint8.

    `crop` is the side of that square before scaling; by default the shorter side of the image.  The image is turned
    as its EXIF orientation says and brought to sRGB from the ICC profile it has (one that cannot be read is passed
    over, as viewers do).  What is transparent is laid on white; grey levels of 16 bits become the nearest of 8.

    Raises:
        BadData: naming the file, if it cannot be decoded, or has pixels of another kind.
    """
    try:
        with Image.open(path) as image:
            _refuse_swollen(image, path, path.stat().st_size)
            pixels = _upright(image, path).convert("L" if channels == 1 else "RGB")
    except BadData:
        raise
    except _UNREADABLE as error:
        raise _undecodable(path, error) from error
    side = min(*pixels.size, crop or max(pixels.size))
    left, top = (pixels.width - side) // 2, (pixels.height - side) // 2
    small = pixels.resize(
        (image_size, image_size), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side), reducing_gap=3.0
    )
    return np.atleast_3d(np.asarray(small)).transpose(2, 0, 1)


def look_at(path: Path, content: bytes) -> ImageLook:
    """Decode a file once to find out whether `read_image` can, at the least cost; its size and what it needs.

    Raises:
        BadData: as `read_image`.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            _refuse_swollen(image, path, len(content))
            full, notes = image.size, []
            if _orientation(image) > 1:
                notes.append("turned as EXIF says")
            if image.info.get("icc_profile"):
                readable = _profile(image.info["icc_profile"]) is not None
                notes.append("colour profile" if readable else "colour profile that cannot be read, taken as sRGB")
            _refuse_unknown_white(image, path)
            drafted = image.draft(None, (max(1, full[0] // 8), max(1, full[1] // 8)))  # of a JPEG, an eighth of it
            image.load()
            width, height = full if drafted else image.size
            if _orientation(image) >= 5:
                width, height = height, width
    except BadData:
        raise
    except _UNREADABLE as error:
        raise _undecodable(path, error) from error
    return ImageLook(width, height, tuple(notes))


def _refuse_swollen(image: Image.Image, path: Path, size: int) -> None:
    try:
        refuse_swollen_image(path, image.width, image.height, size)
    except UnusableFile as error:
        raise BadData(f"{path} is no image that can be: {error.what}; repair or remove it") from None


def _undecodable(path: Path, error: BaseException) -> BadData:
    what = " ".join(str(error).split())
    if "BytesIO" in what or not what:
        what = "it is empty" if path.is_file() and path.stat().st_size == 0 else "no known image format"
    return BadData(f"{path} cannot be decoded as an image ({what}); repair or remove it")


# -- what metadata say ------------------------------------------------------------------------------------------------


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) to 8; data that cannot be read, or another number, count as upright."""
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # Pillow lets many kinds of errors out of EXIF data that are broken; viewers show such images
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _upright(image: Image.Image, path: Path) -> Image.Image:
    """The image as a person sees it, 8 bits a channel, without transparency."""
    image.load()  # of a TIFF Pillow then turns the pixels itself, and takes the orientation away
    turned = _orientation(image)
    profile, gamma = image.info.get("icc_profile"), image.info.get("gamma")
    seen = _eight_bits(image, path)
    if profile:
        seen = _in_srgb(seen, profile)
    elif gamma and "srgb" not in image.info and abs(gamma - _SRGB_GAMMA) > 0.02 and seen.mode in ("L", "RGB"):
        curve = [round(255 * (level / 255) ** (_SRGB_GAMMA / gamma)) for level in range(256)]
        seen = seen.point(curve * len(seen.getbands()))
    return seen.transpose(_TURNS[turned]) if turned > 1 else seen


@lru_cache(maxsize=32)
def _profile(data: bytes) -> Any:
    """An ICC profile; None if it cannot be read."""
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(data))
    except (OSError, ValueError, ImageCms.PyCMSError):
        return None


@lru_cache(maxsize=32)
def _transform(data: bytes, mode: str) -> Any:
    """From a profile's colours, in pixels of a mode, to sRGB; None where nothing is to be done or can be."""
    profile = _profile(data)
    if profile is None or (mode == "RGB" and "srgb" in (profile.profile.profile_description or "").lower()):
        return None
    try:
        return ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")
    except ImageCms.PyCMSError:  # a profile of other colours than the pixels'
        return None


def _in_srgb(image: Image.Image, data: bytes) -> Image.Image:
    if image.mode not in ("L", "RGB", "CMYK", "LAB"):
        image = image.convert("RGB")
    transform = _transform(data, image.mode)
    return image if transform is None else ImageCms.applyTransform(image, transform) or image


# -- pixels -----------------------------------------------------------------------------------------------------------


def _refuse_unknown_white(image: Image.Image, path: Path) -> None:
    if image.mode == "F" or (image.mode == "I" and image.format not in ("PNG", "PPM")):
        kind = "32-bit integers" if image.mode == "I" else "floating-point numbers"
        raise BadData(
            f"{path} has pixels that are {kind}, whose white is unknown; convert it to 8 or 16 bits a channel"
        )


def _eight_bits(image: Image.Image, path: Path) -> Image.Image:
    """An image of 8 bits a channel without transparency, from any that says what its pixel values mean."""
    _refuse_unknown_white(image, path)
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.float64) * (255 / 65535)
        return Image.fromarray(np.rint(levels).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        colours = image.convert("RGBA")
        on_white = Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours)
        return on_white.convert("L" if image.mode in ("L", "LA", "La") else "RGB")
    return image if image.mode in ("L", "RGB", "CMYK", "LAB") else image.convert("RGB")
