"""What a training run left behind in docs/assets/runs: its configuration, its figures, its curves, its pictures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from threefold.errors import Unusable


@dataclass(frozen=True)
class Figure:
    """One number of a run: `path` says of which variant, `metric` by which measure, `error` is its standard error.

    It is found by its address, `guidance/2.0/classifier.intended`: path, metric and key; the name is for readers.
    """

    path: tuple[str, ...]
    metric: str
    key: str
    name: str
    value: float
    unit: str = ""
    over: str = ""
    error: float | None = None

    @property
    def address(self) -> str:
        return "/".join([*self.path, f"{self.metric}.{self.key}" if self.metric else self.key])

    def shown(self) -> str:
        text = number(self.value)
        if self.error:
            text += f" ± {self.error:.1g}"
        return f"{text} {self.unit}".strip()


@dataclass(frozen=True)
class Sweep:
    """A list of points with the same few numbers each."""

    path: tuple[str, ...]
    points: tuple[Mapping[str, Any], ...]


def number(value: float) -> str:
    """Four digits, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == round(value) else f"{value:.4g}"


@dataclass(frozen=True)
class Run:
    """One folder. A run of several variants has their names as prefixes: mlp-gaussian-config.json."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @cached_property
    def results(self) -> Mapping[str, Any]:
        return _object(self.folder / "results.json")

    def _variants(self, ending: str) -> Iterator[tuple[str, Path]]:
        for path in sorted(self.folder.glob(f"*{ending}")):
            yield path.name.removesuffix(ending).rstrip("-"), path

    @cached_property
    def configurations(self) -> Mapping[str, Mapping[str, Any]]:
        """By variant; a run without variants has one, whose name is empty."""
        return {variant: _object(path) for variant, path in self._variants("config.json")}

    @cached_property
    def curves(self) -> Mapping[str, list[Mapping[str, Any]]]:
        """What was logged, line by line, by variant."""
        return {variant: _lines(path) for variant, path in self._variants("metrics.jsonl")}

    @property
    def resumed_at(self) -> int:
        """The step at which the log begins when it begins late: the run was gone on with, and its time is partial."""
        for variant, lines in self.curves.items():
            every = self.configurations.get(variant, {}).get("trainer", {}).get("log_every", 0)
            spacing = max([every, *(later["step"] - line["step"] for line, later in pairwise(lines))])
            if lines and lines[0]["step"] > 2 * spacing:
                return int(lines[0]["step"])
        return 0

    @cached_property
    def pictures(self) -> tuple[Path, ...]:
        """Those that no curve on the page says better."""
        return tuple(path for path in sorted(self.folder.glob("*.png")) if not path.stem.endswith("summary"))

    @property
    def figures(self) -> list[Figure]:
        return [item for item in _items(self.results) if isinstance(item, Figure)]

    @property
    def sweeps(self) -> list[Sweep]:
        return [item for item in _items(self.results) if isinstance(item, Sweep)]

    def at(self, address: str) -> list[Figure]:
        """The figures at an address, in which * stands for any part; among the points of sweeps, too."""
        pattern = re.compile("[^/]*".join(map(re.escape, address.split("*"))))
        found = [figure for figure in self.figures if pattern.fullmatch(figure.address)]
        for sweep in self.sweeps:
            for point in sweep.points:
                numbers = [(key, value) for key, value in point.items() if isinstance(value, int | float)]
                points = [Figure(sweep.path, "", key, key, float(value)) for key, value in numbers]
                found += [figure for figure in points if pattern.fullmatch(figure.address)]
        return found


def runs(docs: Path) -> list[Run]:
    """The runs that have results, by name."""
    folder = docs / "assets" / "runs"
    return [Run(path.parent) for path in sorted(folder.glob("*/results.json"))] if folder.is_dir() else []


def _object(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Unusable(f"{path} is not JSON ({error}); copy it anew from the run") from error
    if not isinstance(content, dict):
        raise Unusable(f"{path} holds a {type(content).__name__}, not an object; copy it anew from the run")
    return content


def _lines(path: Path) -> list[Mapping[str, Any]]:
    found = []
    for count, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            found.append(json.loads(line))
        except ValueError as error:
            raise Unusable(f"{path}:{count} is not JSON ({error}); copy it anew from the run") from error
    return found


COST = ("seconds", "cpu_seconds")


def _items(values: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[Figure | Sweep]:
    for key, value in values.items():
        if key == "machine" or (key in COST and not path):
            continue
        if isinstance(value, Mapping):
            yield from _items(value, (*path, key))
        elif isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
            if all({"name", "value"} <= set(row) for row in value):
                for row in value:
                    unit, over, error = row.get("unit", ""), row.get("over", ""), row.get("error")
                    yield Figure(path, key, row.get("key", ""), row["name"], float(row["value"]), unit, over, error)
            else:
                yield Sweep((*path, key), tuple(value))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            unit = "s" if key in COST else ""
            yield Figure(path, "", key, key.replace("_", " "), float(value), unit)
