"""A file of claims that changes what judges it is refused: what a snapshot sees, and what it leaves alone."""

from __future__ import annotations

import builtins
import signal
import sys
import threading
from pathlib import Path

import pytest
import sympy as sp
from click.testing import CliRunner
from sympy.core.parameters import global_parameters
from sympy.core.sympify import _sympy_converter

from derivations import printing
from derivations.kernel import definedness, symbols, terms, theorem
from derivations.kernel.algebra import Algebra
from derivations.kernel.rules import base, lemmas
from derivations.kernel.rules import comparison as orders
from derivations.rules import scalar
from threefold import untouched
from threefold.cli import cli

CHANGES = {
    "a rule": (base.Rule, "decide", lambda *_: True),
    "a function of the kernel": (theorem, "extend", lambda *_: None),
    "a function that another room has": (theorem, "discharge", lambda *_: ()),
    "the algebra": (Algebra, "is_zero", lambda *_: True),
    "a property of a theorem": (theorem.Theorem, "lhs", property(lambda _: sp.S.Zero)),
    "a class": (theorem, "Theorem", object),
    "SymPy": (sp.Add, "could_extract_minus_sign", lambda _: False),
    "a builtin": (builtins, "all", lambda _: True),
    "a list of kinds": (definedness, "UNKNOWN", ()),
    "a table that nobody writes to": (theorem, "IMPLIES", {}),
    "a limit": (orders, "MOST_LAYERS", 10**9),
    "the places where an index is bound": (terms.SumTo, "scope", ()),
    "what a term takes": (terms.StopGradient, "takes", "l"),
    "how a sign is shown": (printing.GREEK, "untouched_b", "a"),
    "a builtin of a module": (lemmas, "any", lambda _: False),
    "what SymPy takes a sum for": (sp.Add, "is_nonnegative", True),
    "what SymPy says of a sum": (sp.Add.default_assumptions, "nonnegative", True),
    "how SymPy asks it": (sp.Add._prop_handler, "extended_nonnegative", lambda _: True),
    "a number of SymPy": (type(sp.S.Half), "p", 3),
    "what SymPy makes of a number": (_sympy_converter, int, lambda _: sp.S.One),
    "whether SymPy calculates": (global_parameters, "evaluate", False),
}


@pytest.fixture(scope="module")
def seen() -> untouched.Seen:
    return untouched.snapshot()


def test_nothing_was_changed(seen: untouched.Seen) -> None:
    scalar("untouched_a", r"\alpha_\circ")  # a name of one's own, and how it is shown, are no change
    assert list(untouched.changes(seen)) == []


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_seen(name: str, seen: untouched.Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, key, value = CHANGES[name]
    with monkeypatch.context() as patch:
        if isinstance(owner, dict):
            patch.setitem(owner, key, value)
        else:
            patch.setattr(owner, key, value, raising=False)
        found = list(untouched.changes(seen))
    assert found and all(change.startswith("it changes ") for change in found)
    assert list(untouched.changes(seen)) == []


def test_another_look_of_a_name_is_seen(seen: untouched.Seen) -> None:
    kept = symbols.LATEX["d"]
    dict.__setitem__(symbols.LATEX, "d", r"\delta")
    try:
        assert any("LATEX" in change for change in untouched.changes(seen))
    finally:
        dict.__setitem__(symbols.LATEX, "d", kept)


def test_new_code_in_an_old_function_is_seen(seen: untouched.Seen) -> None:
    kept = base.decide_by_algebra.__code__
    base.decide_by_algebra.__code__ = (lambda relation, previous, following, context, *_: True).__code__
    try:
        assert any("decide_by_algebra" in change for change in untouched.changes(seen))
    finally:
        base.decide_by_algebra.__code__ = kept


def test_what_a_function_keeps_to_itself_is_seen(seen: untouched.Seen) -> None:
    (is_open,) = (c.cell_contents for c in base._add.__closure__ if isinstance(c.cell_contents, list))
    table = base.find_primitive.__self__
    is_open[0], table["untouched"] = True, table["algebra"]
    try:
        found = list(untouched.changes(seen))
    finally:
        is_open[0] = False
        del table["untouched"]
    assert any("rules.base._add" in change for change in found)
    assert any("rules.base.find_primitive" in change for change in found)
    symbols.define.__kwdefaults__["notation"] = False
    try:
        assert any("symbols.define" in change for change in untouched.changes(seen))
    finally:
        symbols.define.__kwdefaults__["notation"] = True


def test_a_thread_a_profiler_and_an_alarm_are_seen(seen: untouched.Seen) -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait, daemon=True)
    thread.start()
    assert list(untouched.changes(seen)) == ["it leaves a thread running"]
    done.set()
    thread.join()
    kept, ears = sys.getprofile(), signal.getsignal(signal.SIGALRM)
    try:
        sys.setprofile(lambda *_: None)
        profiled = list(untouched.changes(seen))
        sys.setprofile(kept)
        signal.signal(signal.SIGALRM, lambda *_: None)
        heard = list(untouched.changes(seen))
    finally:
        sys.setprofile(kept)
        signal.signal(signal.SIGALRM, ears)
    assert profiled == [f"it changes {untouched.TRACERS}"]
    assert heard == [f"it changes {untouched.ALARMS}"]


FILE = """from derivations.rules import *

a = scalar("a")
{before}
mine = Claim(
    id="my.claim", title={title!r}, chapter="mine", kind="identity", scope="any a", sources=(),
    says=(Statement(F(a), "=", a{more}),),
)


@mine.proves()
def _(line):
    line(F(a))
    line(a{more}, by=algebra)
"""
ALGEBRA = "from derivations.kernel.algebra import Algebra"
PATCH = f"    {ALGEBRA}\n    Algebra.is_zero = lambda *_: True\n"
BAD = {
    "at once": (f"{ALGEBRA}\nAlgebra.is_zero = lambda *_: True", "", "t", "Algebra.is_zero"),
    "when its abbreviation is written out": ("", PATCH, "t", "Algebra.is_zero"),
    "by what a terminal obeys": ("", "", "\x1b[2Jmy.other  proved", "control characters"),
    "by a line of its own": ("", "", "t\nmy.other  proved", "control characters"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_does_it_is_refused(name: str, tmp_path: Path) -> None:
    at_once, later, title, said = BAD[name]
    path = tmp_path / "mine.py"
    body = f"{at_once}\n\n\ndef body(e):\n{later}    return e\n\n\nF = define('F', 'F', body)\n"
    path.write_text(FILE.format(before=body, title=title, more=" + 1" if at_once or later else ""))
    result = CliRunner().invoke(cli, ["verify", str(path)], prog_name="threefold")
    assert result.exit_code == 2, result.output
    assert said in result.stderr and "Traceback" not in result.stderr
    assert "proved" not in result.stdout


COUNTED = """from pathlib import Path

runs = Path(__file__).with_suffix(".runs")
first = not runs.exists()
runs.touch()
"""
SAYS_OTHERWISE = {
    "when it is run again": (COUNTED, "a + 1 if first else a", "pass"),
    "when its abbreviation is written out": ("", "a + 1", 'object.__setattr__(mine.says[0], "rhs", a)'),
}
FLIPS = """{counted}
from derivations.rules import *

a = scalar("a")


def body(b):
    {flip}
    return b


F = define("F", "F", body)
right = {right}
mine = Claim(
    id="my.claim", title="t", chapter="mine", kind="identity", scope="any a", sources=(),
    says=(Statement(F(a), "=", right),),
)


@mine.proves()
def _(line):
    line(F(a))
    line(a if {own} else right, by=algebra)
"""


@pytest.mark.parametrize("name", SAYS_OTHERWISE)
def test_a_claim_that_says_otherwise_later_is_refused(name: str, tmp_path: Path) -> None:
    counted, right, flip = SAYS_OTHERWISE[name]
    file = tmp_path / "mine.py"
    file.write_text(FLIPS.format(counted=counted, right=right, flip=flip, own=not counted))
    result = CliRunner().invoke(cli, ["verify", str(file), "--jobs", "1"])
    assert result.exit_code == 2, result.output
    assert "says one thing when the file is run, and another later" in result.output


def test_an_id_that_looks_like_another_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    text = FLIPS.format(counted="", right="a", flip="pass", own=False)
    file.write_text(text.replace("my.claim", "my.cl\N{CYRILLIC SMALL LETTER A}im"))
    result = CliRunner().invoke(cli, ["verify", str(file), "--jobs", "1"])
    assert result.exit_code == 2, result.output
    assert "use ASCII letters" in result.output
