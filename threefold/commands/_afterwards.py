"""What comes after the last step: pictures and the report, which may be left out or stopped, and what to do next."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from threefold.commands._endings import RunStopped
from torch_impl.runs.portraits import write_portraits
from torch_impl.runs.report import write_report
from torch_impl.training import Trainer

__all__ = ["write_pictures"]

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")


class _Stopped(BaseException):
    """A signal came; no error, so that nothing takes it for one."""

    def __init__(self, number: int) -> None:
        self.number = number


def write_pictures(trainer: Trainer, console: Console) -> None:
    """Portraits and the report of a run that is trained, with a bar.

    A signal ends it and keeps what is finished, as RunStopped says.
    """
    out = trainer.out
    if out is None or not trainer.processes.is_main:
        return
    try:
        with _stoppable(), _bar(console) as told:
            if not trainer.sharded:
                batch = trainer.held_out_batch()
                classes = trainer.description.get("data", {}).get("classes")
                write_portraits(trainer.averaged.eval(), batch, out / "portraits", classes=classes, told=told)
            told("report", 0, 1)
            report = write_report(out)
        console.print(f"report {report}")
    except _Stopped as stopped:
        raise RunStopped(_what_is_kept(trainer, out, stopped.number), stopped.number) from None
    except Exception as error:  # the model is trained and kept, whatever becomes of its pictures
        console.print(f"pictures and report are not complete: {type(error).__name__}: {error}")


def _what_is_kept(trainer: Trainer, out: Path, number: int) -> str:
    pictures = sorted(path.name for path in (out / "portraits").glob("*.png"))
    made = f"finished pictures are kept ({', '.join(pictures)})" if pictures else "no picture was finished"
    return (
        f"stopped by {signal.Signals(number).name} among the pictures that follow the last step; the model is trained "
        f"and kept in {trainer.last_checkpoint()}, {made}; --resume makes the rest, --no-pictures leaves them out"
    )


@contextmanager
def _stoppable() -> Iterator[None]:
    """While entered, signals end the work at once, by _Stopped."""

    def stop(number: int, frame: Any) -> None:
        raise _Stopped(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number, handler in before.items():
            if handler != signal.SIG_IGN:
                signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _bar(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """A bar for the picture that is made; a line for each where there is no terminal."""
    if not console.is_terminal:
        begun: set[str] = set()

        def line(name: str, done: int, of: int) -> None:
            if name not in begun:
                begun.add(name)
                console.print(f"making {name}")

        yield line
        return
    columns = (TextColumn("making {task.description}", markup=False), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("pictures", total=1)
        yield lambda name, done, of: progress.update(task, description=name, completed=done, total=of)
