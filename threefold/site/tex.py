"""Mathematics at build time: TeX from the checked expressions, drawn by KaTeX inside an embedded JavaScript engine."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from importlib.resources import files
from typing import Any
from xml.etree import ElementTree

from derivations import Statement, printing
from threefold.site import marked

# Between tags: everything that Markdown might take for its own.
TEXT = re.compile(r"(?<=>)[^<]+(?=<)")
MARKS = re.compile(r"[^\w\s]|_", re.ASCII)


def engine(script: str) -> Any:
    """A JavaScript engine that has run one of the vendored scripts."""
    from py_mini_racer import MiniRacer

    made = MiniRacer()
    made.eval(POLYFILLS)
    made.eval((files("threefold.site") / "vendor" / script).read_text(encoding="utf-8"))
    return made


@dataclass
class Typesetter:
    """Draws TeX as HTML with KaTeX, and remembers every formula that it drew (`drawn`), for the gate in the tests."""

    drawn: dict[str, str] = field(default_factory=dict)
    _cache: dict[tuple[str, str, bool], str] = field(default_factory=dict)

    @cached_property
    def _engine(self) -> Any:
        return engine("katex.min.js")

    def expression(self, e: Any, source: str, *, display: bool = False) -> str:
        """HTML of a SymPy expression; `source` says where it was checked ("ddpm.posterior.mean, step 3")."""
        return self.tex(printing.latex(e), source, display=display, marks=marked.expression(e))

    def statement(self, says: Statement, source: str) -> str:
        """HTML of a displayed statement."""
        return self.tex(says.latex(), source, display=True, marks=marked.statement(says))

    def tex(self, tex: str, source: str, *, display: bool = False, marks: str = "") -> str:
        """HTML of TeX that `derivations.printing` made; `marks` is the same with its symbols marked.

        Raises ValueError when KaTeX cannot draw it, and when `marks` says anything else.
        """
        self.drawn.setdefault(tex, source)
        key = (tex, marks, display)
        if key not in self._cache:
            html = self._render(tex, source, display)
            if marks and marks != tex:
                if marked.bare(marks) != tex:
                    raise ValueError(f"the marked form of {tex!r} says {marked.bare(marks)!r} ({source})")
                html = _with_marks(html, self._render(marks, source, display))
            self._cache[key] = html
        return self._cache[key]

    def _render(self, tex: str, source: str, display: bool) -> str:
        call = f"katex.renderToString({json.dumps(tex)}, {{displayMode: {json.dumps(display)}, {OPTIONS}}})"
        html = str(self._engine.eval(call))
        if "katex-error" in html:
            raise ValueError(f"KaTeX cannot draw {tex!r} ({source})")
        return html


OPTIONS = (
    'throwOnError: false, output: "htmlAndMathml", strict: "ignore", '
    r'trust: (context) => context.command === "\\htmlData"'
)
DRAWN = '<span class="katex-html"'


def _with_marks(html: str, with_marks: str) -> str:
    """What is read of the one and what is seen of the other, which must be the same but for the marks."""
    read, _, seen = html.partition(DRAWN)
    _, _, seen_with_marks = with_marks.partition(DRAWN)
    if re.sub("<[^>]*>", "", seen) != re.sub("<[^>]*>", "", seen_with_marks):
        raise ValueError("KaTeX draws a formula otherwise when its symbols are marked")
    return read + DRAWN + seen_with_marks


MATHML = re.compile(r"<math.*?</math>", re.DOTALL)


def width(html: str) -> float:
    """About how wide a displayed formula is, in em, read from its MathML: what stands above each other counts once."""
    found = MATHML.search(html)
    return _width(ElementTree.fromstring(found[0].replace("&nbsp;", " "))) if found else 0.0


def _width(node: ElementTree.Element) -> float:
    kind = node.tag.rpartition("}")[2]
    inside = [_width(child) for child in node]
    match kind:
        case "annotation":
            return 0.0
        case "mo":
            return 0.45 * len(node.text or "") + (0.55 if node.text in ("=", "+", "−", "∣", "≤", "∥") else 0.0)
        case "mi" | "mn" | "mtext":
            return 0.53 * len(node.text or "")
        case "mfrac":
            return max(inside) + 0.2
        case "msub" | "msup" | "msubsup":
            above = max(inside[1:]) if kind == "msubsup" else inside[1]
            return inside[0] + 0.7 * above
        case "munder" | "mover" | "munderover":
            return max([inside[0], *(0.7 * part for part in inside[1:])]) + (0.9 if kind == "munderover" else 0.0)
        case "msqrt":
            return sum(inside) + 0.85
    return sum(inside)


def inside_prose(html: str) -> str:
    """The same HTML, written so that Markdown finds nothing in it: every mark between tags as a numeric entity."""

    def coded(match: re.Match[str]) -> str:
        return MARKS.sub(lambda mark: f"&#{ord(mark[0])};", unescape(match[0]))

    return TEXT.sub(coded, html)


# What a browser has and the bare engine lacks, as far as the vendored scripts ask for it.
POLYFILLS = r"""
globalThis.self = globalThis;
globalThis.location = {href: "file:///"};
globalThis.console = {log() {}, error() {}, warn() {}};
if (typeof URL === "undefined") globalThis.URL = class { constructor() { this.href = ""; } };
if (typeof atob === "undefined") globalThis.atob = (text) => {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let out = "", bits = 0, count = 0;
  for (const letter of text) {
    if (letter === "=") break;
    bits = (bits << 6) | letters.indexOf(letter);
    count += 6;
    if (count >= 8) { count -= 8; out += String.fromCharCode((bits >> count) & 255); }
  }
  return out;
};
if (typeof TextDecoder === "undefined") globalThis.TextDecoder = class {
  decode(bytes) {
    let text = "";
    for (let i = 0; i < bytes.length;) {
      const c = bytes[i++];
      if (c < 128) text += String.fromCharCode(c);
      else if (c < 224) text += String.fromCharCode(((c & 31) << 6) | (bytes[i++] & 63));
      else text += String.fromCharCode(((c & 15) << 12) | ((bytes[i++] & 63) << 6) | (bytes[i++] & 63));
    }
    return text;
  }
};
if (typeof TextEncoder === "undefined") globalThis.TextEncoder = class {
  encode(text) {
    return Uint8Array.from(unescape(encodeURIComponent(text)), (letter) => letter.charCodeAt(0));
  }
  encodeInto(text, target) {
    const bytes = this.encode(text);
    target.set(bytes);
    return {read: text.length, written: bytes.length};
  }
};
"""
