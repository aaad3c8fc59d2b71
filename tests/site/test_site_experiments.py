"""Pages of runs, from what a run leaves behind."""

from __future__ import annotations

import json

import pytest

from threefold.errors import Unusable
from threefold.site import experiments


@pytest.fixture
def docs(tmp_path):
    run = tmp_path / "docs" / "assets" / "runs" / "digits-ddpm"
    run.mkdir(parents=True)
    (run / "config.json").write_text(json.dumps({"seed": 3, "system": {"prediction": "eps"}}))
    (run / "results.json").write_text(json.dumps({"loss": 0.12345678, "curve": list(range(100))}))
    (run / "loss_curve.png").write_bytes(b"not looked into")
    return tmp_path / "docs"


def test_a_run_becomes_a_page_with_its_seed_figures_and_pictures(docs, tmp_path):
    assert experiments.write_pages(docs, tmp_path / "out") == 1
    page = (tmp_path / "out" / "experiments" / "digits-ddpm.md").read_text()
    assert "seed 3" in page and "0.123457" in page and "system.prediction" in page and "100 values" in page
    assert "![loss curve](../assets/runs/digits-ddpm/loss_curve.png)" in page
    assert 'href="../experiments/digits-ddpm.html"' in experiments.listing(docs, "../")


def test_without_runs_the_list_says_so(tmp_path):
    assert experiments.write_pages(tmp_path, tmp_path / "out") == 0
    assert "No run" in experiments.listing(tmp_path, "")


def test_a_broken_file_is_named(docs, tmp_path):
    path = docs / "assets" / "runs" / "digits-ddpm" / "results.json"
    path.write_text("{")
    with pytest.raises(Unusable, match=r"results\.json"):
        experiments.write_pages(docs, tmp_path / "out")
