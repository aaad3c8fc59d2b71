"""Why a term has no value here: it means nothing at these numbers, or nobody can compute what it means."""

from __future__ import annotations

import time


class Undefined(ArithmeticError):
    """The expression has no value in this world (a division by zero, the log of a negative number)."""


class OutsideModel(Undefined):
    """It speaks of what this world does not have: a density where a table vanishes, a state before the first.

    Whether that makes the statement meaningless is for its conditions to say; no step of a proof is disputed by it.
    """


class Uncomputable(Undefined):
    """It may well have a value, but this world cannot compute it: no ground to call anything false."""


class OutOfTime(Uncomputable):
    """The time that was given for looking at worlds is over."""


PATIENCE = 6  # a wall clock may show so many times the processor time that was spent


class Clock:
    """Seconds of processor time that may be spent; `tick` is cheap enough to be called for every term.

    On the wall clock it may take PATIENCE times as long: what a busy machine holds up is not left without a verdict.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = time.thread_time() + seconds
        self.latest = time.monotonic() + PATIENCE * seconds
        self._ticks = 0

    def tick(self) -> None:
        self._ticks += 1
        if not self._ticks % 64:
            self.check()

    def check(self) -> None:
        if time.thread_time() > self.end or time.monotonic() > self.latest:
            raise OutOfTime(f"not computed within {self.seconds:g} s")
