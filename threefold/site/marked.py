"""The same TeX with a mark around every symbol: which one it is, for the tooltip that says what it means.

The marks are KaTeX's own \\htmlData. Taken out again they leave, byte for byte, what `derivations.printing` prints.
"""

from __future__ import annotations

from typing import Any

from derivations import Statement
from derivations.printing import Latex, relation_latex
from threefold.site.symbols import MEANING, SIGNS, name_of

MARK = r"\htmlData{s="


def mark(name: str, tex: str) -> str:
    return f"{MARK}{name}}}{{{tex}}}" if name in MEANING or name in SIGNS else tex


class MarkedLatex(Latex):
    """The printer of the derivations, whose symbols say which they are."""

    def _print(self, expr: Any, **settings: Any) -> str:
        return mark(name_of(expr), super()._print(expr, **settings))

    def _print_Expect(self, e: Any) -> str:
        return _sign("E", r"\mathbb E", super()._print_Expect(e))

    def _print_KL(self, e: Any) -> str:
        return _sign("KL", r"\mathrm{KL}", super()._print_KL(e))

    def _print_Normal(self, e: Any) -> str:
        return _sign("Normal", r"\mathcal N", super()._print_Normal(e))

    def _print_DiagonalNormal(self, e: Any) -> str:
        return _sign("Normal", r"\mathcal N", super()._print_DiagonalNormal(e))

    def _print_FullNormal(self, e: Any) -> str:
        return _sign("Normal", r"\mathcal N", super()._print_FullNormal(e))

    def _print_Mean(self, e: Any) -> str:
        return _sign("Mean", r"\operatorname{mean}", super()._print_Mean(e))

    def _print_Variance(self, e: Any) -> str:
        return _sign("Variance", r"\operatorname{var}", super()._print_Variance(e))

    def _print_Trace(self, e: Any) -> str:
        return _sign("Trace", r"\operatorname{tr}", super()._print_Trace(e))

    def _print_Inner(self, e: Any) -> str:
        return mark("Inner", super()._print_Inner(e))

    def _print_Norm2(self, e: Any, exp: Any = None) -> str:
        text = super()._print_Norm2(e, exp)
        return mark("Norm2", text) if exp is None else text

    def _print_Density(self, e: Any) -> str:
        return _first(str(e.args[0]), super()._print_Density(e))

    def _print_LogJoint(self, e: Any) -> str:
        prefix = r"\log "
        return prefix + _first(str(e.args[0]), super()._print_LogJoint(e).removeprefix(prefix))

    def _print_Block(self, e: Any) -> str:
        text = super()._print_Block(e)
        return text if e.bounds[1] - e.bounds[0] == 1 else mark(str(e.args[0].name), text)

    def _print_Gradient(self, e: Any) -> str:
        prefix = r"\nabla "
        return prefix + _first(str(e.args[0]), super()._print_Gradient(e).removeprefix(prefix))

    def _print_Grad(self, e: Any) -> str:
        return _sign("Grad", r"\nabla", super()._print_Grad(e))

    def _print_Div(self, e: Any) -> str:
        return _sign("Div", r"\nabla", super()._print_Div(e))

    def _print_Laplacian(self, e: Any) -> str:
        return _sign("Laplacian", r"\Delta", super()._print_Laplacian(e))

    def _print_Jvp(self, e: Any) -> str:
        return mark("Jvp", super()._print_Jvp(e))

    def _print_Vjp(self, e: Any) -> str:
        return mark("Vjp", super()._print_Vjp(e))


def _sign(name: str, sign: str, text: str) -> str:
    """The sign with which the text begins, marked."""
    return mark(name, sign) + text.removeprefix(sign) if text.startswith(sign) else text


def _first(name: str, text: str) -> str:
    """The name of a law, marked: it stands before the first bracket."""
    head, bracket, rest = text.partition("(")
    return mark(name, head) + bracket + rest


def expression(e: Any) -> str:
    return _over_powers(str(MarkedLatex().doprint(e)))


def statement(says: Statement) -> str:
    """Raises KeyError for a relation that is not printed."""
    return relation_latex(says.lhs, says.relation, says.rhs, expression)


def bare(tex: str) -> str:
    """The TeX without its marks."""
    while MARK in tex:
        start = tex.index(MARK)
        inside = tex.index("}{", start) + 2
        end = _closing(tex, inside)
        tex = tex[:start] + tex[inside:end] + tex[end + 1 :]
    return tex


def _over_powers(tex: str) -> str:
    """Each mark drawn over the power that follows it: TeX sets index and power of one letter above each other."""
    start = 0
    while (start := tex.find(MARK, start)) >= 0:
        inside = tex.index("}{", start) + 2
        end = _closing(tex, inside)
        if tex[end + 1 : end + 3] == "^{":
            last = _closing(tex, end + 3)
            tex = tex[:end] + tex[end + 1 : last + 1] + "}" + tex[last + 1 :]
        start = inside
    return tex


def _closing(tex: str, inside: int) -> int:
    """Where the brace closes that was opened before `inside`."""
    depth, place = 1, inside
    while True:
        if tex[place] == "\\":
            place += 1
        elif tex[place] in "{}":
            depth += 1 if tex[place] == "{" else -1
            if depth == 0:
                return place
        place += 1
