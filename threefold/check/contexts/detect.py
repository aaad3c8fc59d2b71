"""Which context a display has: by evidence, with the line that decided; the reader may overrule."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from threefold.check.contexts import ddim, ddpm, flow, onestep, own_chain, score_sde, vae, vq
from threefold.check.contexts.base import Context, Settings
from threefold.check.extract import Display

CHAPTERS = (
    vae.CONTEXT,
    ddpm.CONTEXT,
    ddim.CONTEXT,
    own_chain.CONTEXT,
    onestep.CONTEXT,
    score_sde.CONTEXT,
    flow.CONTEXT,
    vq.CONTEXT,
)
CONTEXTS: dict[str, Context] = {c.name: c for c in CHAPTERS}
BOLD = r"\\(?:mathbf|boldsymbol|bm|mathrm|mathit|mathsf|textbf)\s*\{?\s*|\{\\bf\s*"


def context_of(name: str, settings: Settings) -> Context:
    """The context of that name, with the letters that the document gave it."""
    return own_chain.of(settings) if name == own_chain.CONTEXT.name and settings.own else CONTEXTS[name]


@dataclass(frozen=True)
class Decision:
    """The context of a display; `because` says what spoke for it."""

    context: str
    line: int
    because: str


def plain(tex: str) -> str:
    """Without coats and spaces, so that evidence can be looked for by characters."""
    tex = re.sub(BOLD, "", tex)
    tex = re.sub(
        r"\\(?:left|right|bigl|bigr|Bigl|Bigr|big|Big|bigg|Bigg|middle|,|;|!|:|quad|qquad)(?![a-zA-Z])",
        "",
        tex,
    )
    return re.sub(r"\s+|[{}]", "", tex).replace(r"\vert", "|").replace(r"\mid", "|")


CHAIN = re.compile(r"[xX]_(?:t|T|1:T|0:T|0|1|t-1|t\+1)(?![a-zA-Z])|[xX]_t")
STEPS = re.compile(
    r"[xX]_(?:t|T|1:T|0:T|t-1|t\+1|t-2)(?![a-zA-Z])|\\bar\\?alpha|\\alpha_t|\\beta_t|\\alpha_T|\\overline\\?alpha"
)
FAMILY = re.compile(r"q_\\sigma(?:,\w+)?\(|\\epsilon_\\theta\^\(t\)|\\varepsilon_\\theta\^\(t\)")
CODEBOOK = re.compile(r"(?<![a-zA-Z\\])z_[eq](?![a-zA-Z])|(?:text|mathrm|operatorname|\\)sg[(\[]")
ENTRY = re.compile(r"(?<![a-zA-Z\\])e_[kj](?![a-zA-Z])")
ONE = re.compile(r"[xX]_1(?!:)")
LATENT = re.compile(
    r"(?<![a-zA-Z_\\])[zZ](?![_a-zA-Z])|\\sigma_\\phi|\\mu_\\phi|\\hatx(?!_)|[PQpq]_(?:\\text|\\mathrm)?(?:latent|vae)"
)
PLAIN_ALPHA = re.compile(r"\\alpha(?!_)")
SDE = re.compile(
    r"d[xX](?:_t)?=.*d(?:t|w|W|\\omega|\\bar)|d(?:w|\\omega)_?t?=|\\nabla_x\\log[pq]_?[t\\]?.*\(|s_\\theta\("
)
PATH = re.compile(r"(?<![a-zA-Z_])[pq]_t\([xz]")
FLOW = re.compile(r"(?<![a-zA-Z\\])[uv]_t(?:\^|\()|\\mathcalU\[0,1\]|_\\textC?FM|_\\mathrmC?FM")


def detect(displays: Sequence[Display], forced: Sequence[tuple[int, str]] = ()) -> list[Decision]:
    """A decision for every display, in order. `forced`: from which line on which context was set."""
    found: list[Decision] = []
    for place, display in enumerate(displays):
        said = [(line, name) for line, name in forced if line <= display.line]
        if said:
            found.append(Decision(said[-1][1], said[-1][0], "it was set"))
            continue
        found.append(_one(displays, place, found))
    return found


def _one(displays: Sequence[Display], place: int, before: Sequence[Decision]) -> Decision:
    display = displays[place]
    tex = plain(display.tex)
    if before and re.match(r"(?:\\begin\w+\*?)?&*(?:=|\\le|\\ge|\\approx|\\propto)", tex):
        return Decision(before[-1].context, before[-1].line, "it goes on")
    around = _around(displays, place)
    if PATH.search(tex) and any(map(FLOW.search, around)) and not any(map(STEPS.search, around)):
        return Decision("flow-matching", display.line, "it has a law at time t, beside a field")
    if m := FLOW.search(tex):
        return Decision("flow-matching", display.line, f"it has {m.group()}")
    if (m := SDE.search(tex)) and not re.search(r"x_0|x_t-1|x_T", tex):
        return Decision("score-sde", display.line, f"it has {m.group()[:20]}")
    if m := FAMILY.search(tex) or (STEPS.search(tex) if any(map(FAMILY.search, around)) else None):
        return Decision("ddim", display.line, f"it has {m.group()}")
    if m := STEPS.search(tex):
        return Decision("ddpm", display.line, f"it has {m.group()}")
    before_it = before[-1].context if before else ""
    if before_it == "onestep" and (PLAIN_ALPHA.search(tex) or ONE.search(tex)):
        return Decision("onestep", before[-1].line, "as above")
    if CHAIN.search(tex):
        steps = sum(bool(STEPS.search(t)) for t in around)
        single = sum(bool(PLAIN_ALPHA.search(t) and ONE.search(t)) for t in around)
        name = "onestep" if single and (single >= steps or not steps) else "ddpm"
        return Decision(name, display.line, "it has the members of a chain")
    if m := CODEBOOK.search(tex) or (ENTRY.search(tex) if any(map(CODEBOOK.search, around)) else None):
        return Decision("vq", display.line, f"it has {m.group()}")
    if m := LATENT.search(tex):
        return Decision("vae", display.line, f"it has {m.group()}")
    if before:
        return Decision(before[-1].context, before[-1].line, "as above")
    return Decision("vae", display.line, "nothing speaks against it")


def _around(displays: Sequence[Display], place: int) -> list[str]:
    return [plain(d.tex) for d in displays[max(0, place - 6) : place + 7]]
