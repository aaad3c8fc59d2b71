"""The exercises of the chapters: solved, each asked once, outside the ledger, and more than the text again."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import derivations
from derivations import exercises
from derivations.kernel import terms
from threefold.cli import cli
from threefold.errors import Unusable
from threefold.site import blocks, symbols
from threefold.site.book import Book

CHAPTERS = Path(__file__).parents[2] / "docs" / "derivations"
ASKED = re.compile(r"^<!-- exercise: (\S+(?: [\d ]+)?) -->$", re.MULTILINE)


def chapters() -> dict[str, list[str]]:
    """What each chapter asks for, by the name of its page: an id, and the numbers of statements where only some are."""
    pages = {path.stem: path.read_text(encoding="utf-8") for path in sorted(CHAPTERS.rglob("*.md"))}
    return {name: ASKED.findall(text) for name, text in pages.items() if "<!-- derivation" in text}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", exercises())
def test_every_exercise_is_solved(name):
    judgement = derivations.judge(exercises()[name])
    assert judgement.verdict, judgement.verdict
    assert len(judgement.parts) == len(exercises()[name].says)


def test_every_exercise_is_asked_once_and_on_the_page_of_its_module():
    asked = [(name, page) for page, names in chapters().items() for name in names if name.startswith("exercise.")]
    assert sorted(name for name, _ in asked) == sorted(exercises())
    for name, page in asked:
        assert name.split(".")[1] == page.replace("-", "_"), name


@pytest.mark.parametrize("page", chapters())
def test_a_chapter_asks_three_things_of_which_two_are_not_the_text(page):
    names = chapters()[page]
    assert len(names) == len(set(names)) >= 3
    assert sum(name.startswith("exercise.") for name in names) >= 2


def test_exercises_are_outside_the_ledger():
    assert not exercises().keys() & derivations.claims().keys()
    for claim in exercises().values():
        with pytest.raises(KeyError):
            _ = claim.tag


def test_no_exercise_says_what_the_ledger_says():
    known = {(s.lhs, s.rhs) for claim in derivations.claims().values() for s in claim.says}
    for claim in exercises().values():
        for s in claim.says:
            assert not {(s.lhs, s.rhs), (s.rhs, s.lhs)} & known, f"{claim.id} is a statement of the ledger"
            assert s.lhs != s.rhs, claim.id


def test_the_symbols_of_the_exercises_are_explained():
    """Each has its meaning; an abbreviation has its row on the notation page, to which a solution links."""
    known = {name for claim in derivations.claims().values() for name, _ in symbols.occurrences(claim)}
    for claim in exercises().values():
        for name, node in symbols.occurrences(claim):
            assert symbols.MEANING.get(name), f"{claim.id}: {name}"
            assert name in known or not isinstance(node, terms.DefinedFunction), f"{claim.id}: {name}"


def planted(name: str) -> list[derivations.Claim]:
    """The exercise with its own solution and one mistake in what it says."""
    claim = exercises()[name]
    return [replace(mutant, proofs=claim.proofs) for mutant in derivations.mutants(claim)[:2]]


@pytest.mark.parametrize("name", sorted(exercises())[::7])
def test_a_solution_proves_nothing_else(name):
    assert planted(name)
    for wrong in planted(name):
        assert not derivations.judge(wrong).verdict, wrong.text()


@pytest.mark.long
@pytest.mark.parametrize("name", exercises())
def test_a_mistake_in_an_exercise_is_found(name):
    report = derivations.judge_mutants(exercises()[name])
    assert report.rejected and not report.survivors, [case.claim.text() for case in report.survivors]


def test_an_exercise_without_its_proof_stops_the_build(monkeypatch):
    solved = exercises()["exercise.guidance.twice"]
    wrong = replace(solved, proofs={})
    monkeypatch.setattr(derivations, "exercises", lambda: {wrong.id: wrong})
    with pytest.raises(Unusable, match="is undecided, not proved"):
        blocks.solution(Book({}, {}, {}), wrong, (), "")


def test_an_exercise_that_is_not_there_stops_the_build():
    with pytest.raises(Unusable, match=r"no claim has the id or tag 'exercise\.guidance\.thrice'"):
        Book({}, {}, {}).exercise("exercise.guidance.thrice", "directive")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "exercise.guidance.twice", "--fast"], "multiplies the weights"),
        (["list", "exercise.guidance.*", "--fast"], "exercise.guidance.undone"),
        pytest.param(
            ["verify", "exercise.guidance.twice", "--jobs", "1"], "none survives", marks=pytest.mark.long, id="verify"
        ),
    ],
)
def test_the_commands_know_the_exercises(arguments, said):
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert said in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "exercise.*", "ddpm.*"], "a command of their own"),
        (["show", "exercise.guidance.thrice"], "did you mean exercise.guidance.twice"),
    ],
)
def test_what_is_no_exercise_is_refused(arguments, said):
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code != 0
    assert said in result.output or said in str(result.exception)
