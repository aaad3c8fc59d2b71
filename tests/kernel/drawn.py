"""Which claims a run of the tests looks at: all of them in the long run, some at each seed in the short one."""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from typing import Any

import pytest


def drawn(names: Iterable[str], share: int = 4) -> list[Any]:
    """The names as parameters, of which one in `share` is drawn by the run's seed; the others are marked long."""
    every = sorted(names)
    chosen = set(random.Random(os.environ["THREEFOLD_SEED"]).sample(every, -(-len(every) // share)))
    return [pytest.param(name, marks=() if name in chosen else pytest.mark.long) for name in every]
