"""What a page of the built site is looked at for, and one page of each kind."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

# One page of each kind, named by what it is; of an experiment there is none while no run is recorded.
KINDS = {
    "home": "index.html",
    "start": "start.html",
    "list of chapters": "derivations/index.html",
    "chapter": "derivations/posterior.html",
    "chapter with a slider": "derivations/schedule.html",
    "tag, proved": "tag/0A07/index.html",
    "tag, refuted": "tag/0A33/index.html",
    "tag, with an assumption": "tag/0A13/index.html",
    "map": "map/index.html",
    "errata": "errata/index.html",
    "notation": "reference/notation.html",
    "trust": "reference/trust.html",
    "list of references": "reference/index.html",
    "bibliography": "reference/bibliography.html",
    "chapter with an algorithm": "derivations/ddim.html",
    "source": "source/torch_impl/samplers/ddim.html",
    "interface": "reference/api/torch_impl.html",
    "train": "train/index.html",
    "samplers": "train/samplers.html",
    "speed": "train/speed.html",
    "list of experiments": "experiments/index.html",
    "experiment": "experiments/digits-ddpm.html",
    "project": "project.html",
    "check your own": "check-your-own.html",
    "not found": "404.html",
}
SIZES = (390, 1280)
SCHEMES = ("light", "dark")

# How far the page sticks out of the window; what sticks out inside a box that scrolls by itself does not count.
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
UNDRAWN = """(() => {
    for (const row of document.querySelectorAll('.tf-row')) row.style.contentVisibility = 'visible';
    return [...document.querySelectorAll('.md-content .katex-html')]
        .filter(e => !e.closest('details:not([open]), [hidden]') && !e.getBoundingClientRect().width).length;
})()"""
AXE = Path(__file__).parent / "vendor" / "axe.min.js"


@cache
def axe() -> str:
    if not AXE.is_file():
        pytest.skip(f"{AXE.name} is not in {AXE.parent}, so what keeps people out is not looked for")
    return AXE.read_text(encoding="utf-8")


def barriers(chrome) -> list[str]:
    """What axe-core finds serious or critical on the page as it is."""
    chrome.evaluate(axe() + "; 0")
    return chrome.evaluate(
        """axe.run(document, {resultTypes: ['violations']}).then(found => found.violations
            .filter(v => ['serious', 'critical'].includes(v.impact))
            .flatMap(v => v.nodes.slice(0, 5).map(n => `${v.id}: ${n.html.slice(0, 200)} ${n.failureSummary}`)))"""
    )


def exists(site: Path, page: str) -> None:
    if not (site / page).is_file():
        assert page.startswith("experiments/") and not list((site / "assets" / "runs").glob("*/results.json")), page
        pytest.skip("no run is recorded, so there is no page of one")
