"""Time limits for a step, on the processor and on the wall clock."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN = 1.0  # seconds until an alarm that came at a bad moment is repeated
CLEANING = ("weakref.py", "_weakrefset.py")
PATIENCE = 10  # times as much on the wall clock, for a step that waits and does not calculate


class StepTimeout(BaseException):
    """Not an Exception: nobody on the way may take it for one of its own."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise StepTimeout after `seconds` of processor time, or PATIENCE times as long on the wall clock.

    Processor time is the process's own, so a busy machine does not make a good step undecided. Limits nest: while a
    lemma is judged inside a step, the clocks of that step stand still. There is no limit outside the main thread, nor
    on a platform without interval timers (Windows): who judges there needs a watchdog of his own.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(_: int, frame: FrameType | None) -> None:
        if not _cleans_up(frame):
            raise StepTimeout

    clocks = {signal.ITIMER_PROF: (signal.SIGPROF, seconds), signal.ITIMER_REAL: (signal.SIGALRM, PATIENCE * seconds)}
    outer = {clock: (signal.setitimer(clock, 0)[0], signal.signal(alarm, stop)) for clock, (alarm, _) in clocks.items()}
    for clock, (_, limit) in clocks.items():
        signal.setitimer(clock, limit, AGAIN)  # once is not enough: see `_cleans_up`
    try:
        yield
    finally:
        for clock in clocks:
            signal.setitimer(clock, 0)
        for clock, (left, handler) in outer.items():
            signal.signal(clocks[clock][0], handler)
            signal.setitimer(clock, left)


def _cleans_up(frame: FrameType | None) -> bool:
    """Is Python in the middle of a destructor or of a weak reference's callback? What is raised there is lost."""
    while frame is not None:
        if frame.f_code.co_name == "__del__" or frame.f_code.co_filename.endswith(CLEANING):
            return True
        frame = frame.f_back
    return False
