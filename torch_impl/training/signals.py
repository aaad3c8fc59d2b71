"""SIGTERM and SIGINT: finish the step, write a checkpoint, stop."""

from __future__ import annotations

import signal
import types
from pathlib import Path
from typing import Self

__all__ = ["Interrupted", "StopRequest"]


class Interrupted(RuntimeError):
    """SIGTERM or SIGINT arrived; a checkpoint was written first.

    Attributes: `step`, `checkpoint`, `signal_number`.
    """

    def __init__(self, step: int, checkpoint: Path | None, signal_number: int) -> None:
        self.step, self.checkpoint, self.signal_number = step, checkpoint, signal_number
        kept = f"checkpoint {checkpoint}; go on with --resume" if checkpoint else "this run writes no checkpoints"
        super().__init__(f"stopped by {signal.Signals(signal_number).name} after step {step}; {kept}")


class StopRequest:
    """While entered, notes a SIGTERM or SIGINT instead of dying of it; a second one ends the program at once.

    Outside the main thread signals belong to somebody else, and nothing is noted.
    """

    def __init__(self) -> None:
        self.number = 0
        """Of the signal that came; 0 for none."""
        self._before: dict[signal.Signals, object] = {}

    def _note(self, number: int, frame: types.FrameType | None) -> None:
        if self.number:
            raise KeyboardInterrupt
        self.number = number

    def __enter__(self) -> Self:
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._note)
        except ValueError:
            self._before = {}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave
