"""Small JSON files beside a run, in anybody's hands: what cannot be read is nothing that was kept, never a crash."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from threefold.commands.check import _baseline
from threefold.errors import Unusable
from torch_impl.data.record import read_record
from torch_impl.data.scan import _kept
from torch_impl.runs.lock import _owner
from torch_impl.training import read_metrics

UNREADABLE = {"too deep": "[" * 4000, "too long a number": "9" * 3999 + "0" * 1000, "cut short": '{"step": '}


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_passed_over(text: str, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text(text)
    assert read_record(path) is None and _kept(path) == {}
    with pytest.raises(Unusable, match="no report of"):
        _baseline(str(path))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert _owner(descriptor) == {}
    finally:
        os.close(descriptor)
    path.write_text(f'{{"step": 1, "loss": 0.5}}\n{text}\n{{"step": 2}}\n')
    assert [line["step"] for line in read_metrics(path)] == [1, 2]
