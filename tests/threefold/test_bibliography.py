"""What is cited is listed: each source of a claim or erratum names a work, and an unknown one stops the build."""

from __future__ import annotations

from pathlib import Path

import pytest

import derivations
from threefold.errors import Unusable
from threefold.site import bibliography

DOCS = Path(__file__).parents[2] / "docs"


def test_every_source_is_listed_or_no_publication() -> None:
    for claim in derivations.claims().values():
        assert claim.sources, claim.id
        for source in claim.sources:
            bibliography.cited(DOCS, source)
    for erratum in derivations.errata():
        bibliography.cited(DOCS, erratum.source)


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("Song et al. 2021 (DDIM), eq. 12", "Song et al. 2021"),
        ("Song et al. 2021b, appendix F", "Song et al. 2021b"),
        ("notes, eq 1.2", "notes"),
        ("public, https://github.com/a/b/issues/1", None),
        ("derived here for any path", None),
    ],
)
def test_the_longest_key_that_begins_a_source_is_meant(source: str, key: str | None) -> None:
    work = bibliography.cited(DOCS, source)
    assert (work.key if work else None) == key


@pytest.mark.parametrize("source", ["Nobody et al. 2031, eq. 1", "noted, eq 1.2", "Song et al. 2021c"])
def test_an_unlisted_work_is_named_with_the_remedy(source: str) -> None:
    with pytest.raises(Unusable, match=r"has no work for the source .*; add it under its first words"):
        bibliography.cited(DOCS, source)


def test_each_work_has_an_address_of_its_own_and_a_year_or_is_a_text() -> None:
    works = bibliography.works(DOCS).values()
    assert len({work.anchor for work in works}) == len(works)
    for work in works:
        assert work.title and (work.year or work.key in ("notes", "staircase", "article", "diffusers")), work.key


def test_the_page_lists_what_cites_a_work() -> None:
    page = bibliography.page(DOCS, "../")
    assert 'href="../tag/0A17/index.html"' in page and 'href="https://arxiv.org/abs/2006.11239"' in page
    assert "\n" not in page


@pytest.mark.parametrize("text", ["[a]\ntile = 'x'", "[[", "a = 1"])
def test_a_file_that_is_no_bibliography_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bibliography.toml").write_text(text)
    with pytest.raises(Unusable, match="is not a bibliography"):
        bibliography.works(tmp_path)
