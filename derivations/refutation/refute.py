"""Saying no: a world in which a statement fails, shown with numbers that anyone can plug in."""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.claims import Claim, Statement
from derivations.kernel.verdict import Witness
from derivations.refutation import laws
from derivations.refutation.laws import Uncomputable, Undefined, mp
from derivations.refutation.sampling import sample
from derivations.refutation.worlds import World, close, evaluate, show_key

TRIES = 8


def tries_for(statement: Statement) -> int:
    """Two propositions agree by chance in half of all worlds, and so does an order: those need more worlds."""
    return TRIES if statement.relation == "=" else 5 * TRIES


# --- one statement in one world ---------------------------------------------------------------------------------------


def violation(statement: Statement, world: World) -> tuple[str, str] | None:
    """Both sides' values when the statement fails in the world; None when it holds.

    Undefined when the left side has no value, Uncomputable when the world cannot compute one of the two.
    """
    left = _remembered(statement.lhs, world)
    try:
        right = _remembered(statement.rhs, world)
    except Uncomputable:
        raise
    except Undefined as reason:
        return show(left), f"undefined: {reason}"
    return None if _related(statement, left, right) else (show(left), show(right))


def _remembered(e: Any, world: World) -> Any:
    if e not in world.known:
        world.known[e] = evaluate(e, world)
    return world.known[e]


def _related(statement: Statement, left: Any, right: Any) -> bool:
    if isinstance(statement.rhs, terms.Rounded):
        return bool(abs(left - right) <= laws.number(statement.rhs.args[1]))
    if statement.relation == "iff":
        return bool(left == right)
    if statement.relation == "=":
        return close(left, right)
    if statement.relation in ("<=", ">="):
        low, high = (left, right) if statement.relation == "<=" else (right, left)
        return bool(low <= high) or close(low, high)
    low, high = (left, right) if statement.relation == "<" else (right, left)
    return bool(low < high) and not close(low, high)


def show(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, tuple):
        return "(" + ", ".join(show(v) for v in value) + ")"
    return str(mp.nstr(value, 8))


def refute(claim: Claim, part: int, tries: int = TRIES) -> Witness | None:
    """A witness against one statement of the claim, or None. Worlds where its left side has no value do not count."""
    for n in range(tries):
        world = sample(claim, part, n)
        try:
            found = violation(claim.says[part], world)
        except Undefined:
            continue
        if found is not None:
            return Witness(describe(world, claim.says[part]), *found, note=claim.says[part].words)
    return None


def describe(world: World, statement: Statement) -> tuple[tuple[str, str], ...]:
    """The numbers of the world that this statement reads, as (name, value)."""
    sides = terms.unfold_all(sp.Tuple(statement.lhs, statement.rhs))
    used = {s.name for s in sides.free_symbols} | {"T", "t"}
    rows = [(name, str(value)) for name, value in world.numbers.items() if name in used]
    if terms.DIM in sides.free_symbols or sides.atoms(terms.VectorSymbol, terms.VectorFunction):
        rows.append(("d", str(world.d)))
    rows += sorted(world.drawn.items())
    for name, law in world.laws.items():
        if isinstance(law, laws.FiniteJoint):
            rows.append((f"table of {name}", _show_table(law)))
            if law.cell != 1:
                rows.append((f"volume of a cell under {name}", str(law.cell)))
    return tuple(rows)


def _show_table(law: Any) -> str:
    cells = ("".join(str(int(v[0])) for v in path) + f": {w}" for path, w in law.table.items())
    return f"over {','.join(show_key(key) for key in law.keys)}: " + ", ".join(cells)
