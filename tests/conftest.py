"""One new seed for the witnesses and the kernel's fuzzer in every run of the tests, printed to be had again."""

from __future__ import annotations

import os
import secrets

SEED = "THREEFOLD_SEED"


def pytest_configure() -> None:
    """Choose the seed before any worker process starts, since they inherit it."""
    os.environ.setdefault(SEED, str(secrets.randbelow(10**6)))


def pytest_report_header() -> str:
    return f"witness seed: {os.environ[SEED]} (set {SEED} to have the same draws again)"
