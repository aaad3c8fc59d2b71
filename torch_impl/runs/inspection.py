"""The data of a run before its first step: every file looked at, what is odd told, what changed since named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch_impl.data.folder import ImageFolder
from torch_impl.data.record import Changes, changes, file_digest, read_record
from torch_impl.data.scan import FileLook, scan
from torch_impl.runs.open import load_split
from torch_impl.runs.presets import DataChoice, Preset
from torch_impl.training.processes import Processes

__all__ = ["RECORD", "Inspected", "changed_since", "data_folder", "digests", "inspected"]

RECORD = "data.json"
"""The file of a run's folder that says which files it was trained on."""
_SHOWN = 1000  # bad files listed at once; more than so many are a number


@dataclass(frozen=True)
class Inspected:
    """Data that were looked at: the preset that leaves out what is to be left out, digests, and a line about them."""

    chosen: Preset
    files: Mapping[str, str]
    words: str
    remarks: tuple[str, ...] = ()


@contextmanager
def _silently(count: int) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


def data_folder(chosen: Preset) -> Path | None:
    """Where local data are; None for data made here."""
    if not chosen.data.is_local:
        return None
    return Path(chosen.data.root) if chosen.data.root is not None else Path("data") / chosen.data.name


def inspected(
    chosen: Preset,
    processes: Processes,
    skip_bad: bool,
    looking: Callable[[int], AbstractContextManager[Callable[[int], None]]] = _silently,
) -> Inspected:
    """Look at all data of a preset.

    Args:
        skip_bad: leave out images that cannot be used.
        looking: given how many images there are, what is told how many were looked at.

    Raises:
        ValueError: images cannot be used; all of them are listed.
    """
    train = load_split(chosen.data, "train")
    if not isinstance(train, ImageFolder):
        return Inspected(chosen, {path.name: file_digest(path) for path in train.files}, _words_of(chosen, train))
    everything: ImageFolder = load_split(chosen.data, "all")
    if not processes.is_main:
        processes.barrier()  # the first process looks, the others take what it kept
    with (looking if processes.is_main else _silently)(len(everything.paths)) as seen:
        found = scan(everything.root, everything.paths, seen=seen)
    if processes.is_main:
        processes.barrier()
    bad = {path: result.problem for path, result in found.items() if result.problem is not None}
    names = dict(zip(everything.paths, everything.names, strict=True))
    remarks = list(everything.remarks)
    if bad:
        if not skip_bad:
            raise ValueError(_all_bad(bad, len(found)))
        without = tuple(sorted({*chosen.data.without, *(names[path] for path in bad)}))
        chosen = dataclasses.replace(chosen, data=dataclasses.replace(chosen.data, without=without))
        train, everything = load_split(chosen.data, "train"), load_split(chosen.data, "all")
        remarks.append(f"left out, for they cannot be used: {_listed(sorted(names[path] for path in bad))}")
    files = {names[path]: result.digest for path, result in found.items() if path not in bad}
    files |= {path.name: file_digest(path) for path in getattr(train, "lists", ())}
    return Inspected(chosen, files, _words_of_images(chosen, everything, found, len(bad)), tuple(remarks))


def _all_bad(bad: Mapping[Path, str | None], of: int) -> str:
    lines = [
        f"  {path} {(problem or '').removesuffix('; repair or remove it')}"
        for path, problem in list(bad.items())[:_SHOWN]
    ]
    more = [f"  and {len(bad) - _SHOWN:,} more"] if len(bad) > _SHOWN else []
    one = len(bad) == 1
    return "\n".join(
        [
            f"{len(bad):,} of {of:,} images cannot be used:",
            *lines,
            *more,
            f"repair or remove {'it' if one else 'them'}, or go on without {'it' if one else 'them'} by --skip-bad",
        ]
    )


# -- words ------------------------------------------------------------------------------------------------------------


def _listed(names: list[str] | tuple[str, ...], most: int = 8) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _splits(chosen: Preset, train: Any) -> str:
    """How many examples each split has."""
    parts = {"train": len(train)}
    for split, words in (("val", "held out"), ("test", "test")):
        try:
            parts[words] = len(load_split(chosen.data, split))
        except (ValueError, OSError):
            continue
    return ", ".join(f"{words} {count:,}" for words, count in parts.items())


def _counts(data: Any) -> str:
    """The classes with how many examples each has."""
    if getattr(data, "words", None) is not None:
        return f"captions of up to {data.words.length} words out of {len(data.words.vocabulary)}"
    if data.classes is None:
        return "no classes"
    if data.labels is None:
        return f"{len(data.classes)} classes"
    counts = data.labels.bincount(minlength=len(data.classes)).tolist()
    shown = [f"{name} {count:,}" for name, count in zip(data.classes, counts, strict=True)]
    return f"{len(shown)} class{'es' if len(shown) != 1 else ''}: {_listed(shown, 12)}"


def _words_of(chosen: Preset, train: Any) -> str:
    if train.size is None:
        kind = "points" if len(train.shape) == 1 else f"images of {train.shape[1]}x{train.shape[2]}"
        return f"data: {train.name}, endless {kind}, {_counts(train)}"
    return f"data: {train.name}, {train.shape[1]}x{train.shape[2]}, {_splits(chosen, train)}; of train {_counts(train)}"


def _words_of_images(chosen: Preset, everything: ImageFolder, found: Mapping[Path, FileLook], bad: int) -> str:
    good = [result for result in found.values() if result.problem is None]
    sizes = sorted({(result.width * result.height, result.width, result.height) for result in good})
    span = f"{sizes[0][1]}x{sizes[0][2]}" + (f" to {sizes[-1][1]}x{sizes[-1][2]}" if len(sizes) > 1 else "")
    notes: dict[str, int] = {}
    for result in good:
        for note in result.notes:
            notes[note] = notes.get(note, 0) + 1
    skipped = {**everything.skipped, **({"cannot be decoded": bad} if bad else {})}
    words = [
        f"data: {len(everything):,} images in {everything.root}",
        _counts(everything),
        f"{span}, seen as {everything.shape[1]}x{everything.shape[2]}",
        _splits(chosen, load_split(chosen.data, "train")),
    ]
    if notes:
        words.append(
            ", ".join(
                f"{count:,} with {note}" if "profile" in note else f"{count:,} {note}" for note, count in notes.items()
            )
        )
    if skipped:
        words.append("skipped " + ", ".join(f"{count:,} {why}" for why, count in skipped.items()))
    return "; ".join(words)


# -- a run that is gone on with ----------------------------------------------------------------------------------------


def digests(chosen: DataChoice) -> dict[str, str]:
    """Digests of the files of local data by name; those of images were mostly kept when they were looked at."""
    train = load_split(chosen, "train")
    if not isinstance(train, ImageFolder):
        return {path.name: file_digest(path) for path in train.files}
    everything: ImageFolder = load_split(chosen, "all")
    found = scan(everything.root, everything.paths)
    files = {name: found[path].digest for path, name in zip(everything.paths, everything.names, strict=True)}
    return files | {path.name: file_digest(path) for path in getattr(train, "lists", ())}


def changed_since(out: Path, files: Mapping[str, str]) -> Changes | None:
    """What became of the files since a run began; None where its folder does not say which they were."""
    before = read_record(out / RECORD)
    return None if before is None else changes(before, files)
