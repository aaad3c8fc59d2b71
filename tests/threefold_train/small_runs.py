"""Small models and short runs through the command line in this process, for the tests of the training commands."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from threefold.cli import cli
from torch_impl.runs.presets import preset
from torch_impl.training import read_metrics


def run(*arguments: object, expect: int = 0) -> Result:
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == expect, result.output
    return result


SMALL = {
    "mlp vae": ("--set", "hidden=16"),
    "cnn vae": ("--set", "widths=8", "--set", "blocks=0"),
    "onestep": ("--set", "widths=8,8"),
    "ddpm": ("--set", "widths=8,8", "--set", "blocks=1", "--set", "attention=", "--timesteps", 8),
    "vqvae": ("--set", "widths=8", "--set", "prior_width=8", "--set", "prior_depth=1", "--set", "prior_heads=2"),
    "latent": (
        *("--set", "widths=8,8", "--set", "blocks=1", "--set", "attention=", "--timesteps", 8),
        *("--set", "compressor_widths=8", "--set", "compressor_steps=2", "--set", "compressor_blocks=0"),
    ),
}
SHORT = (
    "--steps",
    2,
    "--warmup",
    0,
    "--batch-size",
    8,
    "--log-every",
    1,
    "--checkpoint-every",
    1,
    "--validate-every",
    2,
)


def trained(name: str, out: Path, *options: object) -> Path:
    kind = name.partition("-")[2]
    if kind == "vae":
        given = next((o for o in options if o in ("mlp", "cnn")), preset(name).system.encoder)
        kind = f"{given} vae"
    small = () if name == "mixture-ddpm" else SMALL.get(kind, ())
    run("train", name, "--out", out, *SHORT, *small, *options)
    return out


def losses(out: Path) -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in read_metrics(out / "metrics.jsonl")]
