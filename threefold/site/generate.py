"""Assembles what mkdocs builds the site from: the texts with directives expanded, the generated pages, the assets."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import derivations
from threefold.errors import Unusable
from threefold.site import (
    algorithms,
    bibliography,
    blocks,
    browser,
    chapters,
    cited,
    errata,
    evidence,
    experiments,
    figures,
    filling,
    graph,
    own,
    pages,
    prose,
    source,
    tag_page,
    trust,
    widgets,
)
from threefold.site.book import Book
from threefold.site.chapters import Chapter
from threefold.site.runs import Run, runs

MARK = ".written-by-threefold-pages"
"""A file in every folder that `generate` wrote, and so may replace; mkdocs leaves it out."""


def check_replaceable(folder: Path) -> None:
    """Raises Unusable where `folder` holds what `generate` did not write."""
    if not folder.is_dir() or folder.is_symlink():
        if folder.exists() or folder.is_symlink():
            raise Unusable(f"{folder} is not a folder of its own; name another with --out")
    elif any(folder.iterdir()) and not (folder / MARK).exists():
        raise Unusable(
            f"{folder} holds files that this command did not write, and writing would replace them; name another "
            "folder with --out, or empty this one"
        )


def generate(docs: Path, ledger: Path, out: Path, say: Callable[[str], None] = print) -> dict[str, int]:
    """Write the whole source of the site below `out`; returns counts for the last message.

    Beside it: `tex.json`, what was typeset, and `formulas.json`, which `filling` puts into the pages that are built.

    `say` is told what was left out.

    Raises Unusable when a text names what does not exist, the ledger does not fit the claims, or `out` holds what was
    not written here.
    """
    fresh = out.with_name(out.name + ".new")
    for folder in (out, fresh):
        check_replaceable(folder)
    if not docs.is_dir():
        raise Unusable(f"there is no folder {docs}; run this in the root of the repository, or name it with --docs")
    book = Book.open(ledger)
    with ProcessPoolExecutor(max_workers=1) as beside, ThreadPoolExecutor(max_workers=1) as fetching:
        book.gather = beside.submit(evidence.gather).result
        book.figures = beside.submit(figures.draw_all).result
        texts = {
            path.relative_to(docs).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted(docs.rglob("*.md"))
            if "assets" not in path.relative_to(docs).parts
        }
        found = chapters.read(texts, book)
        recorded = {run.name: run for run in runs(docs)}
        for name, run in recorded.items():
            texts.setdefault(f"experiments/{name}.md", experiments.plain_page(run))
        texts = {path: text for path, text in texts.items() if _is_shown(path, recorded)}
        graphs = graph.Graphs()
        formulas: dict[str, str] = {}
        shutil.rmtree(fresh, ignore_errors=True)
        _write(fresh / MARK, "")
        shutil.copytree(docs / "assets", fresh / "assets", ignore=shutil.ignore_patterns("screenshots"))
        vendored = fetching.submit(browser.vendor, fresh / "assets" / "own")
        book.judge_all()  # here, while the other process gathers and draws
        book.runtime = _runtime(vendored, say)
        for name, lines in own.lines() if book.runtime else ():
            _write(fresh / "assets" / "own" / "lines" / f"{name}.json", lines)
        _write(fresh / "assets" / "javascripts" / "symbols.js", pages.symbols_script())
        _write(fresh / "assets" / "claims.json", cited.claims(book))
        for path, text in texts.items():
            up = "../" * path.count("/")
            where = os.path.relpath(docs / path)
            table = directives(book, graphs, found, path, docs, texts)
            told = prose.expand(experiments.with_trail(path, text, list(recorded)), where, book, up, table)
            _write(fresh / path, filling.set_aside(told, formulas))
        for name, claim in derivations.claims().items():
            home = next((chapter for chapter in found if name in chapter.claims), None)
            told = tag_page.tag_page(book, graphs, name, home, docs)
            _write(fresh / "tag" / claim.tag / "index.md", filling.set_aside(told, formulas))
        shown = [listing for algorithm in algorithms.every(docs) for listing in algorithm.listings]
        for path in source.paths(shown):
            _write(fresh / "source" / path.replace(".py", ".md"), source.page(path))
    _write(out.with_name("formulas.json"), json.dumps(formulas, ensure_ascii=False))
    _write(out.with_name("tex.json"), json.dumps(book.typesetter.drawn, indent=0, sort_keys=True, ensure_ascii=False))
    shutil.rmtree(out, ignore_errors=True)
    fresh.rename(out)
    return {
        "texts": len(texts),
        "tags": len(book.ledger),
        "experiments": len(recorded),
        "formulas": len(book.typesetter.drawn),
    }


def _runtime(vendored: Future[browser.Runtime], say: Callable[[str], None]) -> browser.Runtime | None:
    """What "Check your own" runs on; None where it is not to be had, which is said and stops nothing."""
    try:
        return vendored.result()
    except browser.NotBuilt as reason:
        say(f"the site is built without the page Check your own: {reason}")
        return None


def _is_shown(path: str, recorded: Mapping[str, object]) -> bool:
    """The text about a run is left out while the run is not recorded."""
    folder, _, name = path.rpartition("/")
    return folder != "experiments" or name == "index.md" or name.removesuffix(".md") in recorded


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _samplers() -> str:
    """The table of the samplers; loads PyTorch."""
    from torch_impl.samplers.registry import table

    return table()


def _metrics() -> str:
    """The table of the metrics; loads PyTorch."""
    from torch_impl.evaluation.registry import table

    return table()


def _datasets() -> str:
    """The table of the data sets; loads PyTorch."""
    from torch_impl.data.catalogue import table

    return table()


def directives(
    book: Book, graphs: graph.Graphs, found: list[Chapter], path: str, docs: Path, texts: Mapping[str, str]
) -> Mapping[str, prose.Directive]:
    """What each directive of the text at `path` turns into."""
    here = next((chapter.claims for chapter in found if chapter.path == path), ())

    def claims(show: prose.Directive) -> prose.Directive:
        return lambda argument, up: "\n\n".join(show(name, up) for name in chapters.ids(argument))

    def claim(name: str) -> derivations.Claim:
        return book.claim(name, "directive")

    def exercise(argument: str, up: str) -> str:
        name, *parts = argument.split() or [""]
        return blocks.solution(book, book.exercise(name, "directive"), parts, up)

    def run(show: Callable[[Run], str]) -> prose.Directive:
        return lambda name, _: show(experiments.of(docs, name))

    return {
        "derivation": claims(lambda name, up: blocks.derivation(book, claim(name), up)),
        "derivation-shown": claims(lambda name, up: blocks.derivation(book, claim(name), up)),
        "statement": claims(lambda name, up: blocks.statements(book, claim(name), up)),
        "exercise": exercise,
        "rests-on": claims(lambda name, up: graph.rests_on(book, graphs, claim(name).id, up)),
        "symbols": lambda _, up: pages.symbols_used(book, here, up),
        "errata": lambda argument, up: errata.some(book, chapters.ids(argument), up),
        "errata-of": lambda text, up: errata.of_text(book, text, up),
        "errata-index": lambda _, up: errata.index(book, up),
        "editorial": lambda _, up: errata.editorial(),
        "counts": lambda _, up: pages.counts(book),
        "kernel-rooms": lambda _, up: trust.rooms(),
        "ledger-counts": lambda _, up: trust.evidence(book),
        "sabotage": lambda _, up: trust.mistakes(docs / "assets" / "records" / "sabotage.json", list(book.ledger)),
        "map": lambda _, up: graph.overview(book, graphs, found, up),
        "legend": lambda _, up: pages.legend(),
        "badges": lambda _, up: pages.badge_legend(),
        "status": lambda _, up: pages.status(book, up),
        "rules": lambda _, up: pages.rules_table(book),
        "assumptions": lambda _, up: pages.assumptions(book, up),
        "hypotheses": lambda _, up: pages.hypotheses(book, up),
        "vacuity": lambda _, up: pages.vacuity(book),
        "tests-of-the-checker": lambda _, up: pages.tests_of_the_checker(book, docs.parent),
        "notation": lambda _, up: pages.notation(book, up),
        "signs": lambda _, up: pages.signs(book),
        "chapters": lambda _, up: pages.chapter_list(book, found, up),
        "bibliography": lambda _, up: bibliography.page(docs, up),
        "figure": lambda name, _: figures.named(name, book.figures),
        "algorithm": lambda name, up: algorithms.box(book, docs, name, up),
        "experiments": lambda _, up: experiments.listing(docs, texts, up),
        "run-facts": run(experiments.facts),
        "run-asked": run(experiments.asked),
        "run-losses": run(experiments.losses),
        "run-pictures": lambda name, up: experiments.pictures(experiments.of(docs, name), up),
        "run-figures": run(experiments.figures),
        "run-configuration": run(experiments.configuration),
        "datasets": lambda _, up: _datasets(),
        "metrics": lambda _, up: _metrics(),
        "samplers": lambda _, up: _samplers(),
        "widget": partial(widgets.element, book),
        "check-your-own": partial(own.form, book),
    }
