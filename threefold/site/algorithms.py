"""Algorithms as boxes: each step in words, with the equation that was checked, its tag, and the line that runs it.

A file of docs/algorithms says the steps in their order. Which line does a step stands in the code itself: it ends in
the tag of the step's claim. What came out is a picture of a recorded run.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from html import escape
from pathlib import Path

from threefold.errors import Unusable
from threefold.site import blocks, experiments, prose, source
from threefold.site.book import Book

MOST_LINES = 60


@dataclass(frozen=True)
class AlgorithmStep:
    """`says` is a sentence with expressions in {{ }}; `shows` is the number of the claim's statement, from 1."""

    says: str
    claim: str = ""
    shows: int = 0
    depth: int = 0


@dataclass(frozen=True)
class Algorithm:
    """`path` is the file that says it; `functions` run it, `run` and `picture` name what came out."""

    path: str
    title: str
    functions: tuple[str, ...]
    steps: tuple[AlgorithmStep, ...]
    run: str = ""
    picture: str = ""

    @property
    def name(self) -> str:
        return Path(self.path).stem

    @property
    def listings(self) -> list[source.Listing]:
        return [source.listing(address) for address in self.functions]


def read(path: Path) -> Algorithm:
    """Raises Unusable, naming the file, for what is no algorithm."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        steps = tuple(AlgorithmStep(**step) for step in content.pop("steps"))
        functions = tuple(content.pop("functions"))
        return Algorithm(str(path), functions=functions, steps=steps, **content)
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise Unusable(f"{path} is not an algorithm: {error}") from error


def every(docs: Path) -> list[Algorithm]:
    return [read(path) for path in sorted((docs / "algorithms").glob("*.toml"))]


def line_of(book: Book, algorithm: Algorithm, step: AlgorithmStep) -> tuple[source.Listing, int] | None:
    """Where the code does this step; None for a step without a claim. Raises Unusable unless one line says so."""
    if not step.claim:
        return None
    tag = book.claim(step.claim, algorithm.path).tag
    found = [(listing, number) for listing in algorithm.listings for number in listing.marked(tag)]
    if len(found) != 1:
        where = ", ".join(algorithm.functions)
        raise Unusable(f"{algorithm.path}: {len(found)} lines of {where} end in '# {tag}' ({step.claim}); one must")
    return found[0]


def box(book: Book, docs: Path, name: str, up: str) -> str:
    """The algorithm as HTML on one line."""
    algorithm = read(docs / "algorithms" / f"{name}.toml")
    length = sum(len(listing.lines) for listing in algorithm.listings)
    if length > MOST_LINES:
        raise Unusable(
            f"{algorithm.path}: its code has {length} lines, more than the {MOST_LINES} that a reader takes in"
        )
    steps = "".join(_step(book, algorithm, step, up) for step in algorithm.steps)
    listings = algorithm.listings
    code = "".join(
        _code(algorithm, listing, up, named=number == 0 or listings[number - 1].path != listing.path)
        for number, listing in enumerate(listings)
    )
    return blocks.one_line(
        f'<section class="tf-algorithm" id="algorithm-{algorithm.name}">'
        f'<p class="tf-algorithm-title"><strong>Algorithm.</strong> {escape(algorithm.title)}</p>'
        f'<ol class="tf-steps">{steps}</ol>{code}{_outcome(algorithm, docs, up)}</section>'
    )


def _step(book: Book, algorithm: Algorithm, step: AlgorithmStep, up: str) -> str:
    said = prose.inline(escape(step.says, quote=False), algorithm.path, book, up)
    found = line_of(book, algorithm, step)
    shown = links = ""
    if found is not None:
        listing, number = found
        claim = book.claim(step.claim, algorithm.path)
        if step.shows:
            says = claim.says[step.shows - 1]
            drawn = book.typesetter.statement(says, f"{claim.id}, statement {step.shows}")
            shown = f'<div class="tf-math" data-search-exclude tabindex="0" role="math">{drawn}</div>'
        links = (
            f' <span class="tf-from">{blocks.tag_link(book, claim.id, up)} · '
            f'<a href="#{_anchor(algorithm, listing)}{number}">line {number}</a></span>'
        )
    inner = f' class="tf-depth-{step.depth}"' if step.depth else ""
    return f"<li{inner}>{said}{links}{shown}</li>"


def _anchor(algorithm: Algorithm, listing: source.Listing) -> str:
    return f"{algorithm.name}-{listing.name.replace('.', '-').lower()}-"


def _code(algorithm: Algorithm, listing: source.Listing, up: str, *, named: bool) -> str:
    place = source.CodePlace(listing.path, listing.name, listing.lines[0][0])
    shown = source.block(listing.path, list(listing.lines), up, listing.tags, _anchor(algorithm, listing))
    file = f'<p class="tf-file"><a href="{place.url(up)}"><code>{listing.path}</code></a></p>' if named else ""
    return file + shown


def _outcome(algorithm: Algorithm, docs: Path, up: str) -> str:
    """The picture of the run, with a link to what is said of it."""
    if not algorithm.run:
        return ""
    run = experiments.of(docs, algorithm.run)
    chosen = [path for path in run.pictures if path.name == algorithm.picture]
    if not chosen:
        names = ", ".join(path.name for path in run.pictures)
        raise Unusable(f"{algorithm.path}: the run {run.name} has no picture {algorithm.picture!r}; it has {names}")
    made = f' From the run <a href="{up}experiments/{run.name}.html">{run.name}</a>.'
    return f'<div class="tf-pictures">{experiments.picture(chosen[0], run, up, made)[1]}</div>'
