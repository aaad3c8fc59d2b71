"""How much of documents with known verdicts is decided, and how often wrongly: `python tests/check/figures.py FOLDER`.

FOLDER holds `equations.yaml` with the texts beside it (`../texts`), and `dev/NN.md` with `dev/NN.yaml`.
"""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from threefold.check.checking import check_file
from threefold.check.options import Options
from threefold.check.report import FileReport, LinkReport

TEXTS = ("journey", "article", "slides", "staircase", "notes")
DECIDED = frozenset(["proved", "proved as read", "refuted", "contradiction", "equal up to a constant", "two readings"])
PROVED = frozenset(["proved", "proved as read"])
ALARM = frozenset(["refuted", "contradiction"])


@dataclass
class Figures:
    """What was counted, with the places that spoil a figure."""

    judgeable: int = 0
    decided: int = 0
    misprints: int = 0
    found: int = 0
    false_alarms: list[str] = field(default_factory=list)
    false_proofs: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    seconds: float = 0.0
    times: list[float] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The figures, one a line."""
        times = sorted(self.times) or [0.0]
        share = 100 * self.decided / max(1, self.judgeable)
        return [
            f"decided {self.decided} of {self.judgeable} judgeable ({share:.0f} %)",
            f"misprints found {self.found} of {self.misprints}; missed: {', '.join(self.missed) or 'none'}",
            f"false alarms {len(self.false_alarms)}: {', '.join(self.false_alarms) or 'none'}",
            f"false proofs {len(self.false_proofs)}: {', '.join(self.false_proofs) or 'none'}",
            f"open: {', '.join(self.open) or 'none'}",
            f"{self.seconds:.0f} s; a link takes {times[len(times) // 2]:.2f} s in the middle, {times[-1]:.1f} s most",
        ]


def run(path: Path, jobs: int = 2, seconds: float = 30.0) -> FileReport:
    """Check one document, without the cache."""
    return check_file(path, Options(), seconds=seconds, jobs=jobs)


def of_texts(folder: Path, jobs: int = 2, only: tuple[str, ...] = TEXTS) -> Figures:
    """The five texts, link by link."""
    figures = Figures()
    expected = yaml.safe_load((folder / "equations.yaml").read_text())
    for number, name in enumerate(TEXTS):
        if name not in only:
            continue
        started = time.perf_counter()
        report = run(folder.parent / "texts" / f"{name}.md", jobs)
        figures.seconds += time.perf_counter() - started
        by_line: dict[int, list[LinkReport]] = {}
        starts = _display_lines(report)
        for link in report.links:
            by_line.setdefault(starts[link.display], []).append(link)
        for entry in (e for e in expected if e["id"].startswith(f"{number:03}-")):
            line = int(re.search(r"L(\d+)", entry["id"]).group(1))
            near = next((n for n in range(line, line + 4) if n in by_line), line)
            with_relation = [k for k in by_line.get(near, []) if k.reason != "an expression without a relation"]
            for place, want in enumerate(entry["links"]):
                got = with_relation[place] if place < len(with_relation) else None
                _grade(figures, f"{name}:{line}.{place + 1}", want, got)
    return figures


def _display_lines(report: FileReport) -> dict[int, int]:
    starts: dict[int, int] = {}
    for link in report.links:
        first = starts.get(link.display, link.line)
        starts[link.display] = min(first, link.line)
    return starts


def _grade(figures: Figures, place: str, want: dict[str, Any], got: LinkReport | None) -> None:
    verdict = got.verdict if got is not None else "missing"
    claim = want["what"] in ("claim", "recall") and want["verdict"] not in ("definition", "not decidable")
    wrong = want["verdict"].startswith("false")
    constant = want["verdict"].startswith("true up to constants")
    if got is not None and got.seconds:
        figures.times.append(got.seconds)
    if verdict in ALARM and not wrong and "contradict" not in str(want.get("note", "")):
        figures.false_alarms.append(f"{place} ({want['verdict']})")
    if verdict in PROVED and (wrong or constant):
        figures.false_proofs.append(f"{place} ({want['verdict']})")
    if wrong:
        figures.misprints += 1
        figures.found += verdict in ALARM
        if verdict not in ALARM:
            figures.missed.append(f"{place} ({verdict})")
    if claim and want["judgeable"] != "needs a new capability":
        figures.judgeable += 1
        figures.decided += verdict in DECIDED
        if verdict not in DECIDED:
            figures.open.append(f"{place} ({verdict})")


def of_dev(folder: Path, jobs: int = 2, only: tuple[str, ...] = ()) -> Figures:
    """The public documents, display by display."""
    figures = Figures()
    for path in sorted((folder / "dev").glob("*.yaml")):
        if only and path.stem not in only:
            continue
        data = yaml.safe_load(path.read_text())
        started = time.perf_counter()
        report = run(path.with_suffix(".md"), jobs)
        figures.seconds += time.perf_counter() - started
        figures.times += [k.seconds for k in report.links if k.seconds]
        displays: dict[int, list[LinkReport]] = {}
        for link in report.links:
            displays.setdefault(link.display, []).append(link)
        for entry in data["equations"]:
            _grade_display(figures, f"{path.stem}.{entry['n']}", entry, displays.get(entry["n"], []))
    return figures


def _grade_display(figures: Figures, place: str, want: dict[str, Any], links: list[LinkReport]) -> None:
    verdicts = Counter(k.verdict for k in links)
    words = ", ".join(f"{n} {v}" for v, n in verdicts.items())
    wrong = want["verdict"] == "false as printed"
    alarm = bool(verdicts.keys() & ALARM)
    judged = [k for k in links if k.verdict not in ("definition", "not a statement")]
    proved = bool(judged) and all(k.verdict in PROVED for k in judged)
    if alarm and not wrong:
        figures.false_alarms.append(f"{place} ({want['verdict']}: {words})")
    if proved and wrong:
        figures.false_proofs.append(f"{place} ({words})")
    if wrong:
        figures.misprints += 1
        figures.found += alarm
        if not alarm:
            figures.missed.append(f"{place} ({words})")
    if want["verdict"] in ("true", "false as printed", "true up to a dropped constant"):
        figures.judgeable += 1
        done = alarm or (bool(judged) and all(k.verdict in DECIDED for k in judged))
        figures.decided += done
        if not done:
            figures.open.append(f"{place} ({words})")


def main(folder: Path, *only: str) -> None:
    """Print both."""
    for name, figures in (
        ("texts", of_texts(folder, only=tuple(o for o in only if o in TEXTS) or (TEXTS if not only else ()))),
        (
            "dev",
            of_dev(folder, only=tuple(o for o in only if o not in TEXTS))
            if not only or any(o not in TEXTS for o in only)
            else Figures(),
        ),
    ):
        print(name)
        for line in figures.lines():
            print(f"  {line}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
