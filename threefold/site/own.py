"""The two forms of the page "Check your own", and the links that lead to it from a line of a derivation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any
from urllib.parse import quote

from derivations import Claim
from derivations.printing import RELATIONS, latex
from threefold.check.contexts.detect import CONTEXTS
from threefold.check.read import settle
from threefold.check.tokens import NotRead
from threefold.errors import Unusable
from threefold.live import session
from threefold.live.judging import read
from threefold.live.lines import argued, rows, short_name
from threefold.site import browser
from threefold.site.book import Book
from threefold.site.browser import Runtime

PAGE = "check-your-own.html"
EXAMPLES = {
    "a marginal with a misprint": r"""The forward process, with one bar missing.

$$q(x_t \mid x_0) = \mathcal N\left(x_t; \sqrt{\alpha_t}\, x_0, (1 - \bar\alpha_t) \mathbf I\right)$$
""",
    "the variance of the way back": r"""$$\tilde\beta_t = \frac{1 - \bar\alpha_{t-1}}{1 - \bar\alpha_t} \beta_t$$
""",
    "the lower bound of a VAE": r"""$$
\log p_\theta(x) \ge \mathbb E_{q_\phi(z|x)}[\log p_\theta(x|z)] - D_{\mathrm{KL}}(q_\phi(z|x) \| p(z))
$$
""",
    "a chain of equalities": r"""<!-- threefold: context: ddpm -->

$$\begin{aligned}
1 - \bar\alpha_t &= 1 - \alpha_t \bar\alpha_{t-1} \\
 &= \beta_t + \alpha_t (1 - \bar\alpha_{t-1})
\end{aligned}$$
""",
}


def form(book: Book, argument: str, up: str) -> str:
    """The form for a text or for a line of a derivation; without what it runs on, a sentence that says so."""
    if argument not in (*FORMS, "sizes"):
        raise Unusable(f"there is no form {argument!r}; there are {', '.join(FORMS)} and sizes")
    if book.runtime is None and argument == "sizes":
        return ""
    if book.runtime is None:
        return (
            '<div class="tf-widget"><p>This copy of the site was built without what this form runs on. '
            "<code>threefold check</code> does the same in a terminal, and more: "
            f'<a href="{up}check/index.html">Check your notes</a>.</p></div>'
        )
    if argument == "sizes":
        return _sizes(book.runtime)
    inside = "".join(FORMS[argument]())
    noscript = "<noscript><p>This form needs JavaScript. <code>threefold check</code> does without.</p></noscript>"
    return (
        f'<div class="tf-widget" data-search-exclude>{noscript}<tf-own data-kind="{argument}" '
        f'data-manifest="{escape(book.runtime.manifest())}"><form>{inside}'
        f"{_controls(argument, book.runtime.megabytes)}</form>"
        '<ol class="tf-verdicts" data-part="results" aria-label="Verdicts"></ol></tf-own></div>'
    )


def _sizes(runtime: Runtime) -> str:
    """What is loaded, and how much of it is what."""
    sizes = {name: size / 1e6 for name, (size, _) in runtime.files.items()}
    ours, typesetter = sizes[browser.CODE] + sizes[browser.COMPILED], sizes["katex.min.js"]
    return (
        f"<p>Python as Pyodide {browser.VERSION} has it ({runtime.megabytes - ours - typesetter:.1f} MB), SymPy, "
        f"mpmath, readers of Markdown and YAML, the code of this project ({ours:.1f} MB), KaTeX ({typesetter:.1f} MB): "
        f"{runtime.megabytes:.1f} MB, less where the server compresses.</p>"
    )


def _controls(kind: str, megabytes: float) -> str:
    listing = ""
    if kind == "line":
        listing = _button("list", "List its single changes", "data-asks") + _button("reset", "Undo all changes")
    return (
        '<p class="tf-buttons"><button type="submit" class="tf-go" data-asks>Check</button>'
        f"{listing}{_button('link', 'Copy a link to this')}{_button('stop', 'Stop', 'hidden')}</p>"
        f'<progress hidden aria-label="Loading the judge"></progress><p role="status" class="tf-status-line">The first '
        f"check loads {megabytes:.0f} MB from this site, once; nothing that you type is sent anywhere.</p>"
    )


def _button(part: str, words: str, more: str = "") -> str:
    return f'<button type="button" data-part="{part}"{" " + more if more else ""}>{words}</button>'


def _text_form() -> Iterator[str]:
    first = next(iter(EXAMPLES.values()))
    yield '<label for="own-text">Markdown, with each equation between <code>$$</code> and <code>$$</code></label>'
    # A line break in an attribute or in this box must not end Markdown's block.
    yield f'<textarea id="own-text" rows="9" spellcheck="false">{_kept(first)}</textarea>'
    options = "".join(f'<option value="{_kept(text)}">{escape(name)}</option>' for name, text in EXAMPLES.items())
    yield f'<p><label>Example <select><option value="">choose one</option>{options}</select></label></p>'


def _kept(text: str) -> str:
    return escape(text).replace("\n", "&#10;")


def _line_form() -> Iterator[str]:
    options = "".join(
        f'<option value="{short_name(c)}"{" selected" if c.id == FIRST else ""}>'
        f"{'Exercise:' if short_name(c) == c.id else c.tag} {escape(c.title)}</option>"
        for c in argued()
    )
    yield f'<p class="tf-choices"><label>Derivation <select data-part="claim">{options}</select></label>'
    yield '<label>Line <select data-part="line"></select></label></p>'
    yield '<p class="tf-label">The line before</p><div data-part="before"></div>'
    yield '<p class="tf-label"><span data-part="relation"></span> this line, as it will be judged</p>'
    yield '<div data-part="preview"></div>'
    yield '<label for="own-line">Change any sign, bar or index of it</label>'
    yield '<textarea id="own-line" rows="4" spellcheck="false"></textarea>'
    yield '<p class="tf-choices"><label>Or a single change <select data-part="change" disabled>'
    yield '<option value="-1">not listed yet</option></select></label></p>'


FIRST = "ddpm.posterior.variance"
FORMS = {"text": _text_form, "line": _line_form}


def lines() -> Iterator[tuple[str, str]]:
    """(tag or id, JSON) of every derivation's lines: the page shows them before anything of the judge is loaded."""
    for claim in argued():
        yield short_name(claim), json.dumps(session.derivation(claim.id), ensure_ascii=False)


def exercise(book: Book, claim: Claim, part: int, up: str) -> str:
    """Where an exercise can be tried: its left side in the form for texts if that is read, else its last line."""
    lines = [row for row in rows(claim) if row.part == part and row.place]
    if book.runtime is None or not lines:
        return ""
    says = claim.says[part]
    context = next((name for name in CONTEXTS if _reads(name, says.lhs)), "")
    text = f"<!-- threefold: context: {context} -->\n\n$$\n{latex(says.lhs)} {RELATIONS[says.relation]}\n$$\n"
    state = f"text={quote(text)}" if context else f"line={quote(lines[-1].anchor)}"
    words = "Try it: write the other side" if context else "Try it: alter its last line"
    return f'<p class="tf-try"><a class="tf-edit" href="{up}{PAGE}#{state}">{words}</a></p>'


def _reads(context: str, side: Any) -> bool:
    try:
        return bool(read(context, latex(side)) == settle(side))
    except NotRead:
        return False


def link(book: Book, line: str, up: str) -> str:
    """The link "Edit this line" of a row; nothing where there is no page to lead to."""
    if book.runtime is None:
        return ""
    words = "Edit this line"
    return f'<a class="tf-edit" href="{up}{PAGE}#line={quote(line)}" aria-label="{words}, {line}">{words}</a>'
