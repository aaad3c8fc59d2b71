"""Draw samples from a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from threefold.commands._options import finite, seed_of_draws
from threefold.commands._samplers import SamplerChoice, SamplerCommand
from threefold.commands.train import weights_options

EPILOG = """
\b
Examples:
  threefold sample runs/digits-ddpm --out digits.png --n 100
  threefold sample runs/digits-ddpm --out sevens.png --label 7 --guidance 1.5 --sampler dpmpp_2m --steps 20
  threefold sample runs/digits-ddpm --out sevens.png --label 7 --guidance 2 --classifier runs/digits-classifier
  threefold sample runs/glyphs-caption --out a.png --caption "a small red letter A, turned left, on blue" --guidance 2
  threefold sample runs/digits-onestep --out onestep.png --prior normal
  threefold sample runs/cifar10-ddpm --out samples.npz --n 50000

Guidance W: 1 is the conditional model, 0 the unconditional one, above 1 sharpens.
"""


@click.command("sample", cls=SamplerCommand, epilog=EPILOG)
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="One picture (.png), arrays of images and labels (.npz), or a new folder for single pictures.",
)
@click.option("--n", type=int, default=64, show_default=True, help="How many samples.")
@click.option("--sampler", type=SamplerChoice(), metavar="S")
@click.option("--steps", type=int, metavar="K", help="Sampling steps. [default: 50, all for ddpm]")
@click.option(
    "--guidance", type=float, callback=finite, metavar="W", help="Weight of classifier-free guidance. [default: 1]"
)
@click.option(
    "--classifier",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="A classifier of noisy images that guides instead, with weight W.",
)
@click.option("--label", metavar="Y", help="Class by name or number, or several with commas. [default: all in turn]")
@click.option(
    "--caption",
    multiple=True,
    metavar="TEXT",
    help="What to draw, in words; given several times, each in turn. [default: captions of the training data]",
)
@click.option("--rerank", metavar="RUN", help="A dual encoder that keeps the best of several pictures of a caption.")
@click.option("--candidates", type=click.IntRange(min=2, max=1000), metavar="K", help="Of how many. [default: 8]")
@click.option("--clip/--no-clip", default=None, help="Clip the predicted image at every step. [default: for pixels]")
@click.option(
    "--prior", type=click.Choice(["normal", "matched"]), help="Start of the one-step model. [default: matched]"
)
@click.option("--columns", type=click.IntRange(min=1), help="Columns of the picture.")
@click.option("--seed", type=int, callback=seed_of_draws, default=0, show_default=True, help="Of every draw.")
@weights_options
def sample(**options: Any) -> None:
    """Draw samples from CHECKPOINT into a picture, a file of arrays, or single pictures.

    CHECKPOINT is a run's folder (its latest checkpoint), RUN/best (the one with the least held-out loss), or one of
    RUN/checkpoints.
    """
    from threefold.commands._sampling import SampleRequest, run_sampling

    run_sampling(SampleRequest(**options))
