"""Annotations of a GitHub workflow: an error for what is refuted or contradictory, and nothing else unless asked."""

from __future__ import annotations

from threefold.check.formats.text import at, short
from threefold.check.report import WRONG, LinkReport, Report


def write(report: Report, *, notices: bool = False) -> str:
    """One command a line; the numbers go into the message."""
    lines = []
    for file in report.files:
        for link in file.links:
            path = (link.file or file.file).partition("#")[0]
            if link.verdict in WRONG:
                lines.append(_command("error", path, link))
            elif notices and link.verdict in (
                "undecided",
                "not read",
                "two readings",
                "equal up to a constant",
            ):
                lines.append(_command("notice", path, link))
    return "\n".join(lines)


def _command(kind: str, path: str, link: LinkReport) -> str:
    message = f"{link.verdict}: {short(link.tex, 300)}"
    if link.witness is not None:
        message += f"\n{at(link)}"
    if link.reason:
        message += f"\n{link.reason}"
    if link.repair:
        message += f"\nproved instead: {link.repair}"
    title = f"threefold: {link.verdict}"
    return (
        f"::{kind} file={_property(path)},line={link.line},col={link.column},title={_property(title)}::{_data(message)}"
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
