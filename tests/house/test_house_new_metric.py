"""A new metric touches one file: help, table, what is computed by default and the tests learn of it from its row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from copies import Copy

TOY = '''
"""A toy: the mean of what is sampled."""

from torch_impl.training.capabilities import Samples
from torch_impl.evaluation.figure import mean_figure
from torch_impl.evaluation.metric import Metric


def toy_metric(e):
    return [mean_figure(e.samples()[0], "mean", "mean of all numbers", "", "samples")]


METRICS = (Metric("toy", toy_metric, "how bright samples are", better="more", needs=(Samples,)),)
'''
TESTS = "tests/torch_impl/training"


@pytest.mark.sampled(3)
def test_a_new_metric_touches_one_file(tmp_path: Path) -> None:
    copy = Copy(tmp_path, TESTS)
    copy.add("torch_impl/evaluation/toys.py", TOY)
    assert copy.touched() == ["torch_impl/evaluation/toys.py"]
    help_text = " ".join(copy.python("-m", "threefold", "evaluate", "--help").split())
    assert "toy how bright samples are" in help_text
    table = copy.python("-c", "from threefold.site.generate import _metrics; print(_metrics())")
    assert "| `toy` | how bright samples are |  | more |" in table
    passed = copy.pytest(f"{TESTS}/test_metric_rows.py", "-k", "toy")
    found = re.search(r"(\d+) passed", passed)  # one for each system that can be sampled
    assert found and int(found[1]) >= 6 and "failed" not in passed, passed
