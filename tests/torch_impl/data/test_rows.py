"""Every data set, by its row."""

import dataclasses
from pathlib import Path

import pytest
import torch

from torch_impl.data import DataNotFound, load
from torch_impl.data.catalogue import NAMES, ROWS, row_of, table
from torch_impl.data.row import DataRow, check_rows

MADE_HERE = [name for row in ROWS if not row.is_local for name in row.names]
OPTIONS = {"image_size": 48, "channels": 2, "label": "Smiling"}


@pytest.mark.parametrize("name", MADE_HERE)
def test_a_set_made_here_gives_what_its_row_says(name: str) -> None:
    data, row = load(name), row_of(name)
    x, y = data.fetch(torch.arange(3))
    assert x.shape == (3, *data.shape) and x.dtype == torch.float32
    if row.shape is not None and data.classes is not None and y is not None:
        assert len(data.classes) == row.shape[2] and data.shape[1] == row.shape[0]


@pytest.mark.parametrize("name", MADE_HERE)
def test_splits_differ_and_repeat(name: str) -> None:
    prints = [load(name, split).fingerprint for split in ("train", "val", "test")]
    assert len(set(prints)) == 3 and load(name, "test").fingerprint == prints[2]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_options_that_a_row_does_not_have_are_refused_by_name(row: DataRow) -> None:
    for option, value in OPTIONS.items():
        if option not in row.takes:
            with pytest.raises(ValueError, match=f"{option} = {value!r} cannot be chosen for {row.names[0]}"):
                load(row.names[0], **{option: value})


@pytest.mark.parametrize("row", [row for row in ROWS if row.is_local], ids=lambda row: row.name)
def test_files_that_are_not_there_are_asked_for(row: DataRow, tmp_path: Path) -> None:
    with pytest.raises(DataNotFound):
        load(row.name, root=tmp_path / "nowhere")


def test_two_sets_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two data sets are called 'digits'"):
        check_rows([*ROWS, dataclasses.replace(row_of("glyphs"), name="digits")])


def test_the_names_are_those_that_they_were_and_each_has_a_line() -> None:
    known = {"digits", "glyphs", "mixture:ring8", "mnist", "fashion-mnist", "cifar10", "array", "folder", "celeba"}
    assert known <= set(NAMES) and len(table().splitlines()) == 2 + len(ROWS)
