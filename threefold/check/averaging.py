"""Readings of a line whose averages are not all written: for every x_0, or with the average that one side lacks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.dependence import free_variables
from derivations.kernel.terms import Malformed, is_vector
from derivations.rules import Block, Density, Expect
from threefold.check.contexts.base import Context, Settings
from threefold.check.reading import Reading

CHAINS = ("ddpm", "linear-gaussian")


def otherwise_averaged(reading: Reading, context: Context, settings: Settings) -> list[Reading]:
    """Other readings of the same line, by what is averaged over."""
    if reading.context not in CHAINS or is_vector(reading.lhs) or is_vector(reading.rhs):
        return []
    alike = _alike(reading, context, settings)
    every = [_for_every_start(r) for r in (reading, alike) if r is not None]
    return [r for r in (every[0], alike, *every[1:]) if r is not None]


# --- every x_0 --------------------------------------------------------------------------------------------------------


def _for_every_start(reading: Reading) -> Reading | None:
    """Where all is averaged over q(x_0, ...): the same for every x_0, which the average keeps."""
    given = [_given_start(e) for e in (reading.lhs, reading.rhs)]
    if None in given or given == [reading.lhs, reading.rhs]:
        return None
    notes = (*reading.notes, "shown for every x_0, and the average over x_0 keeps it")
    return replace(reading, lhs=given[0], rhs=given[1], notes=notes, stronger=True)


def _given_start(e: Any) -> Any:
    """Every average over q(x_0, V) as one over q(V | x_0); None where a term depends on the chain outside of one."""
    total: Any = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(e, deep=False)):
        averages = [f for f in sp.Mul.make_args(term) if isinstance(f, Expect)]
        rest = term / sp.Mul(*averages)
        if len(averages) > 1 or rest.atoms(N.x, Block):
            return None
        if not averages:
            total += term
            continue
        law, body = averages[0].args
        if not isinstance(law, Density) or law.args[0].name != "q" or law.given:
            return None
        left = [v for v in law.variables if v != N.x(0)]
        left = [Block(N.x, 1, v.args[2]) if isinstance(v, Block) and v.args[1] == 0 else v for v in left]
        if left == list(law.variables):
            return None
        total += rest * (Expect(Density("q", left, [N.x(0)]), body) if left else body)
    return total


# --- an average that one side lacks -----------------------------------------------------------------------------------


def _alike(reading: Reading, context: Context, settings: Settings) -> Reading | None:
    """One side is averaged over members of the chain that the other has free: with that average put back."""
    if reading.relation != "=":
        return None
    domain = context.domain(set(reading.indices), settings, dict(reading.intervals))
    try:
        left, right = (free_variables(e, domain) for e in (reading.lhs, reading.rhs))
        if left > right and reading.rhs.atoms(Expect):
            side, lacking, kept = "left", left - right, right
        elif right > left and reading.lhs.atoms(Expect):
            side, lacking, kept = "right", right - left, left
        else:
            return None
        put = {"left": reading.lhs, "right": reading.rhs}
        averaged = _averaged(put[side], lacking, kept)
    except (Malformed, ValueError, TypeError):
        return None
    if averaged is None:
        return None
    put[side] = averaged
    notes = (*reading.notes, f"the average over q is not written on the {side}, and is put back")
    return replace(reading, lhs=put["left"], rhs=put["right"], notes=notes, put_back=True)


def _averaged(e: Any, lacking: set[Any], kept: set[Any]) -> Any:
    start = N.x(0)
    if any(type(v) is not N.x for v in lacking) or (start not in lacking and start not in kept):
        return None
    others = sorted(lacking - {start}, key=str)
    inner = Expect(Density("q", others, [start]), e) if others else e
    return Expect(Density("q", [start]), inner) if start in lacking else inner
