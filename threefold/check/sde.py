"""Stochastic differential equations: what is drift and what is noise, and what the reverse of one must be.

The theorem (time reversal, and the ordinary equation with the same laws) is taken as known and named wherever it is
used; whether a printed drift agrees with it is a vector identity, which the kernel decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from threefold.check.parse import Parser
from threefold.check.tokens import tokenise
from threefold.check.tree import Name, Node, bare, walk

REVERSAL = "time reversal of a diffusion (Anderson 1982), assumed"
FLOW = "the ordinary equation with the same laws (Song et al. 2021), assumed"
HALF = Node("frac", (Node("num", ("1",)), Node("num", ("2",))))
TWO = Node("num", ("2",))


@dataclass(frozen=True)
class Equation:
    """dx = drift dt + diffusion dw. `backwards`: the noise has a bar."""

    drift: Node | None
    diffusion: Node | None
    backwards: bool
    line: int = 0


def read(node: Node, line: int) -> Equation | None:
    """The right side of an equation for dx; None where it is not of that form."""
    terms = list(_terms(node))
    drift: list[tuple[str, Node]] = []
    diffusion: Node | None = None
    backwards = False
    for sign, term in terms:
        factors, operators = (list(term[0]), list(term[1])) if term.kind == "mul" else ([term], [])
        if factors[-1].kind != "d":
            return None
        letter: Name = bare(factors[-1][0])[0]
        rest = _product(factors[:-1], operators[:-1])
        if letter.letter == "t":
            drift.append((sign or ("+" if drift else ""), rest))
        elif letter.letter in ("w", "W", "B", "omega", "β") and diffusion is None and sign != "-":
            diffusion, backwards = rest, "bar" in letter.accents
        else:
            return None
        if any(f.kind == "d" for f in factors[:-1]):
            return None
    whole = (
        None
        if not drift
        else drift[0][1]
        if len(drift) == 1 and drift[0][0] in ("", "+")
        else Node("add", (tuple(drift),))
    )
    return Equation(whole, diffusion, backwards, line)


def _terms(node: Node) -> Iterator[tuple[str, Node]]:
    """The terms of a sum, those under braces too."""
    for sign, term in node[0] if node.kind == "add" else (("", node),):
        inner = bare(term) if term.kind == "under" else term
        if inner.kind == "add" and term.kind == "under":
            for own, part in inner[0]:
                yield ("-" if (sign == "-") != (own == "-") else "+"), part
        else:
            yield sign, inner


def _product(factors: list[Node], operators: list[str]) -> Node:
    if not factors:
        return Node("num", ("1",))
    return factors[0] if len(factors) == 1 else Node("mul", (tuple(factors), tuple(operators)))


def scores(drift: Node) -> list[Node]:
    """What may stand for the score in this drift: the gradient that is printed, put right; or the network."""
    found: list[Node] = []
    for node in walk(drift):
        if node.kind == "grad":
            found += _put_right(node)
        elif node.kind == "call" and "theta" in node[0][0].labels and node[0][0].letter == "s":
            found.append(node)
        elif node.kind == "call" and "theta" in node[0][0].labels and node[0][0].letter == "epsilon":
            deviation = Parser(tokenise(r"\sqrt{1-\bar\alpha_t}")).whole()
            found.append(
                Node(
                    "par",
                    (
                        "(",
                        Node("add", ((("-", Node("frac", (node, deviation))),),)),
                        ")",
                    ),
                )
            )
    return found


def _put_right(node: Node) -> list[Node]:
    """The gradient itself if its law is one of x; otherwise the gradients that it might have meant."""
    operand = bare(node[2])
    if operand.kind != "log":
        return [node]
    law = bare(operand[0])
    if law.kind != "call":
        return [node]
    arguments, separators = list(law[1]), list(law[2])
    if "|" not in separators:
        return [node]
    bar = separators.index("|")
    shown, behind = arguments[: bar + 1], arguments[bar + 1 :]
    wrt = bare(node[0]) if node[0] is not None else None
    if wrt in [bare(a) for a in shown]:
        return [node]
    turned = Node(
        "call",
        (
            law[0],
            (*behind, *shown),
            (*separators[bar + 1 :], "|", *separators[:bar]),
            law[3],
        ),
    )
    alone = Node("call", (law[0], tuple(behind), tuple(separators[bar + 1 :]), law[3]))
    return [Node("grad", (node[0], "", Node("log", (made,)))) for made in (turned, alone)]


def expected(forward: Equation, printed: Equation) -> Iterator[tuple[Node, str]]:
    """(drift, theorem) that the reverse equation, or the ordinary one, of `forward` must have."""
    if printed.drift is None or forward.diffusion is None:
        return
    squared = Node("pow", (Node("par", ("(", forward.diffusion, ")")), TWO))
    for score in scores(printed.drift):
        noisy = printed.diffusion is not None
        factors = (squared, score) if noisy else (HALF, squared, score)
        product = Node("mul", (factors, ("",) * (len(factors) - 1)))
        terms = ((("", forward.drift),) if forward.drift is not None else ()) + (("-", product),)
        yield Node("add", (terms,)), REVERSAL if noisy else FLOW
