"""Train a model from a preset: VAEs, diffusion, VQ-VAE, latent diffusion.

One preset, one command; everything else has a default that is known to work. Progress goes to the terminal;
checkpoints, metrics, sample grids and a report go to the output folder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from threefold.commands._presets import TrainGroup

Command = TypeVar("Command", bound=Callable[..., Any] | click.Command)

EPILOG = """
`threefold train PRESET --help` shows the options of a preset: those of its model, its training and its data.
Your local files are given by --data PATH.

\b
Examples:
  threefold train digits-ddpm
  threefold train digits-ddpm --prediction v --seed 3 --out runs/v
  threefold train digits-vae --encoder cnn --likelihood gaussian --beta 4
  threefold train digits-onestep --alpha 0.1 --network cnn
  threefold train mixture-ddpm --data mixture:grid25
  threefold train folder-ddpm --data photos/ --image-size 64
  threefold train digits-ddpm --resume
  threefold train glyphs-ddpm --widths 64,128 --attention 16
  threefold train folder-ddpm --data photos/ --dry-run > run.json
  threefold train --config run.json --seed 1 --out runs/again
  torchrun --nproc-per-node 8 -m threefold train cifar10-ddpm --data cifar/

Stopped by SIGINT, SIGTERM, SIGHUP or SIGUSR1, a run writes a checkpoint first; --resume goes on from
there exactly, with the options that the run was begun with. What other options change is printed.
"""


_WEIGHTS = (
    click.option(
        "--weights", type=click.Choice(["ema", "raw"]), default="ema", show_default=True, help="Which weights."
    ),
    click.option(
        "--ema-width", type=float, metavar="SIGMA", help="Width of an average to reconstruct (--ema power runs)."
    ),
    click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps."),
)


def weights_options(command: Command) -> Command:
    """The options of every command that reads a trained model."""
    for option in reversed(_WEIGHTS):
        command = option(command)
    return command


train = TrainGroup(
    "train", help="Train PRESET and write checkpoints, metrics, sample grids and a report.", epilog=EPILOG
)
