"""What a trained model is worth: likelihoods and figures of sample quality, each with its uncertainty.

A metric is a function from a model to figures; each module here ends in its rows (`Metric`), and `metrics_for` says
which make sense for a system.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch_impl.evaluation.context import Evaluation, Settings, draw_samples, takes
from torch_impl.evaluation.figure import Figure, mean_figure
from torch_impl.evaluation.metric import Metric
from torch_impl.evaluation.registry import METRICS, metric
from torch_impl.runs.open import Model
from torch_impl.training.system import System

__all__ = [
    "METRICS",
    "Evaluation",
    "Figure",
    "Metric",
    "Settings",
    "check_metrics",
    "draw_samples",
    "evaluate",
    "mean_figure",
    "metrics_for",
    "takes",
]


def metrics_for(system: System) -> list[str]:
    """Names of the metrics that make sense for a system."""
    return [row.name for row in METRICS if row.suits(system)]


def check_metrics(model: Model, metrics: list[str] | None, settings: Settings | None = None) -> list[str]:
    """The metrics to compute: those named, or all that make sense.

    Where none is named, those are left out whose classes the data lack, or whose option was not given.

    Raises:
        ValueError: a metric that is unknown, that makes no sense for this system, or whose option was not given.
    """
    possible = metrics_for(model.system)
    given = settings or Settings()
    if metrics is None:
        classes = model.description["data"].get("classes")
        rows = [row for row in METRICS if row.name in possible and (classes or not row.labels)]
        return [row.name for row in rows if row.asks is None or getattr(given, row.asks) is not None]
    for name in metrics:
        row = metric(name)
        if row is not None and name in possible and row.asks is not None and getattr(given, row.asks) is None:
            raise ValueError(f"metric {name!r} is computed with --{row.asks} FILE only; give it, or leave {name} out")
        if row is None:
            raise ValueError(f"unknown metric {name!r}; for this model there are {', '.join(possible)}")
        if name not in possible:
            kind = model.description["system"]["kind"]
            raise ValueError(
                f"metric {name!r} makes no sense for a model of kind {kind}; choose among {', '.join(possible)}"
            )
    return metrics


def evaluate(
    model: Model,
    metrics: list[str] | None = None,
    settings: Settings | None = None,
    started: Callable[[str], None] = lambda words: None,
    failed: Callable[[str, Exception], None] | None = None,
) -> Mapping[str, list[Figure]]:
    """Figures by metric.

    Args:
        metrics: names; by default all that make sense for the system.
        started: told of each metric before it is computed, and of its longer parts.
        failed: told of a metric that cannot be computed, and why; the others are computed all the same.  Without it
            the error is raised.

    Raises:
        ValueError: as `check_metrics`.
    """
    evaluation, figures = Evaluation(model, settings or Settings()), {}
    rows = {row.name: row for row in METRICS}
    for name in check_metrics(model, metrics, evaluation.settings):
        started(name)
        evaluation.say = partial(_say, started, name)
        try:
            figures[name] = rows[name].compute(evaluation)
        except Exception as error:
            if failed is None:
                raise
            failed(name, error)
    return figures


def _say(told: Callable[[str], None], metric: str, words: str) -> None:
    told(f"{metric}: {words}")
