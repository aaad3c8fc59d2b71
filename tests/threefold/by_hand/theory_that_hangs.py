"""The theory by hand, with a kernel that does not end on one of its claims."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import theory_by_hand
from theory_by_hand import Claim, editorial, errata, judge_erratum, judge_mutants

__all__ = ["claims", "editorial", "errata", "judge", "judge_erratum", "judge_mutants"]


def claims() -> Mapping[str, Claim]:
    return {**theory_by_hand.claims(), "endless": Claim("endless", "0C01", "What does not end")}


def judge(name: str, /) -> Any:
    if name == "endless":
        time.sleep(60)
    return theory_by_hand.judge(name)
