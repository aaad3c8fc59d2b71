"""What the runs were asked to reach, set before they were made; a page shows each beside what came out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from threefold.errors import Unusable
from threefold.site.runs import Figure, Run, number


@dataclass(frozen=True)
class Aim:
    """Figures by their addresses; the worst of them counts.

    It is held against a bound or, pair by pair, `against` other figures; `beside` is one that the reader needs in order
    to judge it.
    """

    words: str
    figure: tuple[str, ...]
    at_least: float | None = None
    at_most: float | None = None
    against: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


def aims(preset: str) -> list[Aim]:
    """What the file of a preset wants its experiment to reach.

    Raises:
        Unusable: an aim has no figure, or a field that there is not.
    """
    path = Path(str(files("torch_impl"))) / "presets" / f"{preset}.toml"
    if not path.is_file():
        return []
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("experiment", {}).get("aims", [])
    try:
        return [_aim(row) for row in rows]
    except TypeError as error:
        raise Unusable(f"{path}: an aim is not as it should be ({error})") from error


_PLACES = ("figure", "against", "beside")


def _aim(row: Mapping[str, Any]) -> Aim:
    values: dict[str, Any] = {name: _addresses(x) if name in _PLACES else x for name, x in row.items()}
    return Aim(**values)


def _addresses(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _found(run: Run, addresses: tuple[str, ...]) -> list[Figure]:
    return [figure for address in addresses for figure in run.at(address)]


@dataclass(frozen=True)
class Outcome:
    """An aim, what was reached, and whether that is enough; None where it was not measured, or not as asked."""

    words: str
    reached: str
    met: bool | None


def outcomes(run: Run) -> list[Outcome]:
    """How each aim for this run came out."""
    return [_outcome(aim, run) for aim in aims(run.name)]


def _outcome(aim: Aim, run: Run) -> Outcome:
    timed = aim.figure == ("seconds",)
    if timed:
        seconds = run.results.get("seconds")
        found = [] if seconds is None else [Figure((), "", "seconds", "seconds", float(seconds), "s")]
    else:
        found = _found(run, aim.figure)
    if not found:
        return Outcome(aim.words, "not measured", None)
    if aim.against:
        others = _found(run, aim.against)
        pairs = list(zip(found, others, strict=False))
        kept = sum(1 for low, high in pairs if low.value <= high.value)
        met = len(found) == len(others) and kept == len(found)
        return Outcome(aim.words, f"{kept} of {len(found)}", met)
    low, high = min(found, key=lambda f: f.value), max(found, key=lambda f: f.value)
    met = (aim.at_least is None or low.value >= aim.at_least) and (aim.at_most is None or high.value <= aim.at_most)
    worst = low if aim.at_most is None else high
    if timed:
        minutes = f"{worst.value / 60:.1f} minutes"
        if run.resumed_at:
            return Outcome(aim.words, f"{minutes}, but only of the part from step {run.resumed_at:,} on", None)
        return Outcome(aim.words, minutes, met)
    reached = worst.shown() + (f" (worst of {len(found)})" if len(found) > 1 else "")
    for other in _found(run, aim.beside):
        reached += f"; {other.name} {other.shown()}"
    return Outcome(aim.words, reached, met)


def _everywhere(run: Run, key: str) -> list[Figure]:
    """The figures of a key, whatever the variant."""
    return [figure for figure in run.figures if f"{figure.metric}.{figure.key}" == key]


def remarks(run: Run) -> list[str]:
    """What the figures say that a headline would leave out."""
    said = []
    for variant, lines in run.curves.items():
        held_out = [
            (line["step"], line["validation_loss"]) for line in lines if line.get("validation_loss") is not None
        ]
        if len(held_out) < 2:
            continue
        best, last = min(held_out, key=lambda point: point[1]), held_out[-1]
        if last[1] > 1.02 * best[1]:
            of = f"{variant}: on" if variant else "On"
            said.append(
                f"{of} held-out examples the loss was lowest at step {best[0]:,} ({best[1]:.4f}) and {last[1]:.4f} at "
                f"step {last[0]:,}. From there on the training examples were fitted more closely, and others less well."
            )
    near, real, copied = (_everywhere(run, f"copies.{key}") for key in ("samples", "real", "copied"))
    closer = [pair for pair in zip(near, real, copied, strict=False) if pair[0].value < pair[1].value]
    if closer:
        low, other, share = max(closer, key=lambda pair: pair[1].value - pair[0].value)
        at = f" ({' '.join(low.path)})" if low.path else ""
        said.append(
            f"Samples lie nearer to training images than real images that were held out do: the median distance is "
            f"{number(low.value)} against {number(other.value)}{at}. {number(share.value)} % of the samples are nearer "
            "than all but 1 % of the held-out images are; by chance it would be 1 %."
        )
    return said
