"""A new sampler touches one file: help, table, refusals and tests learn of it from its row."""

from __future__ import annotations

from pathlib import Path

import pytest
from copies import Copy

TOY = '''
"""A toy: explicit Euler under another name, with an option of its own."""

from torch_impl.ops.combine import combine
from torch_impl.samplers.row import Option, Sampler
from torch_impl.samplers.times import check_timesteps, pairs


def toy(denoiser, x, timesteps, noise, toy_size=1.0, callback=None):
    for _, t, s in pairs(check_timesteps(timesteps, denoiser.diffusion.T)):
        to = denoiser.level(s)
        x = combine(*denoiser(x, t), to.signal, to.sigma)
        if callback:
            callback(s, x)
    return x


SAMPLERS = (Sampler(toy, "a toy equation", order=ORDER, options=(Option("toy_size", "how large the toy is"),)),)
'''
TESTS = "tests/torch_impl/math"


@pytest.mark.sampled(3)
def test_a_new_sampler_touches_one_file(tmp_path: Path) -> None:
    copy = Copy(tmp_path, TESTS)
    copy.add("torch_impl/samplers/toys.py", TOY.replace("ORDER", "1"))
    assert copy.touched() == ["torch_impl/samplers/toys.py"]
    help_text = " ".join(copy.python("-m", "threefold", "sample", "--help").split())
    assert " toy" in help_text and "--toy-size FLOAT How large the toy is. [default: 1.0 for toy]" in help_text
    table = copy.python("-c", "from threefold.site.generate import _samplers; print(_samplers())")
    assert "| `toy` | a toy equation | 1 | 1 | no |" in table
    passed = copy.pytest(f"{TESTS}/test_math_solvers.py", "-k", "toy")
    assert "10 passed" in passed, passed  # its order twice, evaluations twice, its noise, dtypes, clipping, ...


def test_a_row_that_claims_too_much_fails_the_same_tests(tmp_path: Path) -> None:
    copy = Copy(tmp_path, TESTS)
    copy.add("torch_impl/samplers/toys.py", TOY.replace("ORDER", "2"))
    try:
        copy.pytest(f"{TESTS}/test_math_solvers.py", "-k", "toy and measured_order")
    except AssertionError as failed:
        assert "2 failed" in str(failed)
    else:
        raise AssertionError("a first-order method passed for one of second order")
