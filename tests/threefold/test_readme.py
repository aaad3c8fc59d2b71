"""What the README shows is what happens: its examples run and print what stands under them, its commands exist."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from threefold.cli import cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, flags=re.DOTALL)


def test_there_is_an_example_of_each_witness() -> None:
    assert len(EXAMPLES) == 3 == README.count("```python")
    for package, (code, _) in zip(("derivations", "reference", "torch_impl"), EXAMPLES, strict=True):
        assert re.search(rf"^(from|import) {package}\b", code, flags=re.MULTILINE)


@pytest.mark.parametrize(("code", "printed"), EXAMPLES, ids=["derivations", "reference", "torch_impl"])
def test_example_prints_what_stands_under_it(code: str, printed: str) -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    assert out.getvalue() == printed


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    texts = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^\$ )make ([a-z]+(?:-[a-z]+)*)", texts, re.MULTILINE))
    assert {"verify", "test"} <= named <= targets


def test_every_command_that_is_named_exists() -> None:
    overview = CliRunner().invoke(cli, ["--help"]).output
    for command in set(re.findall(r"threefold ([a-z]+) ", "\n".join(re.findall(r"^\$ .*$", README, re.MULTILINE)))):
        assert f"\n  {command} " in overview


def test_every_file_that_is_linked_exists() -> None:
    for text in ("README.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / text).read_text(encoding="utf-8")):
            assert (ROOT / link).exists(), link
