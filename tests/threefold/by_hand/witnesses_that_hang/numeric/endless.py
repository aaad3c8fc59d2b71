"""A numeric witness that does not end."""

from __future__ import annotations

import time
from collections.abc import Iterator

from threefold.witnesses.registry import Cases, Comparison, numeric


@numeric("endless", method="waiting")
def _(case: Cases) -> Iterator[Comparison]:
    time.sleep(60)
    yield Comparison("square", 9.0, 9.0)
