"""The album of a report: where a system puts its pictures, told of each while it is made."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from torch_impl.pictures.images import new_figure, save_figure, save_images

__all__ = ["Album", "latent_map"]

MAPPED_FROM = 10
"""t-SNE makes a map of no fewer points than this."""


class Album:
    """Pictures in a folder.

    Attributes:
        seed: of everything drawn for it.
        classes: names of the labels.
        written: the pictures so far.
    """

    def __init__(
        self,
        folder: Path,
        device: torch.device,
        seed: int = 0,
        classes: Sequence[str] | None = None,
        told: Callable[[str, int, int], None] = lambda name, done, of: None,
    ) -> None:
        self.folder, self.device, self.seed, self.classes = folder, device, seed, classes
        self.written: list[Path] = []
        self._told = told

    def generator(self) -> torch.Generator:
        """A generator at the seed."""
        return torch.Generator(self.device).manual_seed(self.seed)

    def counted(self, name: str, of: int) -> Callable[[int, Tensor], None]:
        """A sampler's callback that tells how many steps of a picture are done."""
        self._told(name, 0, of)
        done = itertools.count(1)
        return lambda time, x: self._told(name, next(done), of)

    def images(self, name: str, images: Tensor, columns: int = 10) -> None:
        """Images (n, c, h, w) in [-1, 1] as a grid."""
        self._told(name, 1, 1)
        self.draw(name, lambda path: save_images(path, images, columns))

    def pairs(self, name: str, real: Tensor, decoded: Tensor, columns: int = 10) -> None:
        """Rows of real images, each above the row of what was decoded from them."""
        rows = zip(torch.split(real, columns), torch.split(decoded, columns), strict=True)
        self.images(name, torch.cat([torch.cat(row) for row in rows]), columns)

    def latent_map(self, name: str, latents: Tensor, labels: Tensor) -> None:
        """`latent_map` of latents (n, dim), where there are enough of them for one."""
        if latents.shape[1] <= 2 or len(latents) >= MAPPED_FROM:
            self._told(name.replace("-", " "), 0, 1)
            self.draw(name, lambda path: latent_map(path, latents, labels, self.classes))

    def draw(self, name: str, write: Callable[[Path], None]) -> None:
        """Any picture, by whoever writes it to a path."""
        self.written.append(self.folder / f"{name}.png")
        write(self.written[-1])


def latent_map(path: Path, latents: Tensor, labels: Tensor, classes: Sequence[str] | None = None) -> None:
    """Latents (n, dim) in the plane, coloured by label.

    As they are in two dimensions, by t-SNE in more (of ten points or more), and in one above each other by label.
    """
    points = latents.cpu().numpy().astype(np.float64)
    title = "latent means"
    if points.shape[1] == 1:
        points = np.column_stack([points, labels.cpu().numpy()])
        title = "latent means, one row for each label"
    elif points.shape[1] > 2 and not points.std(0).any():
        points, title = points[:, :2], f"{points.shape[1]} latent means, all in one place"
    elif points.shape[1] > 2:
        from sklearn.manifold import TSNE

        perplexity = min(30.0, (len(points) - 1) / 3)
        points = TSNE(2, perplexity=perplexity, init="pca", random_state=0).fit_transform(points)
        title = f"t-SNE of {latents.shape[1]} latent means"
    figure, axis = new_figure(width=5.5, height=4.5)
    names = list(classes) if classes is not None else [str(i) for i in range(int(labels.max()) + 1)]
    colours = axis.scatter(
        points[:, 0], points[:, 1], c=labels.cpu().numpy(), cmap="tab10" if len(names) <= 10 else "turbo", s=10
    )
    if len(names) <= 12:
        handles, _ = colours.legend_elements(num=None)
        shown = [names[int(i)] for i in sorted(set(labels.tolist()))]
        axis.legend(handles, shown, frameon=False, fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    axis.set(title=title, xticks=[], yticks=[])
    save_figure(figure, path)
