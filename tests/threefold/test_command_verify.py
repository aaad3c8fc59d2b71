"""`threefold verify` end to end: what it prints, what it writes, its exit status."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from commanding import Command, assert_unusable

from threefold import render
from threefold.cli import cli
from threefold.theory import Setting

# --- verify -----------------------------------------------------------------------------------------------------------


@pytest.mark.sampled(4)
def test_verify_prints_the_table_and_the_counts_and_exits_0(threefold: Command) -> None:
    result = threefold("verify", "square.*")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["tag", "claim", "symbolic", "mutants", "numeric", "torch"]
    assert lines[1].split()[:5] == ["✓", "0001", "square.sum", "proved", "11/11"]
    assert lines[3].split() == ["✓", "0003", "square.definition", "proved", "0/0", *["not", "applicable"] * 2]
    assert lines[4].split()[:5] == ["✓", "0004", "square.sum.printed", "refuted", "–"]
    assert "4 claims in" in result.stdout
    assert "Symbolic: 3 proved, 1 refuted as expected." in result.stdout
    assert "Mutants:  22 rejected with a counterexample, 2 proved equivalent; none survives." in result.stdout
    assert "Numeric:  3 agree, 1 not applicable." in result.stdout
    assert "Assumed:  interchange of limits (1)." in result.stdout
    assert "Everything is as it should be." in result.stdout
    assert result.stderr == ""


@pytest.mark.sampled(4)
def test_verify_names_what_is_wrong_and_exits_1(threefold: Command) -> None:
    result = threefold("verify", "square.sum", "bad.refuted", "bad.missing")
    assert result.exit_code == 1
    assert "✗ bad.refuted (0B01)\n    symbolic: refuted, expected proved: at a = 1, b = 2" in result.stdout
    assert "numeric: missing: no numeric witness is registered for bad.missing" in result.stdout
    assert "Of 3 claims, 2 not as it should be." in result.stdout
    assert "Everything is as it should be" not in result.stdout


@pytest.mark.sampled(4)
def test_verify_asks_only_the_witnesses_named(threefold: Command) -> None:
    result = threefold("verify", "bad.missing", "--witness", "symbolic")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].split() == ["tag", "claim", "symbolic", "mutants"]
    result = threefold("verify", "bad.missing", "--witness", "torch, numeric")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0].split() == ["tag", "claim", "numeric", "torch"]


@pytest.mark.sampled(4)
def test_table_fits_100_columns_and_holds_no_colour_codes_in_a_pipe(threefold: Command) -> None:
    result = threefold("verify", "square.*", "bad.numeric", "bad.torch", "bad.missing")
    table = result.stdout.split("\n\n")[0]
    assert max(len(line) for line in table.splitlines()) <= 100
    assert "\x1b" not in result.output


def test_long_ids_still_fit_100_columns(by_hand: Setting, threefold: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from threefold.ledger import Ledger, Mutants, Row, Symbolic
    from threefold.witnesses.registry import Evidence

    evidence = Evidence("x", 64, 1.2e-3, 1e-10, problems=("x",))
    row = Row("vae.elbo.gaussian_reparam.notes_display", "0A07", "", "identity", "", "", (), "refuted")
    row = Row(**{**vars(row), "symbolic": Symbolic("undecided"), "mutants": Mutants(1000, 999)})
    row = Row(**{**vars(row), "numeric": evidence, "torch": evidence})
    monkeypatch.setenv("COLUMNS", "100")
    screen = render.console()
    with screen.capture() as captured:
        screen.print(render.ledger_table(Ledger((row,), 0, 1.0)))
    lines = captured.get().splitlines()
    assert len(lines) == 2, "one line a claim"
    assert "vae.elbo.gaussian_reparam.notes_display" in lines[1] and "disagrees 1e-3" in lines[1]
    assert all(len(line) <= 100 for line in lines)


@pytest.mark.sampled(4)
def test_verify_writes_the_ledger_whole(threefold: Command, tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    path.write_text("old")
    assert threefold("verify", "square.sum", "--json", str(path)).exit_code == 0
    assert [row["id"] for row in json.loads(path.read_text())["claims"]] == ["square.sum"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["ledger.json"]


@pytest.mark.sampled(4)
def test_verify_writes_the_ledger_of_a_failure_too(threefold: Command, tmp_path: Path) -> None:
    path = tmp_path / "ledger.json"
    assert threefold("verify", "bad.refuted", "--json", str(path)).exit_code == 1
    assert json.loads(path.read_text())["claims"][0]["good"] is False


@pytest.mark.sampled(4)
def test_json_to_standard_output_leaves_the_table_to_standard_error(threefold: Command) -> None:
    result = threefold("verify", "square.sum", "--json", "-")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["schema"] == 1
    assert "square.sum" in result.stderr


@pytest.mark.sampled(4)
def test_json_to_a_device_does_not_replace_it(threefold: Command) -> None:
    assert threefold("verify", "square.sum", "--witness", "symbolic", "--json", os.devnull).exit_code == 0
    assert not Path(os.devnull).is_file()


@pytest.mark.sampled(4)
def test_json_through_a_link_keeps_the_link(threefold: Command, tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    link.symlink_to(target)
    assert threefold("verify", "square.sum", "--witness", "symbolic", "--json", str(link)).exit_code == 0
    assert link.is_symlink() and json.loads(target.read_text())["schema"] == 1


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / "no" / "such" / "ledger.json", "no such file or directory"),
        (lambda folder: folder, "it is a folder"),
        (
            lambda folder: folder / "file" / "ledger.json",
            "not a directory",
        ),
        (lambda folder: folder / ("x" * 300), "file name too long"),
    ],
)
def test_an_unwritable_json_path_is_refused_before_the_work(
    threefold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Path], reason: str
) -> None:
    def work(*_: Any, **__: Any) -> None:
        raise AssertionError("work was started")

    monkeypatch.setattr("threefold.ledger.judge", work)
    (tmp_path / "file").touch()
    path = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    result = threefold("verify", "square.sum", "--json", str(path))
    assert_unusable(result, f"cannot write {str(path)!r}", reason, "name a file in a folder that exists")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.sampled(4)
def test_a_disk_that_refuses_the_text_leaves_the_old_file(
    threefold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.json"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    result = threefold("verify", "square.sum", "--witness", "symbolic", "--json", str(path))
    assert result.exit_code == 2
    assert "no space left on device" in result.stderr
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["ledger.json"]


def test_a_pattern_that_matches_nothing_leaves_no_file(threefold: Command, tmp_path: Path) -> None:
    result = threefold("verify", "square.summ", "--json", str(tmp_path / "ledger.json"))
    assert_unusable(result, "'square.summ'", "did you mean square.sum", "among 16", "threefold list --fast")
    assert list(tmp_path.iterdir()) == []


def test_one_unmatched_pattern_among_good_ones_is_refused(threefold: Command) -> None:
    assert_unusable(threefold("verify", "square.*", "nothing.*"), "'nothing.*' among 16. `threefold list")


def test_a_misspelt_family_suggests_the_family(threefold: Command) -> None:
    assert_unusable(threefold("verify", "sqaure.*"), "did you mean square.*")


@pytest.mark.parametrize(("names", "value"), [("symbolc", "'symbolc'"), ("numeric,jax", "'jax'"), ("Torch", "'Torch'")])
def test_an_unknown_witness_is_refused(threefold: Command, names: str, value: str) -> None:
    result = threefold("verify", "--witness", names)
    assert_unusable(result, value, "symbolic, numeric, torch")


def test_no_witness_is_refused(threefold: Command) -> None:
    assert_unusable(threefold("verify", "--witness", ","), "names none", "symbolic, numeric, torch")


@pytest.mark.parametrize(
    "option",
    [
        ("--jobs", "0"),
        ("--jobs", "-1"),
        ("--jobs", "two"),
        ("--seed", "-1"),
        ("--seed", "1.5"),
        ("--seed", "4294967296"),
        ("--time-limit", "0"),
    ],
)
def test_numbers_out_of_range_are_refused(threefold: Command, option: tuple[str, str]) -> None:
    assert_unusable(threefold("verify", *option), option[0], option[1])


def test_not_a_number_is_no_time_limit(threefold: Command) -> None:
    assert_unusable(threefold("verify", "--time-limit", "nan"), "--time-limit", "nan")


# --- claims that contradict themselves --------------------------------------------------------------------------------


def test_a_duplicated_tag_is_refused(threefold: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    import theory_by_hand

    twin = theory_by_hand.Claim("square.twin", "0001", "The same tag")
    monkeypatch.setattr(theory_by_hand, "CLAIMS", (*theory_by_hand.CLAIMS, twin))
    for command in (["verify"], ["list"], ["show", "square.sum"], ["errata"]):
        assert_unusable(threefold(*command), "tag 0001", "square.sum, square.twin", "give each a tag of its own")


def test_claims_that_refuse_to_be_read_are_refused(threefold: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    import theory_by_hand

    def claims() -> None:
        raise ValueError("square.sum is defined twice: rename one of the two")

    monkeypatch.setattr(theory_by_hand, "claims", claims)
    for command in (["verify"], ["list"], ["show", "square.sum"], ["errata"]):
        assert_unusable(threefold(*command), "square.sum is defined twice: rename one of the two")


def test_an_unusable_witness_module_is_refused(
    tmp_path: Path, by_hand: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "doubled_witnesses" / "numeric"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "squares.py").write_text(
        "from threefold.witnesses.registry import numeric\n"
        "for _ in range(2):\n    numeric('square.sum', method='x')(lambda case: [])\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    setting = Setting("theory_by_hand", "doubled_witnesses")
    result = CliRunner().invoke(cli, ["verify", "--witness", "numeric"], obj=setting)
    assert_unusable(result, "claim 'square.sum' has two numeric witnesses", "join them or remove one")


def test_a_witness_module_that_cannot_be_imported_is_named(
    tmp_path: Path, by_hand: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "broken_witnesses" / "numeric"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").touch()
    (package / "squares.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    setting = Setting("theory_by_hand", "broken_witnesses")
    result = CliRunner().invoke(cli, ["verify", "--witness", "numeric"], obj=setting)
    assert_unusable(result, "No module named 'no_such_module'", "squares.py, line 1", "mend that module")
