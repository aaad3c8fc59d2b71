"""Tasks for worker processes, one for each way to end."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any


def square(n: int) -> int:
    return n * n


def stumble(how: str) -> Any:
    if how == "raise":
        raise ValueError("no good")
    if how == "hang":
        time.sleep(60)
    if how == "crash":
        os._exit(7)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "unpicklable":
        return lambda: how
    return how


def worker_id(task: int) -> int:
    return os.getpid()


def variable(name: str) -> str | None:
    return os.environ.get(name)


def unhurried(task: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def answer_twice(n: int) -> int:
    """Answer in the worker's place, and then let it answer."""
    _pipe().send(("done", -n))
    return n


def answer_and_leave(n: int) -> int:
    """Answer in the worker's place, and end it before it does."""
    _pipe().send(("done", -n))
    os._exit(0)


def say_nonsense(n: int) -> int:
    """Write what is no message into the worker's pipe."""
    _pipe().send_bytes(b"no message")
    return n


def begin_a_message(n: int) -> int:
    """Announce a long message in the worker's pipe, begin it, and fall silent."""
    os.write(_pipe().fileno(), (10**6).to_bytes(4, "big") + b"begun")
    time.sleep(600)
    return n


def _pipe() -> Any:
    frame = sys._getframe()
    while frame.f_code.co_name != "_serve":
        frame = frame.f_back  # type: ignore[assignment]
    return frame.f_locals["connection"]
