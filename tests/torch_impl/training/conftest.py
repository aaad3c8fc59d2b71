"""Fixtures of the training tests."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def _program(name: str) -> ModuleType:
    """A program of this folder as a module."""
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def small_run() -> ModuleType:
    return _program("small_run")


@pytest.fixture(scope="session")
def crafting() -> ModuleType:
    return _program("crafting")


@pytest.fixture(scope="session")
def vq_ranks() -> ModuleType:
    return _program("vq_ranks")


@pytest.fixture
def run_small() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program of this folder (`small_run.py`), alone or under `torchrun` with `processes`."""

    def run(*arguments: str, processes: int = 1, program: str = "small_run.py") -> subprocess.CompletedProcess[str]:
        launcher = [sys.executable]
        if processes > 1:
            launcher += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = [*launcher, str(HERE / program), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)

    return run


@pytest.fixture(autouse=True)
def _one_thread_and_own_state() -> object:
    """Bit-for-bit comparisons need one thread count; tests leave the global generator as they found it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        yield
    torch.set_num_threads(threads)
