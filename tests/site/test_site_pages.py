"""What the built pages show and where they lead, read from their HTML."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import derivations
from derivations.printing import latex, supposed_latex
from threefold.live import lines
from threefold.site import errata as errata_pages
from threefold.site import marked, own, symbols
from threefold.site.evidence import SHOWN_MUTANTS
from threefold.site.prose import evaluate
from threefold.site.tex import Typesetter, width

ROOT = Path(__file__).parents[2]
ANNOTATION = re.compile(r'<annotation encoding="application/x-tex">(.*?)</annotation>', re.DOTALL)
LIMIT_BYTES = 300_000


@pytest.fixture(scope="session")
def checked() -> set[str]:
    """The TeX of all that was checked, computed anew from the claims and not from what the generator noted."""
    found: set[str] = set()
    claims = [*derivations.claims().values(), *derivations.exercises().values()]
    for erratum in derivations.errata():
        claims.append(erratum.printed)
        if isinstance(erratum.correction, derivations.Claim):
            claims.append(erratum.correction)
    for claim in claims:
        found.update(statement.latex() for statement in claim.says)
        found.update(supposed_latex(hypothesis) for hypothesis in claim.hypotheses)
        for proof in claim.proofs.values():
            found.update(latex(line.expression) for chain in proof.chains for line in chain.lines)
    for name in SHOWN_MUTANTS:
        found.update(statement.latex() for mutant in derivations.mutants(name) for statement in mutant.says)
    return found


@pytest.fixture(scope="session")
def notation() -> set[str]:
    """The TeX of symbols: those of the claims with what they abbreviate, and those that the texts write in {{ }}."""
    found: set[str] = set()
    others = [claim for e in derivations.errata() for claim in (e.printed, e.correction) if hasattr(claim, "says")]
    for claim in [*derivations.claims().values(), *derivations.exercises().values(), *others]:
        for _, node in symbols.occurrences(claim):
            found.add(latex(node))
            if hasattr(node, "unfold"):
                found.add(latex(node.unfold()))
    found.update(latex(node) for node in symbols.signs().values())
    for path in (ROOT / "docs").rglob("*.md"):
        for source in re.findall(r"\{\{\s*(.+?)\s*\}\}", path.read_text(encoding="utf-8")):
            found.add(latex(evaluate(source)))
    return found


def test_every_formula_is_byte_for_byte_one_that_was_checked(built_pages, checked, notation):
    shown = 0
    for path, text in built_pages.items():
        for tex in ANNOTATION.findall(text):
            shown += 1
            assert unescape(tex) in checked | notation, f"{path} shows TeX that nothing checked: {unescape(tex)}"
    assert shown > 1000


def test_rows_of_derivations_show_checked_lines_only(built_pages, checked):
    for path, text in built_pages.items():
        for row in re.findall(r'<section class="tf-row".*?</annotation>', text, re.DOTALL):
            tex = unescape(ANNOTATION.findall(row)[0])
            assert tex in checked, f"{path}: {tex}"


def test_every_step_of_every_claim_stands_in_its_chapter(built_pages):
    chapters = "".join(text for path, text in built_pages.items() if path.startswith("derivations/"))
    for claim in derivations.claims().values():
        assert chapters.count(f'class="tf-head" id="{claim.tag}"') == 1, claim.id
        for part, proof in claim.proofs.items():
            lines = sum(len(chain.lines) for chain in proof.chains)
            last = ".".join([claim.tag, *([str(part + 1)] if len(claim.says) > 1 else []), str(lines)])
            assert f'id="{last}"' in chapters, f"{claim.id}: step {last} is missing"


def test_the_notes_of_the_generator_agree_with_the_claims(checked, notation):
    path = ROOT / "build" / "tex.json"
    if not path.is_file():
        pytest.skip("build/tex.json is written by `threefold pages`")
    assert set(json.loads(path.read_text(encoding="utf-8"))) <= checked | notation


# --- symbols ----------------------------------------------------------------------------------------------------------


def marks(text: str) -> set[str]:
    return set(re.findall(r' data-s="([^"]*)"', text))


def printed(claim: derivations.Claim) -> str:
    return " ".join(latex(expression) for expression in symbols.expressions(claim))


def stands_in(tex: str, text: str) -> bool:
    """As itself and not as a part of a word or a command; the index in "law(z_i = ...)" is a part of that notation."""
    return re.search(rf"(?<![\\_a-zA-Z]){re.escape(tex)}(?![a-zA-Z])", text) is not None


def test_every_symbol_of_every_claim_is_marked_where_it_stands(built_pages):
    """The pages of the tags show statement and steps: each symbol in them has its mark, a meaning and a row."""
    rows = built_pages["reference/notation.html"]
    for claim in derivations.claims().values():
        shown = marks(built_pages[f"tag/{claim.tag}/index.html"])
        text = printed(claim)  # what stands only inside something that is printed as a whole has no place of its own
        names = {name for name, node in symbols.occurrences(claim) if stands_in(latex(node), text)}
        assert names <= shown, f"{claim.id}: {sorted(names - shown)}"
        for name in names:
            assert symbols.MEANING[name] and f'id="{symbols.anchor(name)}"' in rows, name


def test_every_mark_has_a_meaning_for_the_tooltip(site, built_pages):
    script = (site / "assets" / "javascripts" / "symbols.js").read_text(encoding="utf-8")
    meanings = json.loads(script.partition("=")[2].strip().rstrip(";"))
    everywhere = set().union(*(marks(text) for text in built_pages.values()))
    assert len(everywhere) > 60
    assert everywhere <= {name for name, text in meanings.items() if text}


@pytest.mark.parametrize(
    ("with_marks", "bare"),
    [
        (r"\htmlData{s=beta}{\beta_{\htmlData{s=t}{t}}^{2}} + 1", r"\beta_{t}^{2} + 1"),
        (r"\frac{\htmlData{s=q}{q}(x)}{\{ 2 \}}", r"\frac{q(x)}{\{ 2 \}}"),
    ],
)
def test_marks_can_be_taken_out(with_marks, bare):
    assert marked.bare(with_marks) == bare


def test_marks_that_say_something_else_are_refused():
    pytest.importorskip("py_mini_racer", reason="the engine that draws comes with the docs extra")
    with pytest.raises(ValueError, match="the marked form"):
        Typesetter().tex(r"\beta_{t}", "a test", marks=r"\htmlData{s=beta}{\alpha_{t}}")


def test_the_width_of_a_formula_is_read_from_what_stands_beside_and_above():
    def mathml(inside: str) -> str:
        return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{inside}</math>'

    row, letter = "<mrow>{}</mrow>", "<mi>x</mi>"
    one, four = width(mathml(letter)), width(mathml(row.format(4 * letter)))
    assert four == pytest.approx(4 * one)
    stacked = width(mathml(f"<mfrac>{row.format(4 * letter)}{letter}</mfrac>"))
    assert four < stacked < four + one
    assert width(mathml(f"<semantics>{letter}<annotation>long, long TeX</annotation></semantics>")) == one
    assert width("no formula") == 0.0


# --- chapters ---------------------------------------------------------------------------------------------------------


def test_every_chapter_has_the_parts_that_it_promises(built_pages):
    """Question, early result, ledger, meaning, what is printed wrong with its witness, exercises with answers."""
    chapters = [path for path in built_pages if path.startswith("derivations/") and path != "derivations/index.html"]
    assert len(chapters) >= 13
    for path in chapters:
        text = built_pages[path].partition('class="md-content"')[2]
        order = [
            re.search(r"<p><strong>[^<]*\?</strong></p>", text),
            re.search(r'class="tf-statement"', text),
            re.search(r'class="tf-derivation"', text),
            re.search(r"<h2[^>]*>What it means", text),
            re.search(r"<h2[^>]*>What is commonly printed wrong", text),
            re.search(r'class="tf-witness"', text.partition("What is commonly printed wrong<a")[2]),
            re.search(r"<h2[^>]*>Exercises", text),
        ]
        assert all(order), f"{path}: {[place is not None for place in order]}"
        starts = [place.start() for place in (*order[:5], order[6]) if place is not None]
        assert starts == sorted(starts), path
        exercises = text.partition(">Exercises")[2]
        asked = len(re.findall(r"<p><strong>\d+\.</strong>", exercises))
        solved = re.findall(r"Solution, checked (?:as (\w{4})|by the kernel)</summary>", exercises)
        tags = {claim.tag for claim in derivations.claims().values()}
        assert asked and len(solved) == asked and set(solved) - {""} <= tags, path
        own = re.findall(r"<code>threefold show (exercise\.[\w.]+)</code></p>", exercises)
        assert len(own) == solved.count("") and set(own) <= derivations.exercises().keys(), path


# --- links ------------------------------------------------------------------------------------------------------------


TAG = re.compile(r"<([a-zA-Z][\w-]*)(\s[^<>]*(?:id|href|src)=[^<>]*)>")
ATTRIBUTE = re.compile(r"""\s([\w:-]+)=(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")


@dataclass
class Anchors:
    """Targets and links of a page, raw HTML and SVG included."""

    ids: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def feed(self, text: str) -> None:
        for tag, attributes in TAG.findall(text):
            values = {name: unescape(a or b or c) for name, a, b, c in ATTRIBUTE.findall(attributes)}
            if "id" in values:
                self.ids.append(values["id"])
            for name in ("href", "xlink:href", "src"):
                if name in values and tag != "base":
                    self.links.append(values[name])
                    if name == "src" or (tag == "link" and values.get("rel") not in ("canonical", "prev", "next")):
                        self.fetched.append(values[name])


@pytest.fixture(scope="session")
def anchors(built_pages) -> dict[str, Anchors]:
    found = {}
    for path, text in built_pages.items():
        found[path] = Anchors()
        found[path].feed(text)
    return found


def test_all_internal_links_and_anchors_resolve(site, anchors):
    broken = []
    for path, page in anchors.items():
        if path == "404.html":  # shown at any address, so its links start at the root
            continue
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (site / path).parent / unquote(parts.path) if parts.path else site / path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                broken.append(f"{path}: {link}")
                continue
            fragment = unquote(parts.fragment)
            name = target.resolve().relative_to(site.resolve()).as_posix()
            if "=" in fragment and name == own.PAGE:
                is_there = "text=" in fragment or lines.row(fragment.removeprefix("line="))
            else:
                is_there = not fragment or name not in anchors or fragment in (*anchors[name].ids, "__top")
            if not is_there:
                broken.append(f"{path}: {link}")
    assert not broken, broken[:20]


def test_nothing_to_click_stands_inside_a_summary(built_pages):
    for path, text in built_pages.items():
        for summary in re.findall(r"<summary>(.*?)</summary>", text, re.DOTALL):
            assert "<a " not in summary and "<button" not in summary, f"{path}: {summary}"


def test_no_id_stands_twice_on_a_page(anchors):
    for path, page in anchors.items():
        twice = {name for name in page.ids if page.ids.count(name) > 1}
        assert not twice, f"{path}: {sorted(twice)[:5]}"


def test_nothing_is_fetched_from_another_host(site, anchors):
    for path, page in anchors.items():
        for link in page.fetched:
            assert not urlsplit(link).netloc, f"{path} fetches {link}"
    for sheet in site.rglob("*.css"):
        for url in re.findall(r"url\(([^)]*)\)|@import\s+([^;]+)", sheet.read_text(encoding="utf-8")):
            assert not re.match(r"[\"']?(https?:)?//", "".join(url)), f"{sheet}: {url}"
    for script in (site / "assets" / "javascripts").glob("*.js"):
        if not script.name.startswith("bundle"):  # the theme's own is watched in the browser
            assert not re.search(r"https?://", script.read_text(encoding="utf-8")), script


# --- what the pages say of the checker and of the runs ----------------------------------------------------------------


def words_of(text: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))


def test_the_trust_page_counts_the_tests_that_there_are(built_pages):
    said = words_of(built_pages["reference/trust.html"])
    corpus = len(list((ROOT / "tests" / "reject").glob("*.py")))
    modules = len(list((ROOT / "tests" / "kernel").glob("test_soundness_*.py")))
    assert corpus >= 40 and f"{corpus} that must be rejected" in said
    assert f"{modules} modules of tests" in said and "at least 200 random models" in said
    assert "0 survive" in said and f"{len(derivations.errata())} refuted with numbers" in said
    domains = len(derivations.claims())
    assert f"{domains} of {domains} domains are inhabited" in said


def test_every_recorded_run_has_its_page_with_all_its_pictures(built_pages):
    for results in (ROOT / "docs" / "assets" / "runs").glob("*/results.json"):
        page = built_pages[f"experiments/{results.parent.name}.html"]
        for picture in results.parent.glob("*.png"):
            if not picture.stem.endswith("summary"):
                assert f"/{picture.name}" in page, picture
        assert not re.search(r'<img[^>]* alt=""', page.partition("md-content")[2]), "a picture without words"
        assert f"experiments/{results.parent.name}.html" in built_pages["index.html"]
        for text in ("Machine", "Command", "Configuration"):
            assert text in page, text


def test_the_interface_links_to_the_tags_it_cites(built_pages):
    """A claim's id in a docstring is a link to its page, and none is left as bare code."""
    cited = 0
    for page in ("torch_impl", "reference", "derivations"):
        text = built_pages[f"reference/api/{page}.html"]
        for name, claim in derivations.claims().items():
            bare, linked = text.count(f"<code>{name}</code>"), text.count(f"<code>{name}</code></a>")
            assert bare == linked, f"{page}: {name}"
            assert not linked or f'href="../../tag/{claim.tag}/index.html"' in text
            cited += linked
    assert cited >= 10


@pytest.mark.parametrize(
    ("page", "element", "inside", "least"),
    [
        ("derivations/schedule.html", "tf-abar", "<tr>", 21),
        ("reference/trust.html", "tf-break", "<details", 30),
        ("train/samplers.html", "tf-paths", "<polyline", 21),
    ],
)
def test_what_a_script_makes_playful_stands_there_without_it(built_pages, page, element, inside, least):
    found = re.search(rf"<{element}.*?</{element}>", built_pages[page], re.DOTALL)
    assert found is not None and found[0].count(inside) >= least


# --- tags, search, weight ---------------------------------------------------------------------------------------------


def rows_of(text: str) -> list[tuple[str, str]]:
    return [(row["tag"], row["id"]) for row in csv.DictReader(io.StringIO(text))]


def history(path: str) -> Iterator[str]:
    """Earlier versions of a file, from the repository's history."""
    git = ["git", "-C", str(ROOT)]
    log = subprocess.run([*git, "log", "--format=%H", "--", path], capture_output=True, text=True)
    if log.returncode != 0:
        pytest.skip("no history here: this is not a git checkout")
    for commit in log.stdout.split():
        shown = subprocess.run([*git, "show", f"{commit}:{path}"], capture_output=True, text=True)
        if shown.returncode == 0:
            yield shown.stdout


def test_tags_are_never_removed_nor_given_to_another_claim():
    now = rows_of((ROOT / "derivations" / "tags.csv").read_text(encoding="utf-8"))
    assert len({tag for tag, _ in now}) == len(now)
    for earlier in history("derivations/tags.csv"):
        assert set(rows_of(earlier)) <= set(now)


def test_every_claim_has_its_page(site):
    for claim in derivations.claims().values():
        text = (site / "tag" / claim.tag / "index.html").read_text(encoding="utf-8")
        assert claim.id in text and claim.title.split(":")[0] in unescape(text)


def test_search_finds_claims_and_no_mathematics(site):
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    everything = {entry["location"]: entry["title"] + " " + entry["text"] for entry in index["docs"]}
    for claim in derivations.claims().values():
        found = unescape(re.sub(r"<[^>]+>", "", everything[f"tag/{claim.tag}/index.html"]))
        assert claim.tag in found and claim.id in found and claim.title in found, claim.id
    for location, text in everything.items():
        for debris in ("\\frac", "\\mathbb", "\\left", "\\bar", "<math", "katex", "application/x-tex", "[t - 1]"):
            assert debris not in text, f"{location} is indexed with {debris}"
    for claim in derivations.claims().values():
        entries = [location for location in everything if location.startswith(f"tag/{claim.tag}/")]
        assert len(entries) <= 2, f"{entries}: figures and graphs stand between a reader and the claim"


FACES = (
    *("Main-Regular", "Math-Italic", "Size1-Regular", "Size2-Regular", "Size3-Regular", "Size4-Regular"),
    *("AMS-Regular", "Caligraphic-Regular"),
)


def test_a_derivation_page_is_light(site, built_pages, anchors):
    """Compressed as servers send it: the page, its styles and scripts, and every font of the mathematics."""
    fonts = sum((site / "assets" / "katex" / "fonts" / f"KaTeX_{name}.woff2").stat().st_size for name in FACES)
    for path, text in built_pages.items():
        if not path.startswith("derivations/"):
            continue
        sent = fonts + len(gzip.compress(text.encode()))
        for link in set(anchors[path].fetched):
            file = (site / path).parent / urlsplit(link).path
            if file.is_file():
                sent += len(gzip.compress(file.read_bytes()))
        assert sent < LIMIT_BYTES, f"{path} takes {sent} bytes"


def test_no_page_is_longer_than_sixty_steps(built_pages):
    for path, text in built_pages.items():
        assert len(re.findall(r'<section class="tf-row" id=', text)) <= 65, path


MOST_HTML, MOST_NODES = 400_000, 10_000


@pytest.mark.parametrize("text", errata_pages.TEXTS)
def test_each_text_has_its_own_page_of_errata_that_a_phone_can_hold(built_pages, text):
    page = built_pages[f"errata/{text}.html"]
    assert len(page.encode()) < MOST_HTML
    assert len(re.findall(r"<[a-zA-Z]", page)) < MOST_NODES
    here = errata_pages.pages()[text]
    assert here
    for e in derivations.errata():
        assert (f'id="{e.id}"' in page) == (e in here), e.id


def test_an_entry_tells_what_is_printed_from_what_it_implies_and_from_what_refutes_it(built_pages):
    page = built_pages["errata/notes-2.html"]
    entry = page[page.index('id="N6"') :]
    places = [entry.index(label) for label in ("As printed", "What that implies", "Refuted", "Corrected")]
    assert places == sorted(places)
