"""The command line end to end: what it prints, what it writes, its exit status, and every input it cannot use."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from threefold import __version__, page, render, theory
from threefold.account import Finding
from threefold.cli import cli
from threefold.errors import Unusable
from threefold.render import fold
from threefold.theory import Setting

Command = Callable[..., Result]


def assert_unusable(result: Result, *parts: str) -> None:
    """Exit status 2; the message, on standard error alone, names these; no traceback."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in result.stderr, result.stderr


# --- the overview -----------------------------------------------------------------------------------------------------


def test_help_lists_every_command_file_in_order_with_its_first_line() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert result.exit_code == 0
    places = [result.output.index(f"\n  {name} ") for name in ("verify", "show", "list", "errata")]
    assert places == sorted(places)
    assert "Judge every claim by its three witnesses" in result.output
    assert "threefold verify 'ddpm.*'" in result.output


def test_each_command_explains_itself_with_examples() -> None:
    for name in ("verify", "show", "list", "errata"):
        result = CliRunner().invoke(cli, [name, "--help"])
        assert result.exit_code == 0
        assert f"Examples:\n    threefold {name}" in result.output


def test_help_is_quick_because_it_imports_no_command() -> None:
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom threefold.cli import cli\n"
        "assert CliRunner().invoke(cli, ['--help']).exit_code == 0\n"
        "print([name for name in ('torch', 'sympy', 'numpy', 'rich') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_command_file_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from threefold import commands

    (tmp_path / "greet.py").write_text(
        '"""Say hello.\n\nMore."""\nimport click\n\n\n'
        '@click.command("greet")\ndef say() -> None:\n    click.echo("hello")\n'
    )
    (tmp_path / "_private.py").write_text("raise RuntimeError\n")
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    overview = CliRunner().invoke(cli, ["--help"]).output
    assert "greet " in overview and "Say hello\n" in overview and "_private" not in overview
    assert CliRunner().invoke(cli, ["greet"]).output == "hello\n"


def test_version_is_the_packages() -> None:
    assert CliRunner().invoke(cli, ["--version"]).output == f"threefold, version {__version__}\n"


def test_an_unknown_command_suggests_the_nearest() -> None:
    assert_unusable(CliRunner().invoke(cli, ["verfy"]), "'verfy'", "did you mean verify?")


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


# --- how it looks -----------------------------------------------------------------------------------------------------


def test_colour_on_a_terminal_unless_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    for variable, coloured in ((None, True), ("1", False)):
        if variable:
            monkeypatch.setenv("NO_COLOR", variable)
        screen = render.console()
        with screen.capture() as captured:
            screen.print(render.verdict("proved"))
        assert ("\x1b[32m" in captured.get()) is coloured


def test_brackets_in_a_formula_are_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    render.console().print("E[x] = [bold] :smile: x[0:T]")
    assert capsys.readouterr().out == "E[x] = [bold] :smile: x[0:T]\n"


def test_a_long_formula_is_broken_at_its_outermost_operator() -> None:
    formula = "E[a + b + c + d + e] + KL(p ‖ q) - E[f + g + h + i + j]"
    assert fold(formula, 40).splitlines() == ["E[a + b + c + d + e] + KL(p ‖ q)", "    - E[f + g + h + i + j]"]
    assert fold(formula, 100) == formula
    assert fold("x" * 50, 40) == "x" * 50
    assert fold(formula, 40).replace("\n   ", "") == formula


# --- the theory's door ------------------------------------------------------------------------------------------------


def test_selection_keeps_the_order_of_the_claims_and_names_each_once(by_hand: Setting) -> None:
    claims = theory.load(by_hand).claims()
    assert theory.select(claims, ["square.sum.*", "square.sum*", "square.*"]) == [
        "square.sum",
        "square.difference",
        "square.definition",
        "square.sum.printed",
    ]
    assert theory.select(claims, []) == list(claims)
    with pytest.raises(Unusable):
        theory.select(claims, [""])


# --- as a program -----------------------------------------------------------------------------------------------------


def program(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "threefold", *arguments], capture_output=True, text=True, check=False, **options
    )


@pytest.mark.sampled(4)
def test_the_module_is_the_command() -> None:
    assert program("--version").stdout == f"threefold, version {__version__}\n"
    found = program("show", "no.such.claim")
    assert (found.returncode, found.stdout) == (2, "")
    assert "Traceback" not in found.stderr and "no.such.claim" in found.stderr


@pytest.mark.sampled(4)
def test_a_terminal_without_unicode_is_no_reason_to_stop() -> None:
    found = program("list", "--fast", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert found.returncode == 0, found.stderr


ENDLESS = """
import signal
from threefold.cli import cli
from threefold.theory import Setting
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts the tests in the background ignores it
    cli(obj=Setting("theory_that_hangs", "witnesses_by_hand"), prog_name="threefold")
"""

HEARD_BY_ANOTHER_THREAD = """
if __name__ == "__main__":
    import signal, threading, time
    from multiprocessing import resource_tracker
    resource_tracker.ensure_running()
    threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
"""


def processes_of(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("before", ["", HEARD_BY_ANOTHER_THREAD], ids=["by the main thread", "by another thread"])
def test_interruption_leaves_no_file_and_no_process(tmp_path: Path, before: str) -> None:
    script, path = tmp_path / "run.py", tmp_path / "out" / "ledger.json"
    script.write_text(before + ENDLESS)
    path.parent.mkdir()
    search = os.pathsep.join(map(str, (Path(__file__).parent / "by_hand", Path(render.__file__).parents[1])))
    running = subprocess.Popen(
        [sys.executable, str(script), "verify", "endless", "--witness", "symbolic", "--json", str(path)],
        env={**os.environ, "PYTHONPATH": search},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not list(path.parent.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.0)
    assert running.poll() is None, running.communicate()[1]
    os.killpg(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted: nothing was written" in errors and "Traceback" not in errors
    assert list(path.parent.iterdir()) == []
    deadline = time.monotonic() + 30
    while (left := processes_of(running.pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left
