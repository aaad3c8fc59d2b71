"""Rows of samplers: what they refuse, and what the table says of each."""

import pytest

from torch_impl.samplers import METHODS, SAMPLERS, ddim, sampler
from torch_impl.samplers.registry import table
from torch_impl.samplers.row import Option, Sampler, check_rows


def test_two_samplers_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two samplers are called 'ddim'"):
        check_rows([*SAMPLERS, Sampler(ddim, "the same again")])


@pytest.mark.parametrize("name", ["denoiser", "etta"])
def test_an_option_without_a_default_in_the_function_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"declares the option '{name}'"):
        check_rows([Sampler(ddim, "with what it does not have", options=(Option(name, "no such"),))])


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"method = 'dimm' is not one of 'ddpm', 'ddim'"):
        sampler("dimm")


def test_the_table_has_a_row_for_each_and_says_what_it_costs() -> None:
    lines = table().splitlines()
    assert len(lines) == 2 + len(METHODS)
    row = dict(zip(METHODS, lines[2:], strict=True))
    assert row["heun"] == "| `heun` | probability-flow ODE | 2 | 2 | no |"
    assert row["ddim"] == "| `ddim` | the DDIM family | 1 at `eta` = 0 | 1 | where `eta` > 0 |"
    assert row["predictor_corrector"].endswith("| 1 + `langevin_count` | yes |")
