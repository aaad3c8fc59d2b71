"""Write a trained model for other programs."""

from __future__ import annotations

from pathlib import Path

import click

EPILOG = """
\b
Examples:
  threefold export runs/digits-ddpm --out digits
  threefold export runs/cifar10-ddpm --to diffusers --out cifar10-unet
  threefold export runs/digits-vae --to program --out digits-vae

plain: model.safetensors and config.json. program: files of torch.export that run without Threefold. diffusers: a
folder that UNet2DModel loads, with the scheduler of a diffusion model. Each with a model card.
"""


@click.command("export", epilog=EPILOG)
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="The folder to make.")
@click.option(
    "--to",
    "form",
    type=click.Choice(["plain", "program", "diffusers"]),
    default="plain",
    show_default=True,
    help="What for.",
)
@click.option(
    "--weights", type=click.Choice(["ema", "raw"]), default="ema", show_default=True, help="Moving average, or raw."
)
@click.option("--ema-width", type=float, metavar="W", help="Width of a power-function average (--ema power runs).")
def export(checkpoint: Path, out: Path, form: str, weights: str, ema_width: float | None) -> None:
    """Write the model of CHECKPOINT into a folder for other programs.

    CHECKPOINT is a run's folder (its latest checkpoint), RUN/best, or one of RUN/checkpoints.
    """
    from threefold.commands._endings import unusable_input
    from torch_impl.export import export_model
    from torch_impl.runs.load import load_model

    with unusable_input():
        model = load_model(checkpoint, weights=weights, ema_width=ema_width)
        for path in export_model(model, out, form):  # type: ignore[arg-type]  # one of the choices above
            click.echo(path, err=True)
