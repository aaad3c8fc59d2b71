"""The boxes of algorithms: every step is done by one line of code, and a box that says otherwise stops the build."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import derivations
from threefold.errors import Unusable
from threefold.site import algorithms, experiments, source
from threefold.site.algorithms import Algorithm, AlgorithmStep

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
EVERY = algorithms.every(DOCS)


class Names:
    """Stands for the book: it knows the claims and nothing else."""

    def claim(self, name: str, where: str) -> derivations.Claim:
        if name not in derivations.claims():
            raise Unusable(f"{where}: no claim has the id or tag {name!r}")
        return derivations.claims()[name]


BOOK = Names()


@pytest.mark.parametrize("algorithm", EVERY, ids=lambda algorithm: algorithm.name)
def test_every_step_with_a_claim_is_done_by_one_line(algorithm: Algorithm) -> None:
    places = [algorithms.line_of(BOOK, algorithm, step) for step in algorithm.steps]  # type: ignore[arg-type]  # a stand-in
    found = [(listing.name, number) for listing, number in filter(None, places)]
    assert found and len(set(found)) == len(found)
    for step in algorithm.steps:
        assert 0 <= step.shows <= (len(derivations.claims()[step.claim].says) if step.claim else 0)
        assert step.says[0].isupper() or step.depth, step.says
    assert sum(len(listing.lines) for listing in algorithm.listings) <= algorithms.MOST_LINES


def test_every_algorithm_is_shown_once_and_every_mark_is_one_of_a_step() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in (DOCS / "derivations").glob("*.md"))
    shown = re.findall(r"<!-- algorithm: (\S+) -->", texts)
    assert sorted(shown) == [algorithm.name for algorithm in EVERY] and len(EVERY) >= 9
    used = set()
    for algorithm in EVERY:
        for step in algorithm.steps:
            if place := algorithms.line_of(BOOK, algorithm, step):  # type: ignore[arg-type]  # a stand-in
                used.add((place[0].path, place[1]))
    for path in sorted(source.PACKAGE.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if source.MARK.search(line):
                assert (name, number) in used, f"{name}:{number} carries a tag, and no algorithm has that step"


@pytest.mark.parametrize("algorithm", [a for a in EVERY if a.run], ids=lambda algorithm: algorithm.name)
def test_what_came_out_is_a_picture_of_a_recorded_run(algorithm: Algorithm) -> None:
    run = experiments.of(DOCS, algorithm.run)
    assert algorithm.picture in [path.name for path in run.pictures]


DDIM = "torch_impl.samplers.ddim:ddim"


@pytest.mark.parametrize(
    ("functions", "claim", "said"),
    [
        ((DDIM,), "ddim.updaet", "no claim has the id"),
        ((DDIM,), "ddim.update", "0 lines of .* end in '# 0A4G' \\(ddim.update\\); one must"),
        ((DDIM, DDIM), "ddim.marginal_preservation", "2 lines of"),
        (("torch_impl.samplers.ddim:dim",), "ddim.update", "defines no function 'dim'"),
        (("torch_impl.samplers.dim:ddim",), "ddim.update", "no file torch_impl/samplers/dim.py"),
    ],
)
def test_a_step_that_no_line_does_is_refused(functions: tuple[str, ...], claim: str, said: str) -> None:
    box = Algorithm("a.toml", "a title", functions, (AlgorithmStep("Go on.", claim),))
    with pytest.raises(Unusable, match=said):
        algorithms.line_of(BOOK, box, box.steps[0])  # type: ignore[arg-type]  # a stand-in


@pytest.mark.parametrize("text", ["title = 1", "title = 'a'\nfunctions = []\n[[steps]]\nsay = 'x'", "[[", "x = 1"])
def test_a_file_that_is_no_algorithm_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(Unusable, match=r"bad\.toml is not an algorithm"):
        algorithms.read(path)


def test_a_listing_is_the_code_as_it_stands_without_what_is_said_of_it() -> None:
    shown = source.listing("torch_impl.objectives.elbo:ELBO.value")
    lines = (ROOT / shown.path).read_text(encoding="utf-8").splitlines()
    assert shown.lines[0][1].strip() == "@property"
    for number, line in shown.lines:
        assert lines[number - 1].startswith(line)
    assert all('"""' not in line for _, line in source.listing("torch_impl.samplers.ddim:ddim").lines)


def test_claims_are_found_where_the_code_cites_them() -> None:
    places = source.cited()["ddpm.posterior.mean"]
    assert ("torch_impl/process/gaussian.py", "GaussianProcess.posterior") in [(p.path, p.name) for p in places]
    for place in places:
        assert place.name.split(".")[-1] in (ROOT / place.path).read_text(encoding="utf-8").splitlines()[place.line - 1]


def test_a_page_of_source_shows_every_line_of_its_file() -> None:
    pytest.importorskip("pygments", reason="the colours come with the docs extra")
    path = "torch_impl/samplers/ddim.py"
    page = source.page(path)
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    assert page.count('class="tf-ln"') == len(lines)
    assert page.count('class="tf-marked"') == 4 and "# 0A4G" not in page
