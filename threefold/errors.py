"""What ends a command without a traceback: unusable input (exit status 2) and an interruption (130)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import IO, Any

import click


class Unusable(click.ClickException):
    """Input that cannot be used. The message names the value, the limit and the remedy."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"threefold: {self.format_message()}", file=file, err=file is None)


class Interrupted(click.ClickException):
    """Stopped from the keyboard."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("interrupted: nothing was written")

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"\nthreefold: {self.format_message()}", file=file, err=file is None)


def nearest(name: str, known: Iterable[str], n: int = 3) -> str:
    """The end of a sentence that says `name` is unknown: '; did you mean a, b or c?', or '.' when none is near."""
    names = difflib.get_close_matches(name, list(known), n=n, cutoff=0.5)
    if not names:
        return "."
    listed = names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]
    return f"; did you mean {listed}?"
