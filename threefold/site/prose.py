"""The texts in docs/: Markdown with directives that name claims, and mathematics only as expressions of the notation.

    <!-- derivation: ID -->    the ledger of that claim's derivation
    [[ID]]                     a link to the claim's page, shown as its tag
    {{ abar(t) }}              an expression of `derivations.notation`, printed; TeX is never typed

What a directive does is a function given by its name; an unknown name, id or symbol stops the build at its line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import sympy as sp

from derivations import notation
from derivations.kernel import terms
from threefold.errors import Unusable, nearest
from threefold.site import blocks, symbols
from threefold.site.book import Book
from threefold.site.tex import inside_prose

DIRECTIVE = re.compile(r"^\s*<!--\s*([a-z-]+)(?::\s*(.*?))?\s*-->\s*$")
REFERENCE = re.compile(r"\[\[([\w.]+)\]\]")
MATH = re.compile(r"\{\{\s*(.+?)\s*\}\}")
FENCE = re.compile(r"^\s*(```|~~~)")

Directive = Callable[[str, str], str]  # (argument, way up to the site's root) -> HTML or Markdown

EXTRA: Mapping[str, Any] = {
    "sqrt": sp.sqrt, "log": sp.log, "exp": sp.exp, "E": terms.Expect, "KL": terms.KL, "norm2": terms.Norm2,
    "p": notation.p, "q": notation.q,
}  # fmt: skip
OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}


class NotAnExpression(ValueError):
    """Something in {{ }} that is not built from the notation."""


def names() -> dict[str, Any]:
    """What may be named between {{ and }}."""
    own = {name: value for name, value in vars(notation).items() if _is_symbol(value)}
    return {**own, **EXTRA}


def _is_symbol(value: Any) -> bool:
    families = (terms.VectorFunction, terms.ScalarFunction, terms.DefinedFunction)
    return isinstance(value, sp.Symbol | terms.Block) or (isinstance(value, type) and issubclass(value, families))


def evaluate(source: str) -> Any:
    """The SymPy expression that `source` writes. Raises NotAnExpression for all but names, calls and arithmetic."""
    try:
        tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        raise NotAnExpression(f"{source!r} is not an expression ({error.msg})") from error
    known = names()

    def value(node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=int(number)):
                return sp.Integer(number)
            case ast.Name(id=name) if name in known:
                return known[name]
            case ast.Name(id=name):
                raise NotAnExpression(f"{name!r} is not in derivations.notation{nearest(name, known)}")
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return OPERATORS[type(op)](value(left), value(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
            case ast.Call(func=ast.Name() as function, args=args, keywords=[]):
                return value(function)(*map(value, args))
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [value(item) for item in items]
        raise NotAnExpression(f"{ast.unparse(node)!r} is none of the names, calls and arithmetic that may stand here")

    return value(tree)


def expand(text: str, where: str, book: Book, up: str, directives: Mapping[str, Directive]) -> str:
    """The text with everything of ours replaced. Raises Unusable, naming file and line, for what is unknown."""
    lines, fenced = [], False
    for number, line in enumerate(text.splitlines(), start=1):
        place = f"{where}:{number}"
        if FENCE.match(line):
            fenced = not fenced
        if fenced:
            lines.append(line)
            continue
        found = DIRECTIVE.match(line)
        lines.append(_directive(found, place, up, directives) if found else inline(line, place, book, up))
    return "\n".join(lines) + "\n"


def _directive(found: re.Match[str], place: str, up: str, directives: Mapping[str, Directive]) -> str:
    name, argument = found[1], found[2] or ""
    if name not in directives:
        raise Unusable(f"{place}: there is no directive {name!r}{nearest(name, directives)}")
    try:
        return directives[name](argument, up)
    except Unusable as error:
        raise Unusable(f"{place}: {error.message}") from error


def inline(line: str, place: str, book: Book, up: str) -> str:
    """A line with its links to claims and its expressions as HTML."""

    def math(found: re.Match[str]) -> str:
        return inline_math(found[1], place, book)

    def reference(found: re.Match[str]) -> str:
        return blocks.tag_link(book, book.claim(found[1], place).id, up)

    return REFERENCE.sub(reference, MATH.sub(math, line))


def inline_math(source: str, place: str, book: Book) -> str:
    """HTML of one expression, to stand in a sentence, with the meaning of its symbol as a tooltip."""
    try:
        expression = evaluate(source)
        drawn = book.typesetter.expression(expression, f"notation: {source}")
    except (NotAnExpression, TypeError, ValueError, terms.Malformed) as error:
        raise Unusable(f"{place}: {{{{ {source} }}}}: {error}") from error
    meaning = symbols.meaning(expression)
    title = f' title="{escape(meaning)}"' if meaning else ""
    return f'<var class="tf-inline" data-search-exclude{title}>{inside_prose(drawn)}</var>'
