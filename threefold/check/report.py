"""What a check found, as data; the formats write it and compute nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

SCHEMA = 1
VERDICTS = (
    "proved",
    "proved as read",
    "refuted",
    "contradiction",
    "equal up to a constant",
    "two readings",
    "definition",
    "not a statement",
    "undecided",
    "not read",
)
WRONG = frozenset(["refuted", "contradiction"])
OPEN = frozenset(["undecided", "not read"])


@dataclass(frozen=True)
class Witness:
    """Numbers at which a link fails: where, and both sides' values there."""

    at: tuple[tuple[str, str], ...]
    left: str
    right: str


@dataclass(frozen=True)
class LinkReport:
    """One link of a document and its verdict."""

    file: str
    display: int
    link: int
    line: int
    column: int
    tex: str
    kind: str
    verdict: str
    context: str = ""
    reading: str = ""
    reading_latex: str = ""
    notes: tuple[str, ...] = ()
    reason: str = ""
    how: str = ""
    claims: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    side_conditions: tuple[str, ...] = ()
    witness: Witness | None = None
    repair: str = ""
    lines: tuple[int, ...] = ()
    seconds: float = 0.0
    inline: bool = False

    def json(self) -> dict[str, Any]:
        """The link as the contract's JSON."""
        witness = None
        if self.witness is not None:
            left, right = _number(self.witness.left), _number(self.witness.right)
            witness = {"at": dict(self.witness.at), "left": left, "right": right}
        return {
            "file": self.file,
            "display": self.display,
            "link": self.link,
            "line": self.line,
            "column": self.column,
            "tex": self.tex,
            "kind": self.kind,
            "verdict": self.verdict,
            "context": self.context,
            "reading": self.reading,
            "notes": list(self.notes),
            "reason": self.reason,
            "claims": list(self.claims),
            "rules": list(self.rules),
            "side_conditions": list(self.side_conditions),
            "witness": witness,
            "repair": self.repair,
            "lines": list(self.lines),
            "seconds": round(self.seconds, 3),
        }


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


@dataclass(frozen=True)
class ContextReport:
    """A context, from which line on, and why."""

    name: str
    line: int
    because: str
    settings: dict[str, str]


@dataclass(frozen=True)
class FileReport:
    """One file: its contexts and its links."""

    file: str
    contexts: tuple[ContextReport, ...]
    links: tuple[LinkReport, ...]
    seconds: float = 0.0
    text: str = ""

    def json(self) -> dict[str, Any]:
        """The file as the contract's JSON."""
        contexts = [
            {
                "name": c.name,
                "line": c.line,
                "because": c.because,
                "settings": dict(c.settings),
            }
            for c in self.contexts
        ]
        return {
            "schema": SCHEMA,
            "file": self.file,
            "contexts": contexts,
            "links": [link.json() for link in self.links],
        }

    def count(self) -> dict[str, int]:
        """How many links have each verdict."""
        return {v: n for v in VERDICTS if (n := sum(link.verdict == v for link in self.links))}


@dataclass(frozen=True)
class Report:
    """All files. It is true when nothing is refuted or contradictory."""

    files: tuple[FileReport, ...] = field(default_factory=tuple)

    def __iter__(self) -> Iterator[LinkReport]:
        return (link for file in self.files for link in file.links)

    def __bool__(self) -> bool:
        return not self.wrong

    @property
    def links(self) -> tuple[LinkReport, ...]:
        return tuple(self)

    @property
    def wrong(self) -> tuple[LinkReport, ...]:
        """Refuted and contradictory links."""
        return tuple(link for link in self if link.verdict in WRONG)

    @property
    def open(self) -> tuple[LinkReport, ...]:
        """Undecided links and links that are not read."""
        return tuple(link for link in self if link.verdict in OPEN)

    def json(self) -> dict[str, Any]:
        """One file as the contract has it; several as a list under `files`."""
        if len(self.files) == 1:
            return self.files[0].json()
        return {"schema": SCHEMA, "files": [file.json() for file in self.files]}
