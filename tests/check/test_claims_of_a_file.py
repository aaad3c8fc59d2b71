"""A Python file: the displays of its docstrings, and the claims that it defines."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import threefold
from threefold.check.options import Unusable
from threefold.cli import cli

FILE = '''r"""A module.

$$2\\alpha_t = \\alpha_t + 1 - \\beta_t$$
"""

from derivations.rules import UNIT, Claim, Domain, Statement, algebra, scalar

a = scalar("a")


def claim(name, right, **more):
    made = Claim(
        id=name, title="T", chapter="C", kind="identity", says=(Statement((1 - a) ** 2, "=", right),),
        domain=Domain({"a": UNIT}), scope="numbers", sources=(), **more,
    )

    @made.proves()
    def _(line):
        line((1 - a) ** 2)
        line(right, by=algebra)

    return made


good = claim("my.good", 1 - 2 * a + a**2)
bad = claim("my.bad", 1 - 2 * a)
known = claim("my.known", 1 + a**2, expects="refuted")
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def test_docstrings_and_claims_are_judged(file: Path) -> None:
    report = threefold.check(file)
    assert [k.verdict for k in report] == ["proved", "proved", "refuted", "not a statement"]
    bad = report.wrong[0]
    assert bad.witness is not None and bad.witness.left != bad.witness.right
    assert [k.display for k in report] == [1, 2, 3, 4]


def test_the_command_says_which_claim(file: Path) -> None:
    result = CliRunner().invoke(cli, ["check", "--no-cache", str(file)])
    assert result.exit_code == 1, result.output
    assert "claim my.good of this file" in result.output and "1 refuted" in result.output


def test_a_program_without_claims_is_never_run(tmp_path: Path) -> None:
    path = tmp_path / "other.py"
    path.write_text('"""$$a = a$$"""\nraise SystemExit("it was run")\n')
    assert len(threefold.check(path).links) == 1


def test_a_file_whose_claims_cannot_be_had_is_unusable(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("import derivations\n1 / 0\n")
    with pytest.raises(Unusable, match="line 2"):
        threefold.check(path)
    result = CliRunner().invoke(cli, ["check", "--no-cache", str(path)])
    assert result.exit_code == 2 and "broken.py, line 2" in result.output and "Traceback" not in result.output
