"""How often networks halve a side, and what stands at each level: chosen from the side of the images.

A side is halved as often as it is even, for a U-Net down to 16 pixels or fewer, and attention stands where at most 32
pixels are left.
"""

from __future__ import annotations

__all__ = ["halvings", "unet_levels", "vae_widths"]


def halvings(size: int, wanted: int) -> int:
    """How often a side is to be halved: as often as wanted, where it is even so often.

    Raises:
        ValueError: it is odd.
    """
    possible = (size & -size).bit_length() - 1 if size > 0 else 0
    if possible == 0:
        near = f"{size // 4 * 4} or {size // 4 * 4 + 4}" if size >= 4 else "8"
        raise ValueError(
            f"image_size is {size}, which the networks here cannot halve; choose --image-size {near} (a file of arrays "
            "is not scaled: crop or pad its images)"
        )
    return min(wanted, possible)


def unet_levels(size: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Widths of a U-Net's levels, and the sides at which it has attention, for images of a side."""
    if size < 32:
        levels = halvings(size, 2) + 1
        return (64, 128, 128)[:levels], (size >> (levels - 1),)
    wanted = 2
    while size >> wanted > 16 and wanted < 4:
        wanted += 1
    levels = halvings(size, wanted) + 1
    widths = {2: (128, 256), 3: (128, 256, 256), 4: (128, 128, 256, 256), 5: (128, 128, 256, 256, 512)}[levels]
    return widths, tuple(size >> level for level in range(1, levels) if size >> level <= 32)


def vae_widths(size: int, halved: bool) -> tuple[int, ...]:
    """Widths of the levels of a convolutional VAE; where it is not one, they need not fit the side."""
    wanted = 2 if size < 32 else 3 if size < 64 else 4 if size < 256 else 5
    return (32, 64, 128, 256, 256)[: halvings(size, wanted) if halved else wanted]
