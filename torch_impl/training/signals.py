"""SIGTERM, SIGINT, SIGHUP and SIGUSR1: finish the step, write a checkpoint, stop."""

from __future__ import annotations

import os
import signal
import types
from contextlib import suppress
from pathlib import Path
from typing import Self

__all__ = ["Interrupted", "StopRequest"]

_NAMES = ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1")  # a terminal that goes away, and what clusters send before a kill


class Interrupted(RuntimeError):
    """A signal arrived; a checkpoint was written first.  Attributes: `step`, `checkpoint`, `signal_number`."""

    def __init__(self, step: int, checkpoint: Path | None, signal_number: int) -> None:
        self.step, self.checkpoint, self.signal_number = step, checkpoint, signal_number
        kept = f"checkpoint {checkpoint}; go on with --resume" if checkpoint else "this run writes no checkpoints"
        super().__init__(f"stopped by {signal.Signals(signal_number).name} after step {step}; {kept}")


class StopRequest:
    """While entered, notes a signal instead of dying of it; a second one ends the program at once (KeyboardInterrupt).

    A signal that is ignored (by `nohup`, for a job in the background) stays so.  Outside the main thread signals belong
    to somebody else, and nothing is noted.
    """

    def __init__(self) -> None:
        self.number = 0
        """Of the signal that came; 0 for none."""
        self._before: dict[signal.Signals, object] = {}

    def _note(self, number: int, frame: types.FrameType | None) -> None:
        if self.number:
            raise KeyboardInterrupt
        self.number = number
        words = f"\n{signal.Signals(number).name}: a checkpoint after this step, then the end; once more ends at once\n"
        with suppress(OSError):  # the terminal may be what went away
            os.write(2, words.encode())

    def __enter__(self) -> Self:
        try:
            for name in _NAMES:
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        except ValueError:
            self._before = {}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave
