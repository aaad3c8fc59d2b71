"""Write a tree as signs again. What was read must print to the very signs that stood in the source.

This is the guard against slips of the parser: a sign that was skipped, doubled, or put elsewhere shows here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from threefold.check.tokens import Item, flat
from threefold.check.tree import Name, Node, Piece, Range, Script


def signs(node: Node) -> list[str]:
    """The signs of a tree in order, { and } around arguments and scripts, as `tokens.flat` gives them for a source."""
    found: list[str] = _WRITERS[node.kind](node)
    return found


def agrees(node: Node, items: Sequence[Item]) -> bool:
    """Does the tree print back to these items?"""
    return signs(node) == flat(items)


def _braced(inner: Sequence[str]) -> list[str]:
    return ["{", *inner, "}"]


def _scripts(node: Script | None, sign: str = "_") -> list[str]:
    return [] if node is None else [sign, *_braced(flat(node.items))]


def _pieces(pieces: tuple[Piece, ...]) -> list[str]:
    found: list[str] = []
    for piece in pieces:
        found += signs(piece.node) if piece.node is not None else piece.signs
        if piece.after:
            found.append(piece.after)
    return found


def _name(name: Name) -> list[str]:
    found = [name.letter]
    for accent in reversed([a for a in name.accents if a != "word"]):
        found = [accent, *_braced(found)]
    found += ["'"] * name.primes
    if name.index:
        found += ["_", *_braced(_pieces(name.index))]
    if name.above:
        found += ["^", *_braced(_pieces(name.above))]
    return found


def _joined(factors: tuple[Node, ...], operators: tuple[str, ...]) -> list[str]:
    found = signs(factors[0])
    for operator, factor in zip(operators, factors[1:], strict=True):
        found += [operator] if operator else []
        found += signs(factor)
    return found


def _listed(items: tuple[Node, ...], separators: tuple[str, ...]) -> list[str]:
    return _joined(items, separators)


def _sum(node: Node) -> list[str]:
    found: list[str] = []
    for sign, term in node[0]:
        found += ([sign] if sign else []) + signs(term)
    return found


def _call(node: Node) -> list[str]:
    head, arguments, separators, (opening, closing) = node.parts
    return [
        *signs(head),
        *([opening] if opening else []),
        *_listed(arguments, separators),
        *([closing] if closing else []),
    ]


def _range(bounds: Range) -> list[str]:
    found: list[str] = []
    if bounds.index is not None:
        below = signs(bounds.index)
        if bounds.relation:
            below += [
                bounds.relation,
                *(signs(bounds.low) if bounds.low is not None else []),
            ]
        found += ["_", *_braced(below)]
    if bounds.high is not None:
        found += ["^", *_braced(signs(bounds.high))]
    return found


def _mean(node: Node) -> list[str]:
    sign, script, opening, body, given, lost = node.parts
    found = [sign]
    if lost and script is not None:
        found += _braced(flat(script.items))
    else:
        found += _scripts(script)
    inner = signs(body)
    if given:
        inner += ["|", *_listed(given, (",",) * (len(given) - 1))]
    closing = {"": "", "[": "]", "(": ")", r"\{": r"\}"}[opening]
    return [
        *found,
        *([opening] if opening else []),
        *inner,
        *([closing] if closing else []),
    ]


def _divergence(node: Node) -> list[str]:
    found: list[str] = node[0].split() + _scripts(node[1])
    if len(node.parts) == 2:
        return found
    _, _, opening, first, bar, second, closing = node.parts
    return [*map(str, found), opening, *signs(first), bar, *signs(second), closing]


def _integral(node: Node) -> list[str]:
    sign, low, high, factors, operators = node.parts
    head = [sign, *_scripts(low), *_scripts(high, "^")]
    if factors[0].kind == "add":  # the integral of a sum, its differential behind the last term
        return [*head, *signs(factors[0]), *_joined(factors[1:], operators[1:])]
    return [*head, *_joined(factors, operators)]


def _normal(node: Node) -> list[str]:
    sign, script, arguments, separators, (opening, closing) = node.parts
    return [
        str(sign),
        *_scripts(script),
        str(opening),
        *_listed(arguments, separators),
        str(closing),
    ]


def _under(node: Node) -> list[str]:
    body, sign, label = node.parts
    return [
        str(sign),
        *_braced(signs(body)),
        *_scripts(label, "_" if sign == r"\underbrace" else "^"),
    ]


def _gradient(node: Node) -> list[str]:
    wrt, dot, operand = node.parts
    below = [] if wrt is None else ["_", *_braced(signs(wrt))]
    return [r"\nabla", *below, *([dot] if dot else []), *signs(operand)]


def _power(node: Node) -> list[str]:
    base, exponent = node.parts[:2]
    inner = list(exponent.parts) if exponent.kind == "transpose" else signs(exponent)
    if base.kind == "call" and len(node.parts) == 3:  # \sigma^2(x): the power stands on the name in the source
        head = signs(base[0])
        return [*head, "^", *_braced(inner), *signs(base)[len(head) :]]
    return [*signs(base), "^", *_braced(inner)]


_WRITERS: dict[str, Any] = {
    "num": lambda n: [n[0]],
    "sym": lambda n: _name(n[0]),
    "call": _call,
    "add": _sum,
    "mul": lambda n: _joined(n[0], n[1]),
    "frac": lambda n: [r"\frac", *_braced(signs(n[0])), *_braced(signs(n[1]))],
    "over": lambda n: [*signs(n[0]), "/", *signs(n[1])],
    "pow": _power,
    "sub": lambda n: [*signs(n[0]), "_", *_braced(signs(n[1]))],
    "transpose": lambda n: list(n.parts),
    "log": lambda n: [r"\log", *signs(n[0])],
    "exp": lambda n: [r"\exp", *signs(n[0])],
    "sqrt": lambda n: [r"\sqrt", *_braced(signs(n[0]))],
    "par": lambda n: [n[0], *signs(n[1]), n[2]],
    "list": lambda n: [n[0], *_listed(n[1], n[2]), n[3]],
    "norm": lambda n: ["‖", *signs(n[0]), "‖"],
    "bars": lambda n: ["|", *signs(n[0]), "|"],
    "group": lambda n: _braced(signs(n[0])),
    "sum": lambda n: [n[0], *_range(n[1]), *signs(n[2])],
    "prod": lambda n: [n[0], *_range(n[1]), *signs(n[2])],
    "int": _integral,
    "mean": _mean,
    "KL": _divergence,
    "normal": _normal,
    "grad": _gradient,
    "under": _under,
    "opt": lambda n: [n[0], *_scripts(n[1]), *signs(n[2])],
    "d": lambda n: ["d", *signs(n[0])],
    "dots": lambda n: [r"\dots"],
    "dot": lambda n: ["·"],
}
