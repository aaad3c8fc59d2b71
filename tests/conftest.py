"""One new seed in every run of the tests, for the witnesses, the fuzzer and the choice of what is only sampled."""

from __future__ import annotations

import os
import random
import secrets

import pytest

SEED = "THREEFOLD_SEED"


def pytest_configure() -> None:
    """Choose the seed before any worker process starts, since they inherit it."""
    os.environ.setdefault(SEED, str(secrets.randbelow(10**6)))


def pytest_report_header() -> str:
    return f"witness seed: {os.environ[SEED]} (set {SEED} to have the same draws and the same samples again)"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of the tests marked `sampled(n)` one in n is drawn by the seed; the others are long."""
    for item in items:
        mark = item.get_closest_marker("sampled")
        if mark is not None and not drawn(os.environ[SEED], item.nodeid, mark.args[0]):
            item.add_marker(pytest.mark.long)


def drawn(seed: str, name: str, share: int) -> bool:
    """Whether a test is one of the share that this seed draws."""
    return random.Random(f"{seed} {name}").randrange(share) == 0
