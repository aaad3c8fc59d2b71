"""Every metric, by its row, on the smallest model of every kind that it suits."""

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from torch_impl.evaluation import METRICS, Metric, Settings, attributes, check_metrics, evaluate, metrics_for, quality
from torch_impl.evaluation.metric import check_rows
from torch_impl.evaluation.registry import table
from torch_impl.runs.open import Model, describe, fit_to_data, load_split
from torch_impl.runs.presets import DataChoice, Preset
from torch_impl.systems import SystemConfig, system_kinds
from torch_impl.training import StoredCheckpoint
from torch_impl.training.trainer_config import TrainerConfig

KINDS = [kind for kind, config in system_kinds().items() if config.build is not SystemConfig.build]
SETTINGS = Settings(examples=12, samples=16, steps=2, iw_samples=2, ode_steps=4, probes=2)


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    """An untrained model of every kind."""
    torch.manual_seed(0)
    found = {}
    for kind in KINDS:
        small = system_kinds()[kind].small()
        choice = DataChoice(f"{small.laws}ring8" if small.laws else "digits")
        if small.captions:
            choice = DataChoice("captions", 16)
        data = load_split(choice, "train")
        chosen = fit_to_data(Preset(kind, "", choice, small, TrainerConfig(1, 8)), data)
        stored = StoredCheckpoint(Path("step-00000001"))
        found[kind] = Model(chosen.system.build().eval(), stored, describe(chosen, data))
    return found


@pytest.fixture(scope="module", autouse=True)
def _one_reader_for_one_set() -> Iterator[None]:
    """The networks that read real images are the same for every kind: each is trained once."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_feature_classifier", "_judge"):
            original, found = getattr(quality, name), {}

            def once(e: Any, *rest: Any, original: Any = original, found: dict[str, Any] = found) -> Any:
                key = e.model.data.name
                if key not in found:
                    found[key] = original(e, *rest)
                return found[key]

            patch.setattr(quality, name, once)
        patch.setattr(attributes, "AttributeReaders", partial(attributes.AttributeReaders, steps=2, batch=8))
        yield


@pytest.mark.sampled(5)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", METRICS, ids=lambda row: row.name)
def test_a_metric_gives_finite_figures_where_it_suits_and_is_refused_elsewhere(
    row: Metric, kind: str, models: dict[str, Model]
) -> None:
    model = models[kind]
    if row.name not in metrics_for(model.system):
        with pytest.raises(ValueError, match=f"'{row.name}' makes no sense for a model of kind {kind}"):
            check_metrics(model, [row.name])
        pytest.skip(f"a {kind} has nothing that {row.name} measures")
    if kind in ("caption", "dalle") and row.name in ("copies", "quality"):
        pytest.skip(f"{row.name} of colour pictures takes half a minute, and asks nothing else of them")
    if row.asks is not None:
        with pytest.raises(ValueError, match=f"computed with --{row.asks} FILE only"):
            check_metrics(model, [row.name])
        assert row.name not in check_metrics(model, None)
        pytest.skip(f"{row.name} needs a file that no test has")
    figures = evaluate(model, [row.name], SETTINGS)[row.name]
    assert figures and all(math.isfinite(figure.value) for figure in figures)
    assert row.unit in ("", figures[0].unit)


def test_metrics_are_those_that_they_were() -> None:
    known = {"bpd", "classifier", "copies", "elbo", "likelihood", "loss", "reconstruction", "wasserstein"}
    assert known <= {row.name for row in METRICS}


def test_two_metrics_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two metrics are called 'elbo'"):
        check_rows([*METRICS, next(row for row in METRICS if row.name == "elbo")])


def test_an_unknown_metric_is_answered_with_those_there_are(models: dict[str, Model]) -> None:
    with pytest.raises(ValueError, match=r"unknown metric 'lpips'; for this model there are .*reconstruction"):
        check_metrics(models["vae"], ["lpips"])


def test_the_table_has_a_row_for_each() -> None:
    assert len(table().splitlines()) == 2 + len(METRICS)
