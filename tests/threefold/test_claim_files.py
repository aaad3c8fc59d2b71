"""Claims of a user's own file: judged like those of the ledger; a file that cannot be used is refused with its line."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from threefold import claimfile
from threefold.claimtext import ClaimText
from threefold.cli import cli
from threefold.errors import Unusable

pytestmark = pytest.mark.sampled(5)  # each starts processes

HEAD = """from derivations.rules import *

a, b = scalar("a"), scalar("b")
"""


def claim(
    name: str = "my.square", variable: str = "square", rhs: str = "a**2 + 2 * a * b + b**2", more: str = ""
) -> str:
    """A claim about the square of a sum, as a user writes it."""
    return f"""
{variable} = Claim(
    id="{name}",
    title="Square of a sum",
    chapter="mine",
    kind="identity",
    says=(Statement((a + b) ** 2, "=", {rhs}),),
    scope="any a, b",
    sources=(),{more}
)
"""


def proof(variable: str = "square", last: str = "a**2 + 2 * a * b + b**2, by=algebra") -> str:
    return f"""

@{variable}.proves()
def _(line: Chain) -> None:
    line((a + b) ** 2)
    line({last})
"""


GOOD = HEAD + claim() + proof()

OF_THE_LIBRARY = """import sympy as sp

from derivations.notation import d, z
from derivations.rules import *

m, n, s = vector("m_1"), vector("m_2"), scalar("s", positive=True)
same = Claim(
    id="my.same",
    title="KL between Gaussians of one variance",
    chapter="mine",
    kind="identity",
    says=(Statement(KL(Normal(z, m, s), Normal(z, n, s)), "=", Norm2(m - n) / (2 * s)),),
    domain=Domain({"s": POSITIVE}),
    scope="any dimension",
    sources=(),
)


@same.proves()
def _(line):
    line(KL(Normal(z, m, s), Normal(z, n, s)))
    line(Norm2(m - n) / (2 * s), by=by_claim("gaussian.kl.isotropic", at={v: s for v in (V_1, V_2)}))
""".replace("V_1, V_2", 'scalar("v_1", positive=True), scalar("v_2", positive=True)')

WITNESSES = """
from threefold.witnesses.registry import Comparison, numeric


@numeric("my.square", method="multiplying out in floating point", tolerance=1e-10)
def _(case):
    for _ in range(case.n):
        x, y = case.rng.normal(size=2)
        yield Comparison("square", (x + y) ** 2, x * x + 2 * x * y + y * y{wrong}, scale=x * x + y * y)
"""


STRAY = WITNESSES.format(wrong="").replace("my.square", "my.sqare")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], str]:
    def written(text: str) -> str:
        path = tmp_path / "mine.py"
        path.write_text(text)
        return str(path)

    return written


def threefold(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), prog_name="threefold")


def line_of(text: str, words: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if words in line)


def assert_refused(result: Result, *parts: str) -> None:
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in result.stderr, result.stderr


# --- files that can be used -------------------------------------------------------------------------------------------


def test_verify_judges_the_claims_of_a_file_and_needs_no_tag(write: Callable[[str], str]) -> None:
    result = threefold("verify", write(GOOD), "--json", "-")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)["claims"]
    assert (row["id"], row["tag"], row["symbolic"]["verdict"], row["good"]) == ("my.square", "", "proved", True)
    assert row["symbolic"]["mutants"]["total"] == row["symbolic"]["mutants"]["rejected"] > 0
    assert "numeric" not in row and "torch" not in row, "it registers no witness, so none is asked"


def test_show_and_list_read_a_file(write: Callable[[str], str]) -> None:
    file = write(GOOD)
    shown = threefold("show", f"{file}::my.square", "--fast")
    assert shown.exit_code == 0, shown.output
    assert (
        f"my.square · line {line_of(GOOD, 'square = Claim(')}" in shown.stdout
        and "by algebra (decided)" in shown.stdout
    )
    again = threefold("show", file, "--fast")
    words, others = (re.sub(r"\d+\.\d+ s", "", result.stdout).split() for result in (again, shown))  # but for the time
    assert words == others, "it has one claim"
    listed = threefold("list", file)
    assert listed.exit_code == 0 and listed.stdout.split() == ["my.square", "proved", "Square", "of", "a", "sum"]


def test_the_witnesses_that_it_registers_are_asked(write: Callable[[str], str]) -> None:
    assert threefold("verify", write(GOOD + WITNESSES.format(wrong=""))).exit_code == 0
    result = threefold("verify", write(GOOD + WITNESSES.format(wrong=" + 1")))
    assert result.exit_code == 1
    assert "numeric: disagrees: square" in result.stdout


def test_its_claims_may_rest_on_each_other_and_on_the_library(write: Callable[[str], str]) -> None:
    text = GOOD + claim("my.other", "other") + proof("other", 'a**2 + 2 * a * b + b**2, by=by_claim("my.square")')
    result = threefold("show", f"{write(text)}::my.other", "--fast")
    assert result.exit_code == 0, result.output
    assert "from my.square" in result.stdout
    result = threefold("show", write(OF_THE_LIBRARY), "--fast")
    assert result.exit_code == 0, result.output
    assert "from gaussian.kl.isotropic" in result.stdout


def test_patterns_choose_among_its_claims(write: Callable[[str], str]) -> None:
    file = write(GOOD + claim("my.other", "other") + proof("other"))
    assert threefold("list", file, "my.o*").stdout.split()[0] == "my.other"
    assert_refused(threefold("list", file, "ddpm.*"), "'ddpm.*'", "among 2")
    assert_refused(threefold("show", f"{file}::my.othr"), "did you mean my.other")
    assert_refused(threefold("show", file), "2 claims", "::my.square, ::my.other")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (HEAD + claim(rhs="a**2 + b**2") + proof(last="a**2 + b**2"), "refuted"),
        (HEAD + claim(), "undecided"),
        (HEAD + claim() + proof(last="(b + a) ** 2 + b"), "undecided"),
    ],
    ids=["a false one", "one without a derivation", "one with a step that does not follow"],
)
def test_a_claim_that_is_judged_and_found_wanting_exits_1(write: Callable[[str], str], text: str, verdict: str) -> None:
    result = threefold("list", write(text))
    assert result.exit_code == 1, result.output
    assert verdict in result.stdout


def test_what_it_prints_goes_to_standard_error_and_is_cut_short(write: Callable[[str], str]) -> None:
    result = threefold("list", write(GOOD + "\nprint('hello')\nfor n in range(100_000):\n    print('noise', n)\n"))
    assert result.exit_code == 0
    assert "hello" in result.stderr and "bytes more that the file printed" in result.stderr
    assert len(result.stderr) < 2 * claimfile.MOST_PRINTED and "noise" not in result.stdout


def test_nothing_of_a_file_is_kept(write: Callable[[str], str], cache_folder: Path) -> None:
    threefold("list", write(GOOD))
    assert list(cache_folder.iterdir()) == []


# --- files that cannot ------------------------------------------------------------------------------------------------

TWICE = GOOD + claim(variable="again") + proof("again")
LOST = GOOD + claim("my.lost").replace("square = Claim", "(lambda made: None)(Claim").rstrip() + ")\n"
CIRCLE = (
    HEAD
    + claim()
    + proof(last='a**2 + 2 * a * b + b**2, by=by_claim("my.other")')
    + claim("my.other", "other")
    + proof("other", 'a**2 + 2 * a * b + b**2, by=by_claim("my.square")')
)
NOWHERE = (
    HEAD
    + """
import sympy as sp

n = sp.Symbol("n", integer=True)
square = Claim(
    id="my.square",
    title="About no n at all",
    chapter="mine",
    kind="identity",
    says=(Statement(n + 1, "=", n + 2),),
    domain=Domain(indices={n: (sp.Integer(3), sp.Integer(2))}),
    scope="n in 3..2",
    sources=(),
)


@square.proves()
def _(line):
    line(n + 1)
    line(n + 2, by=algebra)
"""
)


@pytest.mark.parametrize(
    ("text", "line", "parts"),
    [
        (GOOD + "\n1 +\n", "1 +", ["SyntaxError", "mend that line"]),
        (GOOD + "\nraise OSError('no disk')\n", "raise OSError", ["OSError: no disk"]),
        (HEAD + claim(rhs="c**2"), "c**2", ["claim 'my.square'", "NameError: name 'c' is not defined"]),
        (HEAD + claim() + proof(last="zed"), "line(zed)", ["claim 'my.square'", "NameError"]),
        (GOOD + "\nimport no_such_module\n", "import no_such", ["No module named 'no_such_module'"]),
        (GOOD + "\nraise SystemExit(3)\n", "raise SystemExit", ["the file ends the program", "SystemExit: 3"]),
        (GOOD + "\ndef f():\n    return f()\n\n\nf()\n", "return f()", ["RecursionError"]),
        (HEAD, "", ["defines no claim"]),
        ("", "", ["defines no claim"]),
        (TWICE, "again = Claim", ["'my.square' is defined twice", "lines 5 and 21"]),
        (LOST, "lambda made", ["'my.lost' is made but not kept"]),
        (GOOD.replace("my.square", "ddpm.posterior.mean"), "square = Claim", ["the library has a claim of this id"]),
        (
            GOOD + WITNESSES.format(wrong="").replace("my.square", "my.sqare"),
            "",
            ["'my.sqare'", "did you mean my.square?"],
        ),
    ],
    ids=[
        "syntax error",
        "exception",
        "unknown name in a statement",
        "unknown name in a proof",
        "missing module",
        "exit",
        "endless recursion",
        "no claims",
        "empty",
        "duplicate id",
        "claim that is lost",
        "id of the library",
        "witness for an unknown claim",
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_line_and_its_claim(
    write: Callable[[str], str], text: str, line: str, parts: list[str]
) -> None:
    file = write(text)
    where = f"{file}, line {line_of(text, line)}" if line else file
    assert_refused(threefold("list", file), where, *parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (CIRCLE, ["claim 'my.", "circle", "rests on my.", "prove one of them without the others"]),
        (GOOD.replace("by=algebra", 'by=by_claim("my.sqare")'), ["'my.sqare'", "did you mean my.square?"]),
        (NOWHERE, ["claim 'my.square'", "no integers in common", "mend what this is about"]),
        (HEAD + claim(rhs="0.5") + proof(last="0.5"), ["claim 'my.square'", "0.5"]),
        (HEAD + 'v = vector("v")\n' + claim(rhs="v") + proof(last="v"), ["claim 'my.square'", "says nothing about"]),
    ],
    ids=["cyclic lemma", "unknown lemma", "domain without a point", "float", "vector and number"],
)
def test_a_claim_that_says_nothing_is_refused_with_its_line(
    write: Callable[[str], str], text: str, parts: list[str]
) -> None:
    file = write(text)
    assert_refused(threefold("verify", file), f"{file}, line ", *parts)


def test_a_file_that_runs_for_ever_is_stopped(write: Callable[[str], str]) -> None:
    started = time.perf_counter()
    with pytest.raises(Unusable, match=r"took longer than the 4 s allowed.*only define them"):
        claimfile.headings(write(GOOD + "\nwhile True:\n    pass\n"), limit=4.0)
    assert time.perf_counter() - started < 30


def test_a_file_that_kills_its_process_is_refused(write: Callable[[str], str]) -> None:
    assert_refused(threefold("list", write(GOOD + "\nimport os\n\nos._exit(0)\n")), "ended with exit code 0")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("no_such.py", ["there is no file", "no_such.py"]),
        ("folder.py", ["is no file"]),
        ("claims.txt", ["is no Python file"]),
    ],
)
def test_what_is_no_file_of_claims_is_refused(tmp_path: Path, name: str, parts: list[str]) -> None:
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "claims.txt").touch()
    for command in ("verify", "list", "show"):
        assert_refused(threefold(command, str(tmp_path / name)), *parts)


def test_a_near_name_is_suggested(write: Callable[[str], str]) -> None:
    assert_refused(threefold("list", write(GOOD).replace("mine", "mien")), "did you mean mine.py?")


def test_one_file_at_a_time(write: Callable[[str], str]) -> None:
    file = write(GOOD)
    assert_refused(threefold("verify", file, file), "2 files", "one by one")
    assert_refused(threefold("verify", f"{file}::my.square"), "`threefold show")


def test_a_step_that_does_not_follow_shows_the_two_lines_and_what_is_left(write: Callable[[str], str]) -> None:
    text = HEAD + claim() + proof(last="a**2 + a * b + b**2, by=algebra, why='multiply out'")
    result = threefold("show", write(text), "--fast")
    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    assert "algebra: the line does not follow from the line before; they differ by a*b" in said
    assert "line before, rewritten (a + b)**2 this line, rewritten a**2 + a*b + b**2 differ by a*b" in said


def test_a_rule_that_is_no_rule_is_refused_with_its_line(write: Callable[[str], str]) -> None:
    text = GOOD.replace("by=algebra", 'by="algebra"')
    assert_refused(threefold("list", write(text)), f"line {line_of(text, 'by=')}", "claim 'my.square'", "by=algebra")


# --- lines ------------------------------------------------------------------------------------------------------------


def test_each_step_has_its_line(write: Callable[[str], str]) -> None:
    text = ClaimText.read(write(GOOD))
    assert text.ids() == ["my.square"]
    assert text.step_line("my.square", 0, 2) == line_of(GOOD, "by=algebra")
    assert text.step_line("my.square", 0, 3) == text.step_line("my.square", 1, 1) == 0
    assert text.claim_at(line_of(GOOD, "def _")) == text.claim_at(line_of(GOOD, "scope")) == "my.square"
    assert text.claim_at(1) == ""


def test_steps_in_a_loop_have_no_line(write: Callable[[str], str]) -> None:
    text = GOOD.replace("    line((a + b) ** 2)\n", "    for e in [(a + b) ** 2]:\n        line(e)\n")
    assert ClaimText.read(write(text)).step_line("my.square", 0, 2) == 0
