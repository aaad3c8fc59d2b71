"""Questions about the shape of a node: where a density stands, where a number of its own."""

from __future__ import annotations

from threefold.check.tree import Node, bare

LAW_LETTERS = frozenset("pqPQ")
VALUES = frozenset(["log", "mean", "KL", "int", "sum", "grad"])


def has_density(node: Node) -> bool:
    """Does a density stand here as a factor (not inside a logarithm, an average, an integral)?"""
    if node.kind == "call" and node[0][0].letter in LAW_LETTERS:
        return True
    if node.kind == "normal":
        return True
    if node.kind in ("par", "under", "group"):
        return has_density(node[1] if node.kind == "par" else node[0])
    if node.kind in ("mul", "frac", "over") and _has_gradient(node):
        return False
    if node.kind in ("mul",):
        return any(has_density(f) for f in node[0])
    if node.kind in ("frac", "over"):
        return has_density(node[0]) or has_density(node[1])
    if node.kind in ("prod",):
        return has_density(node[2])
    return False


def _has_gradient(node: Node) -> bool:
    """Is a gradient among the factors?"""
    return any(bare(f).kind == "grad" for f in (node[0] if node.kind == "mul" else (node[0],)))


def holds_value(node: Node) -> bool:
    """Is the factor a number of its own, so that the product is no density?"""
    return node.kind in (*VALUES, "par", "add", "num", "norm") and not has_density(node)


def positive_looking(node: Node) -> bool:
    return bare(node).kind in (
        "num",
        "frac",
        "exp",
        "pow",
        "sqrt",
        "prod",
        "call",
        "sym",
        "over",
    ) and not (node.kind == "num" and node[0].startswith("0") and float(node[0]) == 0)
