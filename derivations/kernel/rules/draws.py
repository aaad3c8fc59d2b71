"""Draws of one variable, independent or not: to average over one of them is to average over the variable."""

from __future__ import annotations

from typing import Any

from derivations.kernel.dependence import mentioned
from derivations.kernel.rules.base import Context, Rule, at_every_node
from derivations.kernel.substitution import substitute
from derivations.kernel.terms import HEADS, Block, Density, Expect, is_family_variable


@at_every_node("one of the draws", "law", "each draw of a variable has the variable's law (hypothesis `alike draws`)")
def _one(node: Any, context: Context) -> Any:
    """E over q(z_k | x) of f(z_k) is E over q(z | x) of f(z), for a draw z_k of z."""
    if not (isinstance(node, Expect) and isinstance(node.args[0], Density) and len(node.args[0].variables) == 1):
        return node
    (draw,) = node.args[0].variables
    of = _drawn_from(draw)
    if of is None or _drawn_from_others(node, draw, of):
        return node
    context.require("alike draws")
    return substitute(node, {draw: of}, context.domain)


def _drawn_from_others(e: Any, draw: Any, of: Any) -> bool:
    """Does e mention the variable itself, or another draw of it?"""
    return any(v != draw and of in (v, _drawn_from(v)) for v in mentioned(e))


def _drawn_from(v: Any) -> Any:
    """The variable that v, a member of a family or a block of them, is a draw of."""
    if isinstance(v, Block):
        return getattr(HEADS[v.args[0].name], "drawn_from", None)
    return getattr(type(v), "drawn_from", None) if is_family_variable(v) else None


one_draw = Rule("one of the draws")
