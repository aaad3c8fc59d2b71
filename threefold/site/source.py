"""The code that claims are about, as pages: each file of `torch_impl` that cites a claim or runs an algorithm.

A docstring cites a claim by its id in backticks; a line does a step of an algorithm where it ends in the claim's tag,
`# 0A4G`. Both are found in the files as they stand, so that no page can point at a line that has moved away.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

import derivations
import torch_impl
from threefold.errors import Unusable
from threefold.site import words

PACKAGE = Path(torch_impl.__file__).parent
MARK = re.compile(r"\s+# ((?:[0-9A-Z]{4})(?:, [0-9A-Z]{4})*)$")
CITED = re.compile(r"`([a-z][\w.]*)`")


@dataclass(frozen=True)
class CodePlace:
    """A function, class or module: `path` is that of its file from the root of the repository."""

    path: str
    name: str
    line: int

    def url(self, up: str) -> str:
        return f"{up}source/{self.path.removesuffix('.py')}.html#L{self.line}"


@dataclass(frozen=True)
class Listing:
    """The source of one function without its docstring: the number of each line, and the line without its tags."""

    path: str
    name: str
    lines: tuple[tuple[int, str], ...]
    tags: Mapping[int, tuple[str, ...]]

    def marked(self, tag: str) -> list[int]:
        """The lines that do what the claim of this tag says."""
        return [number for number, tags in self.tags.items() if tag in tags]


@cache
def text(path: str) -> str:
    """Raises Unusable for a file that is not there."""
    file = PACKAGE.parent / path
    if not file.is_file():
        raise Unusable(f"there is no file {path}")
    return file.read_text(encoding="utf-8")


def _definitions(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield inside + node.name, node
            yield from _definitions(node, f"{inside}{node.name}.")


def listing(address: str) -> Listing:
    """The function that `torch_impl.samplers.ddim:ddim_step` names; of a class, `module:Class.method`."""
    module, _, name = address.partition(":")
    path = module.replace(".", "/") + ".py"
    for found, node in _definitions(ast.parse(text(path))):
        if found == name and isinstance(node, ast.FunctionDef):
            return _listed(path, name, node)
    raise Unusable(f"{path} defines no function {name!r}")


def _listed(path: str, name: str, node: ast.FunctionDef) -> Listing:
    said = node.body[0] if ast.get_docstring(node) else None
    left_out = range(said.lineno, (said.end_lineno or said.lineno) + 1) if said else range(0)
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    source = text(path).splitlines()
    lines, tags = [], {}
    for number in range(first, (node.end_lineno or first) + 1):
        if number in left_out:
            continue
        line = source[number - 1]
        if mark := MARK.search(line):
            tags[number] = tuple(mark[1].split(", "))
            line = line[: mark.start()]
        lines.append((number, line))
    return Listing(path, name, tuple(lines), tags)


@cache
def cited() -> Mapping[str, tuple[CodePlace, ...]]:
    """By claim, where docstrings of the training code cite it; the innermost place that does."""
    found: dict[str, list[CodePlace]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        path = file.relative_to(PACKAGE.parent).as_posix()
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for name, node in [("", tree), *_definitions(tree)]:
            for claim in CITED.findall(ast.get_docstring(node, clean=False) or ""):
                if claim in derivations.claims():
                    places = found.setdefault(claim, [])
                    places.append(CodePlace(path, name, getattr(node, "lineno", 1)))
    return {claim: tuple(dict.fromkeys(places)) for claim, places in found.items()}


def code_links(claim: str, up: str) -> str:
    """Where the training code does what a claim says: a link to each function, by its name; "" where none does."""
    return ", ".join(
        f'<a href="{place.url(up)}"><code>{escape(place.name or place.path)}</code></a>'
        for place in cited().get(claim, ())
    )


def highlighted(lines: list[str]) -> list[str]:
    """Each line of Python as HTML in the colours of the theme."""
    from pygments import highlight  # comes with mkdocs-material
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    drawn: str = highlight("\n".join(lines), PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return drawn.rstrip("\n").split("\n")


def block(path: str, lines: list[tuple[int, str]], up: str, tags: Mapping[int, tuple[str, ...]], anchors: str) -> str:
    """Numbered lines as HTML on one line; `anchors` begins the id of each; a tag stands at the line that does it."""
    titles = {claim.tag: claim.title for claim in derivations.claims().values()}
    rows = []
    for (number, _), code in zip(lines, highlighted([line for _, line in lines]), strict=True):
        name = f"{anchors}{number}"
        links = "".join(
            f' <a class="tf-tag" href="{up}tag/{tag}/index.html" title="{escape(titles[tag])}">{tag}</a>'
            for tag in tags.get(number, ())
        )
        on = ' class="tf-marked"' if links else ""
        rows.append(f'<span id="{name}"{on}><a class="tf-ln" href="#{name}">{number}</a>{code}{links}</span>')
    label = f"Source of {path}"
    inside = "&#10;".join(rows)
    return (
        f'<div class="highlight tf-source" data-search-exclude tabindex="0" role="region" aria-label="{label}">'
        f"<pre><code>{inside}</code></pre></div>"
    )


def page(path: str) -> str:
    """One file as Markdown of a page, every line with its number as its address."""
    up = "../" * (path.count("/") + 1)
    lines, tags = [], {}
    for number, line in enumerate(text(path).splitlines(), start=1):
        if mark := MARK.search(line):
            tags[number] = tuple(mark[1].split(", "))
            line = line[: mark.start()]
        lines.append((number, line))
    here: dict[str, None] = {}
    for claim, places in cited().items():
        if any(place.path == path for place in places):
            here[claim] = None
    named = "".join(
        f'<li><a class="tf-tag" href="{up}tag/{derivations.claims()[claim].tag}/index.html">'
        f"{derivations.claims()[claim].tag}</a> {words.html(derivations.claims()[claim].title)}</li>"
        for claim in here
    )
    said = f"<ul data-search-exclude>{named}</ul>" if named else ""
    front = "---\nhide: [navigation, toc]\nsearch:\n  exclude: true\n---\n"
    return f"{front}\n# {path}\n\n{said}\n\n{block(path, lines, up, tags, 'L')}\n"


def paths(listings: list[Listing]) -> list[str]:
    """Every file that is shown."""
    return sorted({place.path for places in cited().values() for place in places} | {one.path for one in listings})
