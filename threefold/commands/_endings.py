"""How train, sample and evaluate speak and how they end: status, messages in the command line's own option names."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from threefold.errors import Unusable

__all__ = ["RunFailed", "RunStopped", "pasted", "plain_console", "unusable_input"]


class RunFailed(click.ClickException):
    """A run that went wrong."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(f"threefold: {self.format_message()}", file=file, err=file is None)


class RunStopped(RunFailed):
    """Stopped by a signal: 128 + its number, as shells have it."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.__dict__["exit_code"] = 128 + number  # click declares it of the class


def plain_console(stderr: bool = True) -> Console:
    """A console to which text is text: no markup, no emoji codes, no lines broken in paths."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)


@contextmanager
def unusable_input() -> Iterator[None]:
    """Whatever is wrong before work starts ends with status 2 and its remedy."""
    try:
        yield
    except (ValueError, TypeError, OSError) as error:
        raise Unusable(in_option_names(str(error))) from error


def in_option_names(message: str) -> str:
    """The message with fields of a configuration called by the command's options that set them.

    `batch_size` becomes `--batch-size` where it is the subject of "is" or "=", or what is to be set.
    """
    context = click.get_current_context(silent=True)
    options = {} if context is None else _options(context.command)
    if not options:
        return message
    names = "|".join(sorted(options, key=len, reverse=True))
    subject = re.compile(rf"(?<![\w/.'\"=-])(?:{names})(?= (?:is|are|was|to) \S| = \S)")
    return subject.sub(lambda match: options[match.group()], message)


def _options(command: click.Command) -> dict[str, str]:
    """The option of each field that has one, but for words that messages use otherwise."""
    skipped = ("data", "out", "label", "settings", "device", "config", "checkpoint")
    return {
        parameter.name: parameter.opts[0]
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.name is not None and parameter.name not in skipped
    }


def pasted(*words: object) -> str:
    """A command that can be pasted into a shell."""
    return shlex.join(str(word) if not isinstance(word, Path) else _path(word) for word in words)


def _path(path: Path) -> str:
    """A path that no command takes for an option."""
    return f"./{path}" if str(path).startswith("-") else str(path)
