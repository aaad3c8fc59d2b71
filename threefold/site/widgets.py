"""Things to play with: custom elements over tables that Python computed; without scripts a list stands there."""

from __future__ import annotations

import json
from collections.abc import Callable
from html import escape

from threefold.errors import Unusable
from threefold.site import blocks, own
from threefold.site.book import Book
from threefold.site.tables import noised_digit, sampler_paths

MOST_MUTANTS = 8


def element(book: Book, argument: str, up: str) -> str:
    """The HTML of the widget that is named."""
    known: dict[str, Callable[[Book, str], str]] = {
        "break-it": break_it,
        "abar": lambda book, up: noising(),
        "trajectories": lambda book, up: trajectories(),
    }
    if argument not in known:
        raise Unusable(f"there is no widget {argument!r}; there are {', '.join(known)}")
    return known[argument](book, up)


def break_it(book: Book, up: str) -> str:
    """Altered statements, each folded with the numbers that refute it; the script turns the list into two choices."""
    groups = []
    for name, cases in book.evidence.mutants.items():
        claim = book.claim(name, "widget")
        items = []
        for case in [case for case in cases if case.outcome == "refuted"][:MOST_MUTANTS]:
            math = book.typesetter.tex(case.tex, f"mutant of {name}: {case.operator}", display=True, marks=case.marks)
            items.append(
                f'<details class="tf-mutant"><summary>{escape(case.operator)}</summary>'
                f'<div class="tf-math" tabindex="0" role="math" aria-label="Altered statement">{math}</div>'
                f'<div class="tf-witness">{blocks.badge("refuted")}{blocks.at_point(case.point)}'
                f"<p>left side <strong>{escape(case.lhs)}</strong>, right side <strong>{escape(case.rhs)}</strong></p>"
                "</div></details>"
            )
        title = f"<p>{blocks.named_link(book, name, up)}</p>"
        groups.append(f'<section data-title="{escape(claim.title)}">{title}{"".join(items)}</section>')
    more = (
        f'<p>Make a change of your own, in any line of any derivation: <a href="{up}{own.PAGE}">Check your own</a>.</p>'
        if book.runtime is not None
        else ""
    )
    return f'<aside class="tf-widget" data-search-exclude><tf-break>{"".join(groups)}</tf-break>{more}</aside>'


def noising() -> str:
    """A real digit under the linear schedule: a slider over the table that stands below it."""
    table = noised_digit()
    rows = "".join(
        f"<tr><td>{level.t}</td><td>{level.abar:.4g}</td><td>{level.signal:.3f}</td><td>{level.noise:.3f}</td>"
        f"<td>{level.snr}</td></tr>"
        for level in table
    )
    head = ("t", "ᾱ", "√ᾱ, of the image", "√(1 − ᾱ), of the noise", "SNR")
    pictures = escape(json.dumps([level.pixels for level in table]))
    return (
        f'<aside class="tf-widget" data-search-exclude><tf-abar data-pictures="{pictures}">'
        f"{blocks.grid('The linear schedule', head, rows)}</tf-abar></aside>"
    )


WIDTH, HEIGHT, SPAN = 640, 300, 3.2


def trajectories() -> str:
    """Paths of three samplers on a mixture of two Gaussians whose density is drawn beneath; all with exact noise."""
    paths = sampler_paths(SPAN)
    count = len(paths.times)

    def place(index: int, x: float) -> str:
        return f"{index * WIDTH / (count - 1):.0f},{(SPAN - x) * HEIGHT / (2 * SPAN):.1f}"

    groups = []
    for name, label, lines in paths.samplers:
        drawn = "".join(
            f'<polyline points="{" ".join(place(index, x) for index, x in enumerate(line))}"/>' for line in lines
        )
        groups.append(f'<g class="tf-path tf-path-{name}" data-label="{escape(label)}">{drawn}</g>')
    words = "; ".join(label for _, label, _ in paths.samplers)
    return (
        '<figure class="tf-widget" data-search-exclude><tf-paths>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(words)}">'
        f'<image xlink:href="{paths.density}" width="{WIDTH}" height="{HEIGHT}" preserveAspectRatio="none"/>'
        f"{''.join(groups)}</svg></tf-paths><figcaption>From noise (left) to a sample (right) in {count - 1} strides: "
        f"{escape(words)}. Each starts from the same points and asks the exact noise predictor of the mixture, whose "
        "density at every level lies beneath.</figcaption></figure>"
    )
