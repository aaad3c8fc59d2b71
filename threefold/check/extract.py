"""Find the displays of a document: where each one stands, what was said before it, which comments rule from there on.

Markdown's code, comments and front matter are found by markdown-it and blanked out, so that every place in what is
left is a place in the file; delimiters are then looked for in one pass. A display is `$$...$$`, `\\[...\\]`, an
environment, a fence or directive of mathematics; a tight `$$x$$` inside a sentence is inline, as kramdown has it.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DISPLAY_ENVIRONMENTS = [
    "equation",
    "align",
    "gather",
    "multline",
    "eqnarray",
    "displaymath",
    "flalign",
    "alignat",
    "dmath",
    "math",
    "subequations",
    "aligned",
    "split",
]
_ENVIRONMENT = r"\\begin\{(?P<env>(?:" + "|".join(DISPLAY_ENVIRONMENTS) + r")\*?)\}"
_OPENING = re.compile(
    r"(?P<escaped>\\\\(?!\[)|\\\$)|(?P<dollars>\$\$)|(?P<dollar>\$)|(?P<bracket>\\\[)|(?P<round>\\\()|" + _ENVIRONMENT
)
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
_BACKTICKS = re.compile(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", re.DOTALL)
_MARKERS = re.compile(r"^[\s>]*(?:[-*+]|\d+[.)])?\s*$")
LARGEST = 10_000_000  # bytes of one file
BEFORE = 600  # characters of prose before a display that may say what it is


@dataclass(frozen=True)
class Display:
    """One formula: its LaTeX, the line and column (from 1) where it starts, the prose before and after it."""

    tex: str
    line: int
    column: int
    before: str = ""
    after: str = ""
    inline: bool = False
    file: str = ""
    offset: int = 0

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of the character `at` of the formula."""
        head = self.tex[: max(0, at)]
        lines = head.count("\n")
        return self.line + lines, (len(head) - head.rfind("\n")) if lines else self.column + len(head)


@dataclass
class Extracted:
    """What one file holds. `settings`: (line, key, value) from front matter and comments, in order."""

    text: str
    displays: list[Display] = field(default_factory=list)
    inline: list[Display] = field(default_factory=list)
    settings: list[tuple[int, str, Any]] = field(default_factory=list)


class _Lines:
    def __init__(self, text: str) -> None:
        self.starts = [0, *(m.end() for m in re.finditer("\n", text))]

    def of(self, offset: int) -> tuple[int, int]:
        line = bisect.bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1


# --- Markdown ---------------------------------------------------------------------------------------------------------


def markdown(text: str, file: str = "", first_line: int = 1) -> Extracted:
    """The displays of a Markdown text."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.front_matter import front_matter_plugin
    from mdit_py_plugins.myst_blocks import myst_block_plugin

    parser = MarkdownIt("commonmark").enable("table").use(front_matter_plugin).use(myst_block_plugin)
    parser.disable(["html_block", "reference", "lheading"])  # mathematics may look like these
    blanked = list(text)
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    found = Extracted(text)
    for token in parser.parse(text):
        if token.map is None:
            continue
        start, end = starts[token.map[0]], starts[min(token.map[1], len(lines))]
        if token.type == "front_matter":
            found.settings += [(1, "front matter", token.content)]
            _blank(blanked, start, end)
        elif token.type == "fence":
            info = token.info.strip().lower()
            _blank(blanked, start, end)
            if info.split(" ")[0] in ("math", "{math}", "latex-math", "tex-math"):
                body = re.sub(
                    r"^(?::\w+:.*\n)+\s*",
                    lambda m: re.sub(r"[^\n]", " ", m.group()),
                    token.content,
                )
                offset = text.find(token.content, start)
                found.displays.append(_display(text, body, max(offset, start), file, first_line))
        elif token.type == "code_block":
            _blank_code(text, blanked, start, end)
    _blank_spans(blanked, found, _Lines(text), first_line)
    _scan("".join(blanked), text, found, file, first_line)
    return found


def _blank(characters: list[str], start: int, end: int) -> None:
    for place in range(start, end):
        if characters[place] != "\n":
            characters[place] = " "


def _blank_code(text: str, characters: list[str], start: int, end: int) -> None:
    """Indented code is code, unless it lies inside a display (a formula may be indented by four)."""
    if "$$" not in text[start:end] and text[:start].count("$$") % 2 == 0 and "\\begin{" not in text[start:end]:
        _blank(characters, start, end)


def _blank_spans(characters: list[str], found: Extracted, lines: _Lines, first_line: int) -> None:
    """Comments (which may hold settings) and code spans."""
    text = "".join(characters)
    for comment in _COMMENT.finditer(text):
        said = re.match(r"\s*threefold:\s*(.*)", comment.group(1), re.DOTALL)
        if said:
            found.settings.append(
                (
                    lines.of(comment.start())[0] + first_line - 1,
                    "comment",
                    said.group(1),
                )
            )
        _blank(characters, comment.start(), comment.end())
    text = "".join(characters)
    for span in _BACKTICKS.finditer(text):
        if "\n\n" in span.group():
            continue
        inner = span.group(2)
        start, end = span.span()
        if text[max(0, start - 1) : start] == "$" and text[end : end + 1] == "$":  # GitHub's $`x`$
            _blank(characters, start, start + len(span.group(1)))
            _blank(characters, end - len(span.group(1)), end)
        elif inner:
            _blank(characters, start, end)


def _scan(blanked: str, text: str, found: Extracted, file: str, first_line: int) -> None:
    place = 0
    while (opening := _OPENING.search(blanked, place)) is not None:
        start, inner = opening.span()
        kind = opening.lastgroup
        if kind == "escaped":
            place = inner
            continue
        if kind == "dollars":
            end, after = _closing(blanked, inner, "$$")
        elif kind == "dollar":
            end, after = _closing(blanked, inner, "$", paragraph=True)
        elif kind == "bracket":
            end, after = _closing(blanked, inner, r"\]")
        elif kind == "round":
            end, after = _closing(blanked, inner, r"\)", paragraph=True)
        else:
            closing = rf"\end{{{opening.group('env')}}}"
            end, after = _closing(blanked, inner, closing)
            inner, end = start, after
        if end < 0:
            place = opening.end()
            continue
        place = after
        body = text[inner:end]
        if not body.strip():
            continue
        inline = _is_inline(blanked, kind or "", start, inner, end, after)
        display = _display(text, body, inner, file, first_line, inline, start, after)
        (found.inline if inline else found.displays).append(display)
    found.displays.sort(key=lambda d: d.offset)


def _closing(text: str, start: int, sign: str, paragraph: bool = False) -> tuple[int, int]:
    """Where the formula ends and where its delimiter ends; (-1, ...) if it never does."""
    place = start
    while (end := text.find(sign, place)) >= 0:
        if sign in ("$", "$$") and text[end - 1] == "\\" and text[end - 2 : end] != "\\\\":
            place = end + 1
            continue
        if paragraph and (blank := re.search(r"\n\s*\n", text[start:end])) is not None and blank:
            return -1, start
        return end, end + len(sign)
    return -1, start


def _is_inline(text: str, kind: str, start: int, inner: int, end: int, after: int) -> bool:
    """Is the formula part of a sentence?"""
    if kind in ("bracket", "env") or kind not in ("dollars", "dollar", "round"):
        return False
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", after)
    head, tail = (
        text[line_start:start],
        text[after : line_end if line_end >= 0 else len(text)],
    )
    padded = text[inner : inner + 1].isspace() and text[end - 1 : end].isspace()
    if kind == "dollars":
        if padded:
            return False
        return not (_MARKERS.match(head) and not tail.strip(" .,;:\t"))
    if kind == "dollar":
        return not (padded and not head.strip() and not tail.strip())
    return True


def _display(
    text: str,
    body: str,
    offset: int,
    file: str,
    first_line: int,
    inline: bool = False,
    start: int = -1,
    after: int = -1,
) -> Display:
    line, column = _Lines(text[:offset] + "x").of(offset) if len(text) < 20_000 else _place(text, offset)
    start = offset if start < 0 else start
    after = offset + len(body) if after < 0 else after
    before = text[max(0, start - BEFORE) : start]
    return Display(
        _unquoted(text, offset, body),
        line + first_line - 1,
        column,
        before,
        text[after : after + 200],
        inline,
        file,
        offset,
    )


def _unquoted(text: str, offset: int, body: str) -> str:
    """Without the > before every line, where the display stands in a quotation."""
    opening = text[text.rfind("\n", 0, offset) + 1 : offset]
    if not re.match(r"\s*(?:[-*+]\s+)?>", opening):
        return body
    return re.sub(r"\n[ \t]*(?:>[ \t]?)+", lambda m: "\n" + " " * (len(m.group()) - 1), body)


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


# --- LaTeX ------------------------------------------------------------------------------------------------------------


_INPUT = re.compile(r"\\(?:input|include)\s*\{([^}]*)\}")
_VERBATIM = re.compile(r"\\begin\{(verbatim|lstlisting|minted|comment)\*?\}.*?\\end\{\1\*?\}", re.DOTALL)


def latex(
    text: str,
    file: str = "",
    folder: Path | None = None,
    seen: frozenset[Path] = frozenset(),
) -> list[Extracted]:
    """The displays of a LaTeX text and of the files in its folder that it inputs, in order of the files."""
    blanked = list(text)
    found = Extracted(text)
    lines = _Lines(text)
    for comment in re.finditer(r"(?<!\\)%(.*)", text):
        said = re.match(r"\s*threefold:\s*(.*)", comment.group(1))
        if said:
            found.settings.append((lines.of(comment.start())[0], "comment", said.group(1)))
        _blank(blanked, *comment.span())
    for verbatim in _VERBATIM.finditer("".join(blanked)):
        _blank(blanked, *verbatim.span())
    for definition in re.finditer(
        r"\\(?:re|provide)?newcommand\*?.*|\\def\\.*|\\DeclareMathOperator.*",
        "".join(blanked),
    ):
        _blank(blanked, *definition.span())
    clean = "".join(blanked)
    _scan(clean, clean, found, file, 1)
    parts = [found]
    for include in _INPUT.finditer(clean):
        path = _included(include.group(1).strip(), folder)
        if path is None or path in seen:
            continue
        inner = read_text(path)
        parts += latex(inner, str(path), folder, seen | {path})
    return parts


def _included(name: str, folder: Path | None) -> Path | None:
    """The file that is meant, if it lies in the document's own folder."""
    if folder is None or not name:
        return None
    for candidate in (folder / name, folder / f"{name}.tex"):
        if candidate.is_file() and candidate.resolve().is_relative_to(folder.resolve()):
            return candidate.resolve()
    return None


# --- files ------------------------------------------------------------------------------------------------------------


def read_text(path: Path) -> str:
    """The file's text; ValueError where it is too large, binary or not UTF-8."""
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"it has {size / 1e6:.0f} MB, and a document may have {LARGEST / 1e6:.0f}: split it")
    data = path.read_bytes()
    if b"\0" in data:
        raise ValueError("it is a binary file: name a text")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as reason:
        place = f"byte {reason.start}, line {data[: reason.start].count(bytes([10])) + 1}"
        raise ValueError(f"it is not UTF-8 ({place}): save it as UTF-8") from reason
