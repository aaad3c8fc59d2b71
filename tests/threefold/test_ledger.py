"""The ledger: a row is good only when everything asked is as it should be, and every way of not being so shows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from threefold import ledger
from threefold.account import StatementText
from threefold.errors import Unusable
from threefold.ledger import Ledger, Mutants, Row, Symbolic
from threefold.ledger import json as ledger_json
from threefold.theory import Setting
from threefold.witnesses.registry import Evidence, Missing, NotApplicable, StatementEvidence

GOOD = ("square.sum", "square.difference", "square.definition", "square.sum.printed")


def judge(setting: Setting, *ids: str, **options: Any) -> Ledger:
    return ledger.judge(ids, setting=setting, jobs=2, **options)


@pytest.fixture
def good(by_hand: Setting) -> Ledger:
    return judge(by_hand, *GOOD)


def test_claims_that_are_as_expected_are_good(good: Ledger) -> None:
    assert good.good
    assert [row.problems for row in good.rows] == [(), (), (), ()]
    assert [row.id for row in good.rows] == list(GOOD)


def test_counts_are_those_of_the_rows(good: Ledger) -> None:
    assert good.counts() == {
        "claims": 4,
        "good": 4,
        "proved": 3,
        "refuted_as_expected": 1,
        "definitions": 0,
        "mutants_rejected": 22,
        "mutants_equivalent": 2,
        "mutants_surviving": 0,
        "numeric_agrees": 3,
        "numeric_not_applicable": 1,
        "torch_agrees": 3,
        "torch_not_applicable": 1,
    }
    assert good.assumptions == {"interchange of limits": 1}


def test_json_has_the_shape_of_schema_1(good: Ledger) -> None:
    content = json.loads(ledger_json.text(good))
    assert content["schema"] == 1
    assert set(content["versions"]) == {"threefold", "sympy", "numpy", "torch"}
    assert content["seed"] == 0
    rows = {row["id"]: row for row in content["claims"]}
    assert list(rows) == list(GOOD)
    row = rows["square.sum"]
    assert (row["tag"], row["title"], row["scope"]) == ("0001", "Square of a sum", "any a, b")
    assert (row["statement"], row["sources"]) == ("(a + b)^2 = a^2 + 2 a b + b^2", ["Euclid, Elements II.4"])
    assert (row["expects"], row["good"], row["problems"]) == ("proved", True, [])
    seconds = row["symbolic"].pop("seconds")
    assert seconds >= 0
    assert row["symbolic"] == {
        "verdict": "proved",
        "steps": 3,
        "rules": ["algebra", "distribute"],
        "assumptions": [],
        "side_conditions": ["b ≠ 0"],
        "uses": ["square.definition"],
        "mutants": {"total": 11, "rejected": 11, "equivalent": 1},
    }
    error = row["numeric"].pop("max_error")
    assert 0 <= error < 1e-12
    assert row["numeric"] == {
        "verdict": "agrees",
        "method": "multiplying out in floating point",
        "cases": 64,
        "tolerance": 1e-12,
    }
    assert (row["torch"]["verdict"], row["torch"]["cases"], row["torch"]["gradient"]) == ("agrees", 65, "agrees")
    definition = rows["square.definition"]["numeric"]
    assert definition == {"verdict": "not applicable", "reason": "a definition states nothing to measure"}
    printed = rows["square.sum.printed"]
    assert printed["symbolic"]["witness"] == {"values": {"a": "1", "b": "2"}, "lhs": "9", "rhs": "5"}
    assert printed["symbolic"]["mutants"] == {"total": 0, "rejected": 0, "equivalent": 0}
    assert printed["torch"]["gradient"] == "not applicable"


def without_seconds(text: str) -> Any:
    content = json.loads(text)
    for row in content["claims"]:
        del row["symbolic"]["seconds"]
    return content


def test_same_seed_gives_the_same_ledger_for_any_number_of_processes_and_order(by_hand: Setting) -> None:
    one = ledger.judge(GOOD, setting=by_hand, jobs=1, seed=5)
    two = ledger.judge(tuple(reversed(GOOD)), setting=by_hand, jobs=2, seed=5)
    other = ledger.judge(GOOD, setting=by_hand, jobs=2, seed=6)
    assert [row.numeric for row in one.rows] == [row.numeric for row in reversed(two.rows)]
    again = ledger.judge(GOOD, setting=by_hand, seed=5)
    assert without_seconds(ledger_json.text(one)) == without_seconds(ledger_json.text(again))
    assert [row.numeric for row in one.rows] != [row.numeric for row in other.rows]


@pytest.mark.parametrize(
    ("claim", "problem"),
    [
        ("bad.refuted", "symbolic: refuted, expected proved: at a = 1, b = 2: left side 9, right side 5"),
        ("bad.undecided", "symbolic: undecided, expected proved: outside the fragment: a floor"),
        ("bad.proved", "symbolic: proved, expected refuted"),
        ("bad.raises", "symbolic: undecided, expected proved: ZeroDivisionError: inside the kernel"),
        ("bad.crashes", "symbolic: undecided, expected proved: its process ended with exit code 7"),
        ("bad.survivor", "mutants: 1 survive: factors swapped: (a + b)² = a² + 2 a b + b²"),
        ("bad.miscounted", "mutants: 1 of 11 are neither rejected nor named as survivors"),
        ("bad.no_mutants", "mutants: an identity must have some, and this one has none"),
        ("bad.mutants_raise", "mutants: not judged: RecursionError: too deep"),
        ("bad.numeric", "numeric: disagrees: square: relative error 0.8 is over the tolerance 1e-10 (9 for 5)"),
        ("bad.torch", "torch: disagrees: d/da: relative error 2 is over the tolerance 1e-12 (-6 for 6)"),
    ],
)
def test_each_way_of_being_wrong_is_named_and_nothing_else_is(by_hand: Setting, claim: str, problem: str) -> None:
    found = judge(by_hand, "square.sum", claim)
    assert found.rows[0].good
    assert not found.good
    assert len(found.rows[1].problems) == 1
    assert found.rows[1].problems[0].startswith(problem)
    assert json.loads(ledger_json.text(found))["claims"][1]["good"] is False


def test_a_claim_without_witnesses_is_not_good(by_hand: Setting) -> None:
    row = judge(by_hand, "bad.missing").rows[0]
    assert row.problems == (
        "numeric: missing: no numeric witness is registered for bad.missing",
        "torch: missing: no torch witness is registered for bad.missing",
    )
    assert ledger_json.of_row(row)["numeric"]["verdict"] == "missing"


ENDLESS = Setting("theory_that_hangs", "witnesses_that_hang")


@pytest.mark.usefixtures("by_hand")
def test_what_takes_too_long_is_undecided_and_the_rest_goes_on() -> None:
    found = judge(ENDLESS, "endless", "square.sum", witnesses=("symbolic",), mutants=False, time_limit=3)
    assert found.rows[0].symbolic == Symbolic("undecided", "it took longer than the 3 s allowed and was stopped")
    assert found.rows[1].good


@pytest.mark.usefixtures("by_hand")
def test_a_witness_that_takes_too_long_disagrees() -> None:
    row = judge(ENDLESS, "endless", witnesses=("numeric",), time_limit=3).rows[0]
    assert row.problems == ("numeric: disagrees: it took longer than the 3 s allowed and was stopped",)
    assert ledger_json.of_row(row)["numeric"]["max_error"] is None


def test_only_the_witnesses_that_were_asked_appear(by_hand: Setting) -> None:
    row = judge(by_hand, "square.sum", witnesses=("numeric",)).rows[0]
    assert row.good
    assert "symbolic" not in ledger_json.of_row(row) and "torch" not in ledger_json.of_row(row)


def test_a_row_that_nobody_asked_about_is_not_good(by_hand: Setting) -> None:
    row = Row("x", "0001", "x", "identity", "x", "", (), "proved")
    assert not row.good
    assert not Ledger((), 0, 0.0).good


ROW = Row("x", "0001", "x", "identity", "x", "", (), "proved", Symbolic("proved"), Mutants(10, 10))
AGREES = Evidence("by hand", 1, 0.0, 1e-10)


@pytest.mark.parametrize("verdict", ["refuted", "supported", "undecided", "assumed", ""])
def test_only_the_expected_verdict_is_good(verdict: str) -> None:
    assert ROW.good
    row = Row(**{**vars(ROW), "symbolic": Symbolic(verdict)})
    assert not row.good


def test_not_applicable_is_good_and_missing_is_not() -> None:
    for testimony, good in ((AGREES, True), (NotApplicable("why"), True), (Missing("none"), False)):
        assert Row(**{**vars(ROW), "numeric": testimony}).good is good
        assert Row(**{**vars(ROW), "torch": testimony}).good is good


def test_one_bad_row_spoils_the_ledger() -> None:
    bad = Row(**{**vars(ROW), "symbolic": Symbolic("undecided")})
    assert Ledger((ROW, ROW), 0, 1.0).good
    assert not Ledger((ROW, bad, ROW), 0, 1.0).good


def test_witness_for_an_unknown_claim_is_unusable(
    by_hand: Setting, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    package = tmp_path / "stray_witnesses" / "numeric"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "stray.py").write_text(
        "from threefold.witnesses.registry import numeric\nnumeric('no.such', method='x')(lambda case: [])\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(Unusable, match=r"numeric witness for 'no\.such': no such claim"):
        judge(Setting("theory_by_hand", "stray_witnesses"), "square.sum", witnesses=("numeric",))


# --- statement by statement -------------------------------------------------------------------------------------------

TWO = (StatementText("mean", "a = b", "a = b"), StatementText("2", "c = d", "c = d"))


def witness(*comparisons: int, reason: str = "nothing to compare", dtypes: tuple[str, ...] = ("float64",)) -> Evidence:
    """Evidence that says how many values it compared with each statement."""
    statements = tuple(
        StatementEvidence(
            part, "agrees" if n else "not applicable", "" if n else reason, "m", n, 1e-14, 1e-12, dtypes=dtypes
        )
        for part, n in enumerate(comparisons)
    )
    return Evidence("m", sum(comparisons), 1e-14, 1e-12, statements=statements)


def two_statements(**answered: Any) -> Row:
    return replace(ROW, statements=TWO, **answered)


def test_each_statement_has_its_own_evidence_in_the_row_and_in_the_json() -> None:
    row = two_statements(numeric=witness(64, 0), torch=witness(3, 5, dtypes=("float64", "bfloat16")))
    assert row.good
    first, second = ledger_json.of_row(row)["statements"]
    assert (first["name"], first["latex"], first["symbolic"]) == ("mean", "a = b", "proved")
    assert first["numeric"] == {
        "verdict": "agrees",
        "comparisons": 64,
        "max_error": 1e-14,
        "tolerance": 1e-12,
        "dtypes": ["float64"],
    }
    assert second["numeric"] == {"verdict": "not applicable", "reason": "nothing to compare"}
    assert second["torch"]["comparisons"] == 5 and second["torch"]["dtypes"] == ["float64", "bfloat16"]


def test_a_statement_that_neither_witness_measures_is_not_good() -> None:
    row = two_statements(numeric=witness(64, 0), torch=witness(3, 0, reason="no code computes it"))
    assert row.problems == (
        "statement 2: neither the numeric nor the torch witness measures it (nothing to compare; no code computes it)",
    )
    assert two_statements(numeric=NotApplicable("x"), torch=NotApplicable("x")).problems[0].startswith("statement mean")
    assert replace(two_statements(numeric=NotApplicable("x"), torch=NotApplicable("x")), kind="definition").good


def test_a_witness_that_does_not_say_what_it_measures_measures_only_a_lone_statement() -> None:
    silent = Evidence("m", 10, 1e-14, 1e-12)
    assert [part.split(":")[0] for part in two_statements(numeric=silent, torch=silent).problems] == [
        "statement mean",
        "statement 2",
    ]
    alone = replace(ROW, statements=TWO[:1], numeric=silent, torch=silent)
    assert alone.good
    assert ledger_json.of_row(alone)["statements"][0]["numeric"]["comparisons"] == 10


def test_where_a_witness_was_not_asked_nothing_is_said_of_its_statements() -> None:
    row = two_statements(numeric=witness(64, 0))
    assert row.good
    assert "torch" not in ledger_json.of_row(row)["statements"][0]


def test_statements_are_counted() -> None:
    found = Ledger((two_statements(numeric=witness(64, 0), torch=witness(3, 0)),), 0, 1.0)
    assert found.statement_counts() == {"statements": 2, "numeric": 1, "torch": 1, "neither": 1}
