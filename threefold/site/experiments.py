"""Pages of real training runs, from what each run left in docs/assets/runs: config.json, results.json, pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from threefold.errors import Unusable


def runs(docs: Path) -> list[Path]:
    """The folders of the runs, by name."""
    folder = docs / "assets" / "runs"
    return sorted(path.parent for path in folder.glob("*/results.json")) if folder.is_dir() else []


def _read(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Unusable(f"{path} is not JSON ({error}); copy it anew from the run") from error
    return content if isinstance(content, dict) else {"values": content}


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested values as dotted names, for a table."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from flat(value, f"{name}.")
        elif isinstance(value, float):
            yield name, f"{value:.6g}"
        elif isinstance(value, list) and len(value) > 12:
            yield name, f"{len(value)} values"
        else:
            yield name, str(value)


def _table(values: Mapping[str, Any], label: str) -> str:
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in flat(values))
    scrolling = f'<div class="tf-scroll" tabindex="0" role="region" aria-label="{label}">'
    return f"{scrolling}<table><tbody>{rows}</tbody></table></div>"


def write_pages(docs: Path, out: Path) -> int:
    """One page a run; returns how many."""
    found = runs(docs)
    for folder in found:
        config, results = _read(folder / "config.json"), _read(folder / "results.json")
        text = next((p.read_text(encoding="utf-8") for p in [folder / "about.md"] if p.is_file()), "")
        pictures = "\n\n".join(
            f"![{escape(path.stem.replace('_', ' ').replace('-', ' '))}](../assets/runs/{folder.name}/{path.name})"
            "{ loading=lazy }"
            for path in sorted(folder.glob("*.png"))
        )
        facts = [f"{key} {config[key]}" for key in ("seed", "commit", "steps") if key in config]
        lines = [f"# Run: {folder.name}", "", " · ".join(facts), "", text, "", pictures, "", "## Results", ""]
        lines += [_table(results, "Results"), "", "## Configuration", "", _table(config, "Configuration"), ""]
        page = out / "experiments" / f"{folder.name}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("\n".join(lines), encoding="utf-8")
    return len(found)


def listing(docs: Path, up: str) -> str:
    """Links to the runs, with the first picture of each; a plain sentence while there is none."""
    found = runs(docs)
    if not found:
        return "<p>No run has been recorded in this build.</p>"
    cards = []
    for folder in found:
        picture = next(iter(sorted(folder.glob("*.png"))), None)
        shown = f'<img src="{up}assets/runs/{folder.name}/{picture.name}" alt="" loading="lazy">' if picture else ""
        name = f"<span>{escape(folder.name)}</span>"
        cards.append(f'<a class="tf-card" href="{up}experiments/{folder.name}.html">{shown}{name}</a>')
    return f'<div class="tf-cards">{"".join(cards)}</div>'
