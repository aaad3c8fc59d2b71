"""One HTML file: the document as it was written, a mark at every equation, its verdict and reading folded behind."""

from __future__ import annotations

from html import escape

from threefold.check.formats.text import MARKS, at, summary
from threefold.check.report import FileReport, LinkReport, Report

STYLE = """
:root { color-scheme: light dark; --ok: #1a7f37; --bad: #cf222e; --open: #9a6700; --mute: #656d76; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font: 13px/1.5 ui-monospace, monospace; }
details { border-left: 4px solid var(--mute); padding: .2rem .7rem; margin: .35rem 0; }
details.proved, details.proved-as-read { border-color: var(--ok); }
details.refuted, details.contradiction { border-color: var(--bad); }
details.undecided, details.not-read, details.two-readings { border-color: var(--open); }
summary { cursor: pointer; } summary b { display: inline-block; min-width: 1.4em; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .8rem; font-size: .9rem; }
dt { color: var(--mute); } dd { margin: 0; overflow-wrap: anywhere; } .count { color: var(--mute); }
"""


def write(report: Report) -> str:
    """The page. It asks nothing of any other file or host."""
    bodies = "\n".join(_file(file) for file in report.files)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>threefold check</title><style>{STYLE}</style></head>\n<body>\n{bodies}\n</body></html>\n"
    )


def _file(file: FileReport) -> str:
    """The lines of the document, the links of a display behind the line where it ends."""
    links: dict[int, list[LinkReport]] = {}
    for link in file.links:
        links.setdefault(_last_line(link), []).append(link)
    parts = [
        f"<h1>{escape(file.file)}</h1>",
        f'<p class="count">{escape(summary(file))}</p>',
    ]
    contexts = [f"context {c.name} from line {c.line} ({c.because})" for c in file.contexts]
    parts.append(f'<p class="count">{escape("; ".join(contexts))}</p>' if contexts else "")
    waiting: list[str] = []
    for number, line in enumerate(file.text.split("\n"), 1):
        waiting.append(line)
        if number in links:
            parts.append(f"<pre>{escape(chr(10).join(waiting))}</pre>")
            parts += [_link(link) for link in links.pop(number)]
            waiting = []
    parts.append(f"<pre>{escape(chr(10).join(waiting))}</pre>" if waiting else "")
    parts += [_link(link) for group in links.values() for link in group]
    return "\n".join(part for part in parts if part)


def _last_line(link: LinkReport) -> int:
    return link.line + link.tex.count("\n")


def _link(link: LinkReport) -> str:
    rows = [
        ("printed", link.tex),
        ("read as", link.reading),
        *(("note", note) for note in link.notes),
    ]
    rows += [
        ("because", link.reason),
        ("by", link.how),
        ("claims", ", ".join(link.claims)),
    ]
    rows += [("where", condition) for condition in link.side_conditions]
    if link.witness is not None:
        rows.append(("fails", at(link)))
    rows.append(("proved instead", link.repair))
    inner = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows if value)
    opened = " open" if link.verdict in ("refuted", "contradiction") else ""
    head = f"<b>{MARKS[link.verdict]}</b>{link.line}.{link.link} {escape(link.verdict)}"
    kind = link.verdict.replace(" ", "-")
    return f'<details class="{kind}"{opened}><summary>{head}</summary><dl>{inner}</dl></details>'
