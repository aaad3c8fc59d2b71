"""The numbers behind the widgets, computed by `reference`: a script on a page only looks them up."""

from __future__ import annotations

import base64
import csv
import io
import itertools
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from reference.chain import posterior_between
from reference.mixtures import GaussianMixture
from reference.ode import flow
from reference.schedules import alpha_bars, linear_betas

T = 1000
SEED = 7
Array = NDArray[np.float64]


@cache
def schedule() -> tuple[Array, Array]:
    """betas (T,) and abar (T + 1,) of the standard linear schedule."""
    betas = np.array([float(beta) for beta in linear_betas(T)])
    return betas, np.asarray(alpha_bars(betas))


# --- a digit under noise ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Level:
    """One row: `pixels` are 64 grey levels as hexadecimal pairs, [-1, 1] clipped and mapped to 0..255."""

    t: int
    abar: float
    signal: float
    noise: float
    snr: str
    pixels: str


def digit() -> Array:
    """A handwritten 3 of the included set, 8x8, in [-1, 1]."""
    text = (files("torch_impl.data") / "digits.csv").read_text(encoding="utf-8")
    row = next(row for row in csv.DictReader(io.StringIO(text)) if row["label"] == "3")
    return np.array([int(pixel, 17) for pixel in row["pixels"]]) / 8.0 - 1.0


def noised_digit() -> list[Level]:
    image, noise = digit(), np.random.default_rng(SEED).standard_normal(64)
    _, abar = schedule()
    levels = []
    for t in range(0, T + 1, 50):
        signal, spread = float(np.sqrt(abar[t])), float(np.sqrt(1.0 - abar[t]))
        grey = np.clip((signal * image + spread * noise + 1.0) * 127.5, 0, 255).astype(int)
        snr = f"{abar[t] / (1.0 - abar[t]):.3g}" if t else "∞"
        levels.append(Level(t, float(abar[t]), signal, spread, snr, "".join(f"{value:02x}" for value in grey)))
    return levels


# --- paths of samplers ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Paths:
    """`times` decrease; each sampler has a name, a label and its paths, one list of states for each start."""

    times: tuple[int, ...]
    samplers: tuple[tuple[str, str, list[list[float]]], ...]
    density: str


def sampler_paths(span: float) -> Paths:
    """Ancestral sampling, deterministic DDIM and the probability-flow ODE, from the same starts."""
    law = GaussianMixture.of([0.35, 0.65], [[-1.6], [1.1]], [[[0.03]], [[0.08]]])
    betas, abar = schedule()
    times = tuple(range(T, -1, -25))
    starts = np.array([[-1.9], [-1.1], [-0.55], [-0.2], [0.3], [0.9], [1.7]])
    rng = np.random.default_rng(SEED)
    ancestral, implicit, exact = [starts], [starts], [starts]
    for t, s in itertools.pairwise(times):
        mean, variance = posterior_between(law.denoiser(ancestral[-1], abar[t]), ancestral[-1], s, t, betas)
        ancestral.append(np.asarray(mean) + np.sqrt(variance) * rng.standard_normal(starts.shape))
        clean, noise = law.denoiser(implicit[-1], abar[t]), law.predicted_noise(implicit[-1], abar[t])
        implicit.append(np.sqrt(abar[s]) * clean + np.sqrt(1.0 - abar[s]) * noise)
        exact.append(flow(law, exact[-1], float(abar[t]), float(abar[s])))
    samplers = (
        ("ddpm", "DDPM, with noise", _lines(ancestral)),
        ("ddim", "DDIM, without", _lines(implicit)),
        ("ode", "the ODE, solved exactly", _lines(exact)),
    )
    return Paths(times, samplers, _density(law, abar, times, span))


def _lines(states: list[Array]) -> list[list[float]]:
    return [[float(x) for x in line] for line in np.concatenate(states, axis=1)]


def _density(law: GaussianMixture, abar: Array, times: tuple[int, ...], span: float) -> str:
    """The densities at all times as a picture, one column a time, each scaled to its own maximum; a data address."""
    from PIL import Image

    grid = np.linspace(span, -span, 121)[:, None]
    columns = [np.exp(law.log_prob(grid, float(abar[t]))) for t in times]
    shade = np.stack([column / column.max() for column in columns], axis=1)
    alpha = (shade * 150).astype(np.uint8)
    grey = np.full_like(alpha, 90)
    picture = Image.fromarray(np.stack([grey // 3, grey + 40, grey + 50, alpha], axis=2), "RGBA")
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
