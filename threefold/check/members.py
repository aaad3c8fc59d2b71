"""A sum or product that runs over a member which the chain does not have: x_{t-1} from t = 0 on."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from derivations import notation as N
from derivations.rules import ProductTo, SumTo
from threefold.check.admissible import Found, answer
from threefold.check.tasks import Answer


def before_the_chain(found: Sequence[Found]) -> Answer | None:
    """Refuted: under every reading the line has a member before x_0."""
    missing = [_missing(sp.Tuple(reading.lhs, reading.rhs)) for reading, context, _ in found if context.chain]
    if len(missing) < len(found) or None in missing or missing[0] is None:
        return None
    index, low, step = missing[0]
    words = f"at {index} = {low} the line has x_{{{step}}}, and the chain begins with x_0"
    at, nothing = ((str(index), str(low)),), "nothing: the chain begins with x_0"
    return answer("refuted", found[0][0], words, at=at, left=f"x_{{{step}}}", right=nothing)


def _missing(e: sp.Basic) -> tuple[sp.Basic, sp.Basic, sp.Basic] | None:
    """(index, its first value, the member's number below 0) of a sum or product; None where there is none."""
    for node in e.atoms(SumTo, ProductTo):
        body, index, low, _ = node.args
        for member in body.atoms(N.x):
            step = member.args[0].xreplace({index: low})
            if step.is_Integer and step < 0:
                return index, low, step
    return None
