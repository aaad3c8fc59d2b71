"""The command: exit statuses, formats, and input that cannot be used."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from jsonschema import Draft4Validator

from threefold.check.checking import check
from threefold.check.formats import github, html, sarif, text
from threefold.check.options import Unusable
from threefold.check.report import Report
from threefold.cli import cli

TRUE = (
    "The chain, $\\alpha_t = 1-\\beta_t$.\n\n"
    "$$q(x_t|x_0) = \\mathcal N(x_t; \\sqrt{\\bar\\alpha_t}x_0, (1-\\bar\\alpha_t)I)$$\n"
)
FALSE = TRUE + "\n$$q(x_t|x_0) = \\mathcal N(x_t; \\bar\\alpha_t x_0, (1-\\bar\\alpha_t)I)$$\n"
OPEN = TRUE + "\n$$\\unknown{x} = 1$$\n"


def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ["check", "--no-cache", "--jobs", "0", *arguments], input=stdin)


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "notes.md"
    path.write_text(FALSE)
    return path


@pytest.fixture(scope="module")
def report() -> Report:
    return check(FALSE)


@pytest.mark.sampled(2)
def test_exit_statuses(tmp_path: Path, wrong: Path) -> None:
    (tmp_path / "good.md").write_text(TRUE)
    (tmp_path / "open.md").write_text(OPEN)
    assert run(str(tmp_path / "good.md")).exit_code == 0
    assert run(str(tmp_path / "open.md")).exit_code == 0
    assert run(str(tmp_path / "open.md"), "--strict").exit_code == 1
    result = run(str(wrong))
    assert result.exit_code == 1
    assert "refuted" in result.output and "left" in result.output and "context ddpm" in result.output
    assert "t an integer in 1..T" in result.output, "the domain of the numbers is said"


@pytest.mark.sampled(2)
def test_standard_input_and_show(wrong: Path) -> None:
    assert run("-", stdin=FALSE).exit_code == 1
    shown = run(str(wrong), "--show", "5")
    assert shown.exit_code == 1 and "read as" in shown.output and "fails" in shown.output
    missing = run(str(wrong), "--show", "99")
    assert missing.exit_code == 2 and "the nearest is in line 5" in missing.output


def test_json_has_the_fields_of_the_contract(tmp_path: Path, wrong: Path) -> None:
    out = tmp_path / "out.json"
    run(str(wrong), "--json", str(out))
    data = json.loads(out.read_text())
    assert data["schema"] == 1 and data["contexts"][0]["name"] == "ddpm"
    first, second = data["links"]
    for key in ("display", "link", "line", "column", "tex", "kind", "reading", "reason", "claims", "rules", "seconds"):
        assert key in first
    assert first["verdict"] == "proved" and first["claims"] == ["ddpm.forward.marginal"]
    assert second["verdict"] == "refuted" and second["witness"]["left"] != second["witness"]["right"]


@pytest.mark.sampled(2)
def test_a_baseline_hides_what_was_known(tmp_path: Path, wrong: Path) -> None:
    out = tmp_path / "old.json"
    run(str(wrong), "--json", str(out))
    assert run(str(wrong), "--baseline", str(out)).exit_code == 0
    wrong.write_text(FALSE + "\n$$\\beta_t = 2 - \\alpha_t$$\n")
    assert run(str(wrong), "--baseline", str(out)).output.count("1 link") == 1


def test_annotations_are_errors_for_refuted_lines_alone(report: Report) -> None:
    (line,) = github.write(report).splitlines()
    assert line.startswith("::error file=text,line=5,col=3,title=threefold%3A refuted::refuted")
    assert "%0A" in line


def schema() -> Draft4Validator:
    return Draft4Validator(json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text()))


def test_sarif_is_what_a_scanner_reads(report: Report) -> None:
    log = json.loads(sarif.write(report))
    assert not list(schema().iter_errors(log))
    (only,) = log["runs"]
    (result,) = only["results"]
    assert result["ruleId"] == only["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "refuted"
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 5, "startColumn": 3}
    assert result["message"]["text"]


@pytest.mark.parametrize("source", ["", TRUE, '$$\\text{a \u00e9 % "} = 1$$\n', "$$a = b$$\n\n" * 3])
def test_every_report_is_sarif(source: str) -> None:
    assert not list(schema().iter_errors(sarif.log(check(source + "\n"))))


def test_a_wrong_log_is_no_sarif(report: Report) -> None:
    log = sarif.log(report)
    log["runs"][0]["results"][0]["level"] = "terrible"
    del log["runs"][0]["tool"]
    assert len(list(schema().iter_errors(log))) == 2


def test_html_is_one_file_that_asks_for_nothing(report: Report) -> None:
    page = html.write(report)
    seen: list[tuple[str, str]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.extend((tag, name) for name, _ in attrs)

    Reader().feed(page)
    assert not {name for _, name in seen} & {"src", "href"}
    assert page.count("<details") == 2 and "refuted" in page


def test_what_stands_in_a_document_cannot_break_the_page() -> None:
    made = check("$$a = b$$ <script>alert(1)</script>\n\n$$</details><script> = 1$$\n")
    assert "<script>" not in html.write(made)


def test_the_text_names_every_verdict_once(report: Report) -> None:
    written = text.write(report)
    assert "2 links: 1 proved, 1 refuted" in written


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.md", None, "there is no file"),
        ("binary.md", b"\x00\x01", "binary"),
        ("broken.md", b"caf\xe9 $$a=b$$", "not UTF-8"),
        ("front.md", b"---\nthreefold: [\n---\n", "no YAML"),
        ("unknown.md", b"---\nthreefold: {colour: red}\n---\n", "no setting 'colour'"),
        ("context.md", b"---\nthreefold: {context: nonsense}\n---\n", "may be vae"),
        ("list.md", b"---\nthreefold: [a]\n---\n", "must be a mapping"),
        ("book.docx", b"x", "is none of"),
        ("bad.ipynb", b"{", "no notebook"),
        ("bad.py", b"def", "no Python"),
    ],
)
def test_input_that_cannot_be_used(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    result = run(str(path))
    assert result.exit_code == 2, result.output
    assert says in result.output and "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.md"
    with path.open("wb") as stream:
        stream.truncate(50_000_000)
    result = run(str(path))
    assert result.exit_code == 2 and "50 MB" in result.output


def test_the_time_of_a_file_is_bounded(wrong: Path) -> None:
    wrong.write_text(TRUE * 40)
    late = run(str(wrong), "--file-budget", "0.1")
    assert late.exit_code == 0 and "the file's 0.1 s were used up" in late.output
    assert run(str(wrong), "--file-budget", "0").exit_code == 2


def test_the_hook_and_the_workflow_call_the_command() -> None:
    root = Path(__file__).parents[2]
    (hook,) = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text())
    assert hook["entry"] == "threefold check" and re.search(hook["files"], "notes/a.md")
    assert not re.search(hook["files"], "a.py")
    blocks = re.findall(r"```yaml\n(.*?)```", (root / "docs" / "check" / "ci.md").read_text(), re.DOTALL)
    workflow, upload, hooks = [yaml.safe_load(block) for block in blocks]
    runs = [step.get("run", "") for step in (*workflow["jobs"]["check"]["steps"], *upload)]
    asked = [line.partition(" > ")[0].split()[2:] for line in runs if line.startswith("threefold check")]
    assert len(asked) == 2 and hooks["repos"][0]["hooks"][0]["id"] == hook["id"]
    for _, option, form in asked:
        assert option == "--format" and run("-", option, form, stdin=TRUE).exit_code == 0


@pytest.mark.sampled(2)
def test_several_files_make_one_report(tmp_path: Path, wrong: Path) -> None:
    (tmp_path / "paper.tex").write_text("\\newcommand{\\a}{\\alpha_t}\n\\[ 2\\a = \\a + \\a \\]\n\\input{more}\n")
    (tmp_path / "more.tex").write_text("\\begin{equation} 2 + 2 = 5 \\end{equation}\n")
    cells = [{"cell_type": "markdown", "source": ["$$1 + 1 = 2$$"]}]
    (tmp_path / "book.ipynb").write_text(json.dumps({"cells": cells}))
    out = tmp_path / "out.json"
    result = run(str(wrong), str(tmp_path / "paper.tex"), str(tmp_path / "book.ipynb"), "--json", str(out))
    files = json.loads(out.read_text())["files"]
    assert [[k["verdict"] for k in f["links"]] for f in files] == [
        ["proved", "refuted"],
        ["proved", "refuted"],
        ["proved"],
    ]
    assert result.exit_code == 1 and "more.tex 1.1" in result.output
    assert files[1]["links"][1]["file"].endswith("more.tex")


def test_inline_equations_are_judged_when_asked() -> None:
    text = "In a sentence $2 + 2 = 5$ stands.\n"
    assert run("-", stdin=text).exit_code == 0
    assert run("-", "--inline", stdin=text).exit_code == 1


def test_folders_settings_and_baselines(tmp_path: Path, wrong: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no document" in run(str(empty)).output
    assert run(str(wrong), "--set", "context").exit_code == 2
    assert "did you mean context" in run(str(wrong), "--set", "contxt=vae").output
    (tmp_path / "old.json").write_text('{"schema": 7, "links": []}')
    assert "has schema 7" in run(str(wrong), "--baseline", str(tmp_path / "old.json")).output
    (tmp_path / "old.json").write_text("[]")
    assert run(str(wrong), "--baseline", str(tmp_path / "old.json")).exit_code == 2


def test_unbalanced_braces_spoil_one_display_alone() -> None:
    made = check("$$\\frac{1$$\n\n" + TRUE)
    assert [link.verdict for link in made] == ["not read", "proved"]


def test_macros_that_recurse_end() -> None:
    made = check("$\\newcommand{\\a}{\\a\\a}$\n\n$$\\a = 1$$\n")
    assert made.links[-1].verdict == "not read" and "goes on and on" in made.links[-1].reason


def test_a_context_may_be_set_from_a_line_on() -> None:
    made = check("$$a = b$$\n\n<!-- threefold: context: flow-matching -->\n\n$$c = d$$\n")
    assert [c.name for c in made.files[0].contexts] == ["vae", "flow-matching"]


def test_python_raises_unusable() -> None:
    with pytest.raises(Unusable):
        check(Path("/no/such/file.md"))


def test_the_page_shows_what_the_reader_does() -> None:
    import importlib.util

    path = Path(__file__).parent / "readings.py"
    spec = importlib.util.spec_from_file_location("readings", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = module.PAGE.read_text(encoding="utf-8")
    assert module.page(written) == written, "run python tests/check/readings.py"
