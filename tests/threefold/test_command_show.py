"""`threefold list`, `show` and `errata` end to end."""

from __future__ import annotations

import io

import pytest
from commanding import Command, assert_unusable
from rich.console import Console

from threefold import page
from threefold.account import Finding

# --- list -------------------------------------------------------------------------------------------------------------


@pytest.mark.sampled(4)
def test_list_has_one_line_a_claim_with_the_verdict(threefold: Command) -> None:
    result = threefold("list", "square.*")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 4
    assert lines[0].split(maxsplit=3) == ["0001", "square.sum", "proved", "Square of a sum"]
    assert lines[3].split(maxsplit=3) == ["0004", "square.sum.printed", "refuted", "Square of a sum as printed"]


def test_list_exits_1_on_an_unexpected_verdict(threefold: Command) -> None:
    assert threefold("list", "bad.undecided").exit_code == 1


def test_list_fast_judges_nothing(threefold: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threefold.ledger.judge", None)
    result = threefold("list", "--fast")
    assert result.exit_code == 0
    assert result.stdout.count("not judged") == len(result.stdout.splitlines()) == 16


def test_list_refuses_a_pattern_that_matches_nothing(threefold: Command) -> None:
    assert_unusable(threefold("list", "squares.*"), "'squares.*'")


# --- show -------------------------------------------------------------------------------------------------------------


@pytest.mark.sampled(4)
def test_show_has_the_statement_the_steps_the_evidence_and_the_place(threefold: Command) -> None:
    result = threefold("show", "square.sum")
    assert result.exit_code == 0, result.output
    text = result.stdout
    for part in (
        "Square of a sum",
        "square.sum · 0001",
        "(a + b)² = a² + 2 a b + b²",
        "any a, b",
        "real: a and b are real numbers",
        "= (a + b)(a + b)",
        "by definition (law): a square  proved",
        "from square.definition",
        "by algebra (decided)  proved",
        "needs b ≠ 0",
        "11 of 11 altered statements rejected with a counterexample; 1 more proved equivalent",
        "64 comparisons, largest relative error",
        "by multiplying out in floating point",
        "gradient agrees",
        "square.definition · What a square is",
        "square.difference · Square of a difference",
        "Euclid, Elements II.4",
    ):
        assert part in text, part
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.sampled(4)
def test_show_fast_judges_the_derivation_alone(threefold: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threefold.pool._start", None)
    result = threefold("show", "square.sum", "--fast")
    assert result.exit_code == 0, result.output
    assert "by algebra (decided)  proved" in result.stdout and "square.definition · What a square is" in result.stdout
    for absent in ("Mutants", "Numeric", "Torch", "Used by"):
        assert absent not in result.stdout
    assert threefold("show", "bad.undecided", "--fast").exit_code == 1


@pytest.mark.sampled(4)
def test_show_takes_a_tag(threefold: Command) -> None:
    assert "square.sum.printed · 0004" in threefold("show", "0004").stdout


@pytest.mark.sampled(4)
def test_show_prints_the_counterexample_of_a_false_claim(threefold: Command) -> None:
    result = threefold("show", "square.sum.printed")
    assert result.exit_code == 0
    assert "refuted as expected" in result.stdout
    assert "a = 1, b = 2" in result.stdout and "left side 9" in result.stdout and "right side 5" in result.stdout
    assert "the middle term is lost" in result.stdout
    assert "Correct form" in result.stdout


@pytest.mark.sampled(4)
def test_show_exits_1_when_the_claim_is_not_as_it_should_be(threefold: Command) -> None:
    result = threefold("show", "bad.missing")
    assert result.exit_code == 1
    assert "Not as it should be:" in result.stdout
    assert "no numeric witness is registered" in result.stdout


@pytest.mark.sampled(4)
def test_show_latex_is_latex_and_nothing_else(threefold: Command) -> None:
    result = threefold("show", "square.sum", "--latex")
    assert result.stdout.splitlines() == [
        "% square.sum (0001): Square of a sum; proved",
        r"\[ (a + b)^2 = a^2 + 2 a b + b^2 \]",
        "",
        r"\begin{align*}",
        r"  & (a+b)^2 \\",
        r"  & = (a+b)(a+b) \\  % definition: a square",
        r"  & = a^2+2ab+b^2  % algebra",
        r"\end{align*}",
    ]
    assert threefold("show", "bad.undecided", "--latex").exit_code == 1


def test_show_suggests_the_nearest_id(threefold: Command) -> None:
    result = threefold("show", "square.summ")
    assert_unusable(result, "'square.summ'", "did you mean square.sum", "threefold list --fast")


def test_show_needs_an_id(threefold: Command) -> None:
    assert_unusable(threefold("show"), "Missing argument 'ID'")


# --- errata -----------------------------------------------------------------------------------------------------------


@pytest.mark.sampled(4)
def test_errata_shows_the_numbers_and_the_correction(threefold: Command) -> None:
    result = threefold("errata", "N1")
    assert result.exit_code == 0, result.output
    for part in (
        "N1  notes, page 1  refuted",
        "(a + b)² = a² + b²",
        "left side 9",
        "right side 5",
        "The middle term stays.",
        "square.sum  proved",
    ):
        assert part in result.stdout, part
    assert "1 of 1 refuted with numbers; 1 of their corrections proved, 0 in words only." in result.stdout


def test_what_is_printed_is_told_from_what_it_implies() -> None:
    finding = Finding("N9", "notes", quoted="a sum squares term by term", printed="9 = 5", words="It does not.")
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(page.erratum(finding))
    said = console.export_text()
    assert said.index("Printed") < said.index("a sum squares") < said.index("Implies") < said.index("9 = 5")


@pytest.mark.sampled(4)
def test_a_correction_in_words_counts_as_such(threefold: Command) -> None:
    result = threefold("errata", "N6")
    assert result.exit_code == 0
    assert "1 of 1 refuted with numbers; 0 of their corrections proved, 1 in words only." in result.stdout


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("name", "reason"),
    [("N2", "no witness found"), ("N3", "undecided"), ("N4", "OverflowError: too large")],
)
def test_an_erratum_that_is_not_refuted_or_not_corrected_exits_1(threefold: Command, name: str, reason: str) -> None:
    result = threefold("errata", name)
    assert result.exit_code == 1
    assert reason in result.stdout
    assert "0 of 1 refuted" in result.stdout


@pytest.mark.sampled(4)
def test_slips_in_the_words_are_listed_and_not_counted(threefold: Command) -> None:
    result = threefold("errata")
    assert "N5  notes, page 5  a slip in the words, not judged" in result.stdout
    assert "2 of 5 refuted" in result.stdout


def test_an_unknown_erratum_is_refused(threefold: Command) -> None:
    assert_unusable(threefold("errata", "N99"), "'N99'", "N1, N2, N3, N4, N6")
