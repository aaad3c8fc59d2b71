"""Every claim that code or documentation cites is in the ledger, or is written `planned:` until it is."""

from __future__ import annotations

import builtins
import csv
import importlib.util
import re
from collections.abc import Iterator
from functools import cache

import pytest
from sources import PACKAGES, ROOT, Source, read

from derivations import claims

DOTTED = r"(planned:)?([a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+)"
QUOTED = re.compile(rf"`{DOTTED}`")
BARE = re.compile(rf"(?<![\w.:/`])(?<!`planned:){DOTTED}(?![\w(/*]|\.[\w*])")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
FILES = ("csv", "html", "js", "json", "jsonl", "md", "npy", "png", "pt", "pt2", "py", "safetensors", "toml", "txt")
VARIABLES = {"case", "config", "diffusion", "ema", "self"}  # `case.rng` is an attribute, no claim
METHODS = {"vae.decode"}  # in an example of code


@cache
def tagged() -> frozenset[str]:
    with (ROOT / "derivations" / "tags.csv").open(newline="") as table:
        return frozenset(row["id"] for row in csv.DictReader(table))


@cache
def importable(name: str) -> bool:
    """Whether Python knows the name: a builtin, a module, or a module of the project by its last name."""
    return name in dir(builtins) or name in modules() or importlib.util.find_spec(name) is not None


@cache
def modules() -> frozenset[str]:
    return frozenset(source.module.rpartition(".")[2] for source in read(*PACKAGES))


def texts(source: Source) -> Iterator[tuple[int, str]]:
    yield from source.comments()
    yield from ((line, text) for line, text, _ in source.docstrings())


def faults(place: str, text: str, subjects: frozenset[str]) -> Iterator[str]:
    """The citations in `text` that lead nowhere, or that say `planned:` of a claim that stands."""
    for match in {*QUOTED.finditer(text), *BARE.finditer(text)}:
        planned, name = match.groups()
        quoted = match.group().startswith("`")
        head, _, end = name.partition(".")[0], *name.rpartition(".")[1:]
        if planned:
            if name in tagged():
                yield f"{place}: {name} is in the ledger: write it without planned:"
        elif name in tagged() or end in FILES or head in VARIABLES or name in METHODS:
            continue
        elif head in subjects or (quoted and not importable(head)):
            yield f"{place}: {name} is in no ledger: correct it, or write planned:{name}"


def cited() -> list[tuple[str, str]]:
    """Every docstring and comment, and every page of documentation, with its place."""
    code = [
        (f"{source.path}:{line}", text)
        for source in read(*PACKAGES, "tests", "benchmarks")
        for line, text in texts(source)
    ]
    pages = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
    said = [FENCED.sub("", page.read_text(encoding="utf-8")) for page in pages]  # what is typed in is no citation
    return code + [(page.relative_to(ROOT).as_posix(), text) for page, text in zip(pages, said, strict=True)]


def subjects_of(citations: list[tuple[str, str]]) -> frozenset[str]:
    """The first words of claims: of those that stand and of those that are planned."""
    planned = {match[1].partition(".")[0] for _, text in citations for match in re.finditer(r"planned:([\w.]+)", text)}
    return frozenset(planned | {name.partition(".")[0] for name in tagged()}) - VARIABLES


def test_every_claim_that_is_cited_exists_or_is_planned() -> None:
    citations = cited()
    subjects = subjects_of(citations)
    assert not [fault for place, text in citations for fault in faults(place, text, subjects)]


def test_every_tagged_claim_is_in_the_ledger() -> None:
    assert tagged() == set(claims())


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("as in `ddpm.posterior.mean`", False),
        ("as in `ddpm.posterior.maen`", True),
        ("Claim ddpm.posterior.maen: so", True),
        ("as in `planned:ddpm.sampling.must_visit_every_step`", False),
        ("as in `planned:ddpm.posterior.mean`", True),
        ("as in `unheard.of`", True),
        ("`torch.compile`, `derivations.notation`, `metrics.jsonl`, `case.rng`", False),
    ],
)
def test_each_kind_of_citation_is_told_apart(text: str, wrong: bool) -> None:
    assert bool(list(faults("toy.py:1", text, frozenset({"ddpm"})))) is wrong
