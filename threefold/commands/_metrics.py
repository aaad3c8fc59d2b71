"""What the help of `evaluate` says of metrics, read from their rows; PyTorch is loaded only when it is asked for."""

from __future__ import annotations

import click

__all__ = ["MetricsCommand"]


class MetricsCommand(click.Command):
    """A command whose help lists the metrics; one that is added needs no word here."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from torch_impl.evaluation.registry import METRICS

        with formatter.section("Metrics, where they make sense for the model"):
            formatter.write_dl([(row.name, row.words) for row in METRICS])
        super().format_epilog(ctx, formatter)
