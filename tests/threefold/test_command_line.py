"""The command line as a whole: its overview, its looks, what ends it, and every input it cannot use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from commanding import assert_unusable

from threefold import __version__, render, theory
from threefold.cli import cli
from threefold.errors import Unusable
from threefold.render import fold
from threefold.theory import Setting

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
