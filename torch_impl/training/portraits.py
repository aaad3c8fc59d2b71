"""Pictures of a trained model, for its report: reconstructions, interpolations, the map of its latents, guidance."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from torch_impl.training.pictures import new_figure, save_figure, save_images, scatter
from torch_impl.training.system import Batch, System
from torch_impl.training.systems.ddpm import DiffusionSystem
from torch_impl.training.systems.latent import LatentSystem
from torch_impl.training.systems.mixture import MixtureSystem
from torch_impl.training.systems.onestep import OneStepSystem
from torch_impl.training.systems.vae import VAESystem
from torch_impl.training.systems.vqvae import VQVAESystem

__all__ = ["latent_map", "write_portraits"]

MAPPED_FROM = 10
"""t-SNE makes a map of no fewer points than this."""


@torch.no_grad()
def write_portraits(
    system: System,
    held_out: Batch | None,
    folder: Path,
    *,
    classes: Sequence[str] | None = None,
    seed: int = 0,
    told: Callable[[str, int, int], None] = lambda name, done, of: None,
) -> list[Path]:
    """Write the pictures that make sense for a system; returns their paths.

    Args:
        held_out: real examples the model has not seen; None for endless mixtures.
        classes: names of the labels.
        told: told which picture is made and, where that takes steps, how many are done of how many.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = next(system.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    written: list[Path] = []

    def images(name: str, pictures: Tensor, columns: int) -> None:
        told(name, 1, 1)
        written.append(folder / f"{name}.png")
        save_images(written[-1], pictures, columns)

    x = None if held_out is None else held_out.x.to(device)
    if isinstance(system, VAESystem) and x is not None:
        images("samples", system.sample(80, generator), 10)
        images("reconstructions", _pairs(x[:40], system.model.reconstruct(x[:40])), 10)
        if len(x) > 1:
            images("interpolations", system.interpolate(x[:16], steps=10), 10)
        if held_out is not None and held_out.y is not None:
            mean = system.model.encode(x)[0].flatten(1)
            if mean.shape[1] <= 2 or len(mean) >= MAPPED_FROM:
                told("latent map", 0, 1)
                written.append(folder / "latent-map.png")
                latent_map(written[-1], mean, held_out.y, classes)
    elif isinstance(system, OneStepSystem) and x is not None:
        noise = torch.randn(x[:20].shape, generator=generator, device=device)
        x_1, x_0 = system.reconstruct(x[:20], noise)
        images("denoising", torch.cat([x[:20], x_1.clamp(-1, 1), x_0.clamp(-1, 1)]), 20)
        images("samples-normal", system.sample(80, generator, "normal"), 10)
        images("samples-matched", system.sample(80, generator, "matched"), 10)
    elif isinstance(system, VQVAESystem) and x is not None:
        images("reconstructions", _pairs(x[:40], system.model(x[:40]).reconstruction.clamp(-1, 1)), 10)
        images("samples", system.sample(80, generator, labels=system.sample_labels(80)), 10)
    elif isinstance(system, MixtureSystem):
        steps: list[Tensor] = []
        points = system.sample(2000, generator, callback=lambda _, x_t: steps.append(x_t[:24].clone()))
        written.append(folder / "samples.png")
        scatter(
            written[-1], points, system.oracle.sample(2000, torch.Generator().manual_seed(seed)), torch.stack(steps)
        )
    elif isinstance(system, DiffusionSystem):
        if isinstance(system, LatentSystem) and x is not None:
            images("reconstructions", _pairs(x[:40], system.reconstruct(x[:40])), 10)
        steps_of = min(system.diffusion.T, 50)
        for guidance in _guidances(system):
            name = f"samples-guidance-{guidance:g}" if system.config.conditional else "samples"
            drawn = system.sample(
                80,
                torch.Generator(device).manual_seed(seed),
                labels=system.sample_labels(80),
                guidance=guidance,
                callback=_counted(name, steps_of, told),
            )
            images(name, drawn, 10)
    return written


def _counted(name: str, of: int, told: Callable[[str, int, int], None]) -> Callable[[int, Tensor], None]:
    """A sampler's callback that tells how many steps of a picture are done."""
    told(name, 0, of)
    done = itertools.count(1)
    return lambda time, x: told(name, next(done), of)


def _guidances(system: DiffusionSystem) -> tuple[float, ...]:
    """The weights of guidance to show: none but 1 for a model that never had the class hidden."""
    return (1.0, 2.0) if system.config.conditional and 0 < system.config.label_drop < 1 else (1.0,)


def _pairs(real: Tensor, decoded: Tensor, columns: int = 10) -> Tensor:
    """Rows of real images, each above the row of what was decoded from them."""
    rows = [torch.cat(row) for row in zip(torch.split(real, columns), torch.split(decoded, columns), strict=True)]
    return torch.cat(rows)


def latent_map(path: Path, latents: Tensor, labels: Tensor, classes: Sequence[str] | None = None) -> None:
    """Latents (n, dim) in the plane, coloured by label.

    As they are in two dimensions, by t-SNE in more (of ten points or more), and in one above each other by label.
    """
    points = latents.cpu().numpy().astype(np.float64)
    title = "latent means"
    if points.shape[1] == 1:
        points = np.column_stack([points, labels.cpu().numpy()])
        title = "latent means, one row for each label"
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
