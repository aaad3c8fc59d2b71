"""Time limits where the platform lacks the clocks they use: the kernel's own limits then work as in a terminal."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any


def install(setitimer: Callable[[int, float, float], Any]) -> None:
    """Give `signal` the `setitimer` and `time` the `thread_time` that they lack here.

    `setitimer(which, seconds, interval)` gives (seconds left, interval) of the timer before, and sees to it that
    SIGALRM, SIGVTALRM or SIGPROF arrives in time. With one thread that works all the time, all clocks run alike.
    """
    lacking: dict[tuple[Any, str], Any] = {
        (signal, "setitimer"): lambda which, seconds, interval=0.0: tuple(setitimer(which, seconds, interval)),
        (time, "thread_time"): time.perf_counter,
    }
    for (module, name), instead in lacking.items():
        if not hasattr(module, name):
            setattr(module, name, instead)
