"""Pictures of images, points and curves, as PNG files."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torch_impl.files import write_atomically

__all__ = ["image_grid", "png_bytes", "save_images", "scatter", "to_uint8"]


def to_uint8(images: Tensor) -> np.ndarray:
    """Images (n, channels, h, w) in [-1, 1] as uint8 (n, h, w, 3)."""
    pixels = ((images.detach().float().cpu().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    if pixels.shape[1] == 1:
        pixels = pixels.expand(-1, 3, -1, -1)
    return np.ascontiguousarray(pixels.permute(0, 2, 3, 1).numpy())


def image_grid(images: Tensor, columns: int | None = None, smallest: int = 32) -> np.ndarray:
    """Images side by side with one pixel between, uint8 (height, width, 3); small ones magnified in whole steps."""
    pixels = to_uint8(images)
    n, height, width, _ = pixels.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    scale = max(1, math.ceil(smallest / height))
    pixels = pixels.repeat(scale, axis=1).repeat(scale, axis=2)
    height, width = height * scale + 1, width * scale + 1
    grid = np.full((rows * height + 1, columns * width + 1, 3), 96, dtype=np.uint8)
    for i, image in enumerate(pixels):
        top, left = (i // columns) * height + 1, (i % columns) * width + 1
        grid[top : top + height - 1, left : left + width - 1] = image
    return grid


def png_bytes(pixels: np.ndarray) -> bytes:
    """A uint8 array (height, width, 3) as a PNG file's content; grey pictures are stored as grey."""
    from PIL import Image

    grey = bool((pixels[..., :1] == pixels).all())
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if grey else pixels).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def save_images(path: Path, images: Tensor, columns: int | None = None) -> None:
    """Write a grid of images in [-1, 1], whole or not at all."""
    write_atomically(path, png_bytes(image_grid(images, columns)))


def scatter(path: Path, points: Tensor, truth: Tensor, trajectories: Tensor | None = None) -> None:
    """Two clouds of 2-D points side by side, and a few trajectories (steps, n, 2) over the first."""
    figure, axes = new_figure(1, 2, width=8, height=4)
    reach = float(truth.abs().max()) * 1.15
    for axis, cloud, title in ((axes[0], points, "model"), (axes[1], truth, "truth")):
        axis.scatter(*cloud.double().cpu().numpy().T, s=2, alpha=0.5, color="#3355bb", linewidths=0)
        axis.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=title)
    if trajectories is not None:
        for path_of_one in trajectories.double().cpu().numpy().transpose(1, 0, 2):
            axes[0].plot(*path_of_one.T, color="#cc5533", linewidth=0.6, alpha=0.8)
    save_figure(figure, path)


def new_figure(rows: int = 1, columns: int = 1, *, width: float = 6, height: float = 4) -> tuple[Any, Any]:
    """A matplotlib figure that needs no display, and its axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns)


def save_figure(figure: Any, path: Path, dpi: int = 100) -> None:
    """Write a figure as PNG, whole or not at all."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    write_atomically(path, buffer.getvalue())
