"""What the tests of the commands share."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import Result

Command = Callable[..., Result]


def assert_unusable(result: Result, *parts: str) -> None:
    """Exit status 2; the message, on standard error alone, names these; no traceback."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in result.stderr, result.stderr
