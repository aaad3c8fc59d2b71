"""A new data set touches one file: names, presets, help, table and the tests learn of it from its row."""

from __future__ import annotations

from pathlib import Path

import pytest
from copies import Copy

TOY = '''
"""A toy: forty small pictures of two kinds, made here."""

import torch

from torch_impl.data.images import ImageArray, split_indices
from torch_impl.data.row import DataRow


def toys(split, seed):
    labels = torch.arange(40) % 2
    images = (labels.view(-1, 1, 1, 1) * 200 + torch.arange(64).view(1, 1, 8, 8) % 50).to(torch.uint8)
    rows = split_indices(40, split, labels.numpy(), seed)
    return ImageArray("toys", split, images, labels, classes=("dark", "light"), rows=rows, origin=seed)


DATA = DataRow("toys", "forty toys", lambda asked: toys(asked.split, asked.seed), shape=(8, 1, 2))
'''
TESTS = "tests/torch_impl/data"


@pytest.mark.sampled(3)
def test_a_new_data_set_touches_one_file(tmp_path: Path) -> None:
    copy = Copy(tmp_path, TESTS)
    copy.add("torch_impl/data/toys.py", TOY)
    assert copy.touched() == ["torch_impl/data/toys.py"]
    assert "toys forty toys" in " ".join(copy.python("-m", "threefold", "train", "--help").split())
    table = copy.python("-c", "from threefold.site.generate import _datasets; print(_datasets())")
    assert "| `toys` | forty toys |  | no |" in table
    printed = copy.python("-m", "threefold", "train", "toys-ddpm", "--dry-run", "--out", str(tmp_path / "run"))
    assert '"preset": "toys-ddpm"' in printed and '"classes": 2' in printed
    passed = copy.pytest(f"{TESTS}/test_rows.py", "-k", "toys")
    assert "3 passed" in passed, passed
