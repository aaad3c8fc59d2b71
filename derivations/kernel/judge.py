"""The old address of `derivations.judge.replay`, `.report` and `.clock`."""

from derivations.judge.clock import PATIENCE, StepTimeout, time_limit
from derivations.judge.replay import STEP_SECONDS, Judge
from derivations.judge.report import Judgement, PartReport, StepReport

__all__ = [
    "PATIENCE",
    "STEP_SECONDS",
    "Judge",
    "Judgement",
    "PartReport",
    "StepReport",
    "StepTimeout",
    "time_limit",
]
