"""Measure a trained model: likelihood in nats and bits, sample quality."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from threefold.commands._metrics import MetricsCommand
from threefold.commands._options import finite, seed_of_draws
from threefold.commands._samplers import SamplerChoice
from threefold.commands.train import weights_options

EPILOG = """
\b
Examples:
  threefold evaluate runs/digits-ddpm
  threefold evaluate runs/digits-ddpm --metric classifier,copies --guidance 1.5 --n 1000
  threefold evaluate runs/digits-vae --metric elbo --json elbo.json
"""


@click.command("evaluate", cls=MetricsCommand, epilog=EPILOG)
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--metric", "metrics", metavar="M,...", help="Which metrics. [default: all that make sense]")
@click.option("--n", "samples", type=click.IntRange(min=1), help="Samples to judge. [default: 1000]")
@click.option("--examples", type=click.IntRange(min=1), help="Held-out examples to use. [default: 500]")
@click.option("--sampler", type=SamplerChoice(), metavar="S", help="How samples are drawn. [default: ddim]")
@click.option("--steps", type=click.IntRange(min=1), metavar="K", help="Sampling steps. [default: 50, all for ddpm]")
@click.option(
    "--guidance", type=float, callback=finite, metavar="W", help="Weight of classifier-free guidance. [default: 1]"
)
@click.option("--classifier", metavar="RUN", help="A classifier of noisy images that guides instead, with weight W.")
@click.option("--rerank", metavar="RUN", help="A dual encoder that keeps the best of 8 pictures of a caption.")
@click.option(
    "--iw-samples",
    type=click.IntRange(min=1),
    help="Samples of the importance-weighted bound. [default: 500; 50 for large images on a CPU]",
)
@click.option("--data", metavar="D", help="Where local data are. [default: where the run had them]")
@click.option(
    "--inception",
    metavar="FILE",
    help="Weights of the FID's Inception network (pt_inception-2015-12-05-6726825d.pth); nothing is downloaded.",
)
@click.option("--json", "json_path", metavar="FILE", help="Write the figures as JSON too; - for standard output only.")
@click.option("--seed", type=int, callback=seed_of_draws, help="Seed of every draw. [default: 0]")
@weights_options
def evaluate(
    checkpoint: Path,
    metrics: str | None,
    data: str | None,
    json_path: str | None,
    weights: str,
    ema_width: float | None,
    device: str,
    **settings: Any,
) -> None:
    """Measure the model of CHECKPOINT on held-out data.

    CHECKPOINT is a run's folder (its latest checkpoint), RUN/best (the one with the least held-out loss), or one of
    RUN/checkpoints. Where a metric cannot be computed, the others are, and the reason stands at the end.
    """
    from threefold.commands._evaluation import EvaluateRequest, run_evaluation

    run_evaluation(EvaluateRequest(checkpoint, metrics, data, json_path, weights, ema_width, device, settings))
