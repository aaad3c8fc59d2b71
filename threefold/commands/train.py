"""Train a model from a preset: VAEs, diffusion, VQ-VAE, latent diffusion.

One preset, one command; everything else has a default that is known to work. Progress goes to the terminal;
checkpoints, metrics, sample grids and a report go to the output folder.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from threefold.commands._presets import FieldOption, PresetCommand

Command = TypeVar("Command", bound=Callable[..., Any] | click.Command)

EPILOG = """
and celeba64-vae. Your local files are given by --data PATH. `threefold train PRESET --help` shows the options of that
preset alone.

\b
Examples:
  threefold train digits-ddpm
  threefold train digits-ddpm --prediction v --seed 3 --out runs/v
  threefold train digits-vae --encoder cnn --likelihood gaussian --beta 4
  threefold train digits-onestep --alpha 0.1 --network cnn
  threefold train mixture-ddpm --data mixture:grid25
  threefold train folder-ddpm --data photos/ --image-size 64
  threefold train digits-ddpm --resume
  threefold train glyphs-ddpm --set widths=64,128 --set attention=16
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


def _field(*names: str, **options: Any) -> Callable[[Command], Command]:
    """An option that overrides a field of the preset; absent, the preset's own value stays."""
    return click.option(*names, default=None, cls=FieldOption, **options)


def weights_options(command: Command) -> Command:
    """The options of every command that reads a trained model."""
    for option in reversed(_WEIGHTS):
        command = option(command)
    return command


@click.command("train", cls=PresetCommand, epilog=EPILOG)
@click.argument("preset", required=False)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Begin with what a TOML or JSON file says, such as the config.toml of a run; other options go first.",
)
@click.option("--data", metavar="D", help="Folder or file with your data; or a law, such as mixture:grid25.")
@click.option("--out", type=click.Path(path_type=Path), help="Output folder, outside the data. [default: runs/PRESET]")
@click.option("--resume", is_flag=True, help="Go on from the latest checkpoint of the output folder, as begun.")
@click.option(
    "--resume-from",
    type=click.Path(path_type=Path),
    metavar="CHECKPOINT",
    help="Go on from this one; later ones are moved aside.",
)
@click.option("--skip-bad", is_flag=True, help="Go on without images that cannot be decoded; their names are kept.")
@click.option("--accept-changed-data", is_flag=True, help="Resume although files were added, removed or changed.")
@_field("--steps", type=int, help="Optimizer steps.")
@_field("--batch-size", type=int, help="Examples per step, over all processes.")
@_field("--accumulate", type=int, help="Micro-batches per step.")
@_field("--lr", type=float, help="Peak learning rate.")
@_field("--warmup", type=int, help="Steps of linear warm-up.")
@_field("--lr-shape", type=click.Choice(["constant", "cosine"]), help="Learning rate after the warm-up.")
@click.option("--lr-restart", is_flag=True, help="On --resume: warm up anew from the rate as it is, without a jump.")
@_field("--weight-decay", type=float, help="AdamW's weight decay.")
@_field("--clip", type=float, help="Largest gradient norm.")
@_field("--ema", type=click.Choice(["none", "constant", "warmup", "power"]), help="Moving average of the weights.")
@_field("--ema-decay", type=float, help="Its decay.")
@_field("--seed", type=int, help="Seed of weights, data order and every draw.")
@_field("--encoder", type=click.Choice(["mlp", "cnn"]), help="Encoder and decoder of a VAE.")
@_field("--likelihood", type=click.Choice(["bernoulli", "gaussian"]), help="Decoder of a VAE.")
@_field("--beta", type=float, help="Weight of the KL of a VAE.")
@_field("--latent-dim", type=int, help="Latent entries of a VAE; latent channels of latent diffusion.")
@_field("--alpha", type=float, help="Signal power of the one-step model, in (0, 1).")
@_field("--network", type=click.Choice(["cnn", "unet", "dit"]), help="Network of a diffusion or one-step model.")
@_field("--prediction", type=click.Choice(["eps", "x0", "v", "score"]), help="What a diffusion network predicts.")
@_field("--weighting", type=click.Choice(["simple", "vlb", "min_snr", "hybrid"]), help="Weight of its errors over t.")
@_field("--variance", type=click.Choice(["posterior", "beta", "learned"]), help="Variance of its reverse steps.")
@_field("--schedule", type=click.Choice(["linear", "scaled_linear", "cosine", "sigmoid"]), help="Noise schedule.")
@_field("--timesteps", type=int, help="Length T of the chain.")
@_field("--zero-terminal-snr/--no-zero-terminal-snr", help="Rescale the schedule so that x_T is pure noise.")
@_field("--conditional/--unconditional", help="Tell the model the class, or not.")
@_field("--label-drop", type=float, help="Probability of hiding the class, for guidance.")
@_field("--codebook", type=click.Choice(["ema", "gradient"]), help="How a VQ codebook learns.")
@_field("--codes", type=int, help="Codewords of a VQ codebook.")
@_field("--image-size", type=int, help="Side of the images, where the data can be had in several.")
@_field("--label", help="Attribute that serves as class (celeba64-vae), such as Smiling.")
@click.option(
    "--compressor", cls=FieldOption, type=click.Path(path_type=Path), help="Trained compressor of a latent preset."
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@_field("--precision", type=click.Choice(["auto", "fp32", "bf16"]), help="auto: bf16 autocast on CUDA, fp32 elsewhere.")
@_field("--compile", type=click.Choice(["auto", "on", "off"]), help="torch.compile; auto: on CUDA.")
@_field("--channels-last", type=click.Choice(["auto", "on", "off"]), help="Memory layout of the weights.")
@_field("--deterministic/--fast", help="Only algorithms that repeat bit for bit (exact resume on a GPU).")
@_field("--parallel", type=click.Choice(["ddp", "fsdp"]), help="With torchrun: replicate, or shard the weights.")
@_field("--on-nonfinite", "nonfinite", type=click.Choice(["stop", "skip"]), help="What to do at NaN or infinity.")
@_field("--log-every", type=int, help="Steps between reads of the metrics.")
@_field("--validate-every", type=int, help="Steps between validation losses; 0: never.")
@_field("--sample-every", "preview_every", type=int, help="Steps between sample grids; 0: never.")
@_field("--checkpoint-every", type=int, help="Steps between checkpoints; 0: only at the end.")
@_field("--keep-last", type=int, help="Checkpoints to keep besides the best.")
@click.option("--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Any other field of the preset.")
@click.option(
    "--pictures/--no-pictures", default=True, help="Portraits and report after the last step. [default: pictures]"
)
@click.option("--tensorboard", is_flag=True, help="Write the metrics for TensorBoard too, into OUT/tensorboard.")
@click.option("--dry-run", is_flag=True, help="Check everything, print the configuration (JSON), train nothing.")
def train(preset: str | None, out: Path | None, resume: bool, resume_from: Path | None, **options: Any) -> None:
    """Train PRESET and write checkpoints, metrics, sample grids and a report."""
    click.echo(f"threefold: {preset or 'training'} begins", err=True)  # loading what trains takes a while by itself
    from threefold.commands._training import TrainRequest, run_training

    own = (
        *("config", "data", "skip_bad", "accept_changed_data", "lr_restart"),
        *("compressor", "device", "pictures", "tensorboard", "settings", "dry_run"),
    )
    request = TrainRequest(
        preset=preset,
        out=out,
        resume=resume or resume_from is not None,
        resume_from=resume_from,
        changes={name: value for name, value in options.items() if name not in own and value is not None},
        **{name: options[name] for name in own},
    )
    run_training(request)
