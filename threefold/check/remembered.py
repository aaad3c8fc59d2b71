"""Answers remembered by content: the task, and every file that may change its answer."""

from __future__ import annotations

import hashlib
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

from threefold.check.tasks import Answer, Task


def key(task: Task) -> str:
    """A word for the content of a task and for everything that may change its answer."""
    return hashlib.sha256(pickle.dumps((_sources(), _without_places(task)))).hexdigest()[:40]


_SOURCES: list[str] = []


def _sources() -> str:
    """A hash of the files that decide: this package and the derivations."""
    if not _SOURCES:
        import derivations

        digest = hashlib.sha256()
        assert derivations.__file__ is not None
        for folder in (Path(derivations.__file__).parent, Path(__file__).parent):
            for path in sorted(folder.rglob("*.py")):
                digest.update(path.read_bytes())
        _SOURCES.append(digest.hexdigest())
    return _SOURCES[0]


def _without_places(task: Task) -> Any:
    return repr(replace(task, seconds=0.0)), task.seconds


def recall(path: Path) -> Answer | None:
    """The answer that was remembered, if it can be read."""
    import json

    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        made = {k: _tuples(v) for k, v in fields.items()}
        return replace(Answer(**made), seconds=0.0)
    except (OSError, ValueError, TypeError):
        return None


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def remember(path: Path, answer: Answer) -> None:
    """Keep the answer; a disk that refuses is no reason to stop."""
    import json
    import tempfile
    from dataclasses import asdict

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as stream:
            json.dump(asdict(answer), stream)
        os.replace(stream.name, path)
    except OSError:
        return


def cache_folder() -> Path:
    """Where answers are remembered: in $THREEFOLD_CACHE, else in the user's cache folder."""
    own = os.environ.get("THREEFOLD_CACHE")
    home = Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "threefold"
    return home / "check"
