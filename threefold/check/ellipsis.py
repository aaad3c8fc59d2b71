"""Products written with dots, p(x_1 | x_2) ... p(x_{T-1} | x_T) or alpha_1 ... alpha_t, as products over an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.terms import ScalarFunction
from derivations.rules import Density, LogDensity, ProductTo, SumTo
from threefold.check import laws
from threefold.check.lowering import LinkReader
from threefold.check.tokens import NotRead
from threefold.check.tree import Node, bare


def has_dots(factors: Sequence[Node]) -> bool:
    return any(f.kind == "dots" for f in factors)


def log_of(reader: LinkReader, factors: Sequence[Node]) -> Any:
    """The logarithm of a product of densities with one ellipsis in it."""
    place = _place(factors)
    begin, last = place - 1, bare(factors[place + 1])
    run = _run(reader, bare(factors[begin]), last)
    while begin:  # q(x_1 | x_0) q(x_2 | x_1) ... q(x_T | x_{T-1}): the run begins at its first step
        try:
            longer = _run(reader, bare(factors[begin - 1]), last)
        except NotRead:
            break
        if sp.expand(longer.args[3] - run.args[3]) != 1:
            break
        run, begin = longer, begin - 1
    return sp.Add(run, *[reader.log(f) for f in (*factors[:begin], *factors[place + 2 :])])


def product_of(reader: LinkReader, factors: Sequence[Node]) -> Any:
    """A product of members of one family with one ellipsis in it."""
    place = _place(factors)
    first, last = (reader.number(factors[n]) for n in (place - 1, place + 1))
    if type(first) is not type(last) or not isinstance(first, ScalarFunction) or len(first.args) != 1:
        raise NotRead("an ellipsis between factors of two kinds")
    begin = place - 1
    near = [reader.number(f) for f in factors[max(begin - 1, 0) : begin]]
    beside = [first.args[0] - n.args[0] for n in near if type(n) is type(first)]
    step = _direction(last.args[0] - first.args[0], beside)
    while begin:  # alpha_t alpha_{t-1} ... alpha_1: the run begins at alpha_t
        before = reader.number(factors[begin - 1])
        if type(before) is not type(first) or sp.expand(first.args[0] - before.args[0]) != step:
            break
        first, begin = before, begin - 1
    (low,), (high,) = (first.args, last.args) if step == 1 else (last.args, first.args)
    bound = N.s if N.s not in sp.Tuple(low, high).free_symbols else N.i
    run = reader.of_alphas(type(first)(bound), bound, low, high)
    run = ProductTo(type(first)(bound), bound, low, high) if run is None else run
    return sp.Mul(run, *[reader.number(f) for f in (*factors[:begin], *factors[place + 2 :])])


def _place(factors: Sequence[Node]) -> int:
    places = [n for n, f in enumerate(factors) if f.kind == "dots"]
    if len(places) != 1 or not 0 < places[0] < len(factors) - 1:
        raise NotRead("an ellipsis without its ends")
    return places[0]


def _direction(shift: Any, beside: Sequence[Any] = ()) -> int:
    """1 where the index grows by this shift, -1 where it falls; T is the last step, any other is at least 1.

    Of two other letters nobody said which is more: the factor before the first, one step from it, says it.
    """
    shift = sp.expand(shift)
    counts = {term: c for term, c in shift.as_coefficients_dict().items() if term != 1}
    known = counts.get(N.T, 0) or (shift if not counts else sum(counts.values()) if len(counts) == 1 else 0)
    said = [int(b) for b in map(sp.expand, beside) if b in (1, -1)]
    if not known and not said:
        raise NotRead("an ellipsis between two steps of which none is known to be the later")
    step = 1 if known > 0 else -1 if known else said[0]
    if said and said[0] != step:
        raise NotRead("an ellipsis that goes another way than its first factors")
    return step


def _run(reader: LinkReader, first: Node, last: Node) -> Any:
    """The sum of logarithms from one conditional density to another whose steps are all moved by one shift."""
    if first.kind != "call" or last.kind != "call" or first[0] != last[0]:
        raise NotRead("an ellipsis between densities of two kinds")
    ends = []
    for node in (first, last):
        shown, behind = laws.split(node)
        ends.append(([_step(reader, n) for n in shown], [_step(reader, n) for n in behind]))
    (variables, given), (others, conditions) = ends
    if len(variables) != len(others) or len(given) != len(conditions):
        raise NotRead("an ellipsis between densities of two shapes")
    shifts = {sp.expand(b - a) for a, b in zip([*variables, *given], [*others, *conditions], strict=True)} - {sp.S.Zero}
    if len(shifts) != 1:
        raise NotRead("an ellipsis whose steps do not move alike")
    (shift,) = shifts
    step = _direction(shift)
    low = ends[0] if step == 1 else ends[1]
    moves = [[sp.expand(b - a) != 0 for a, b in zip(x, y, strict=True)] for x, y in zip(*ends, strict=True)]
    members = [
        [N.x(sp.expand(m + N.s - 1) if moved else m) for m, moved in zip(part, mask, strict=True)]
        for part, mask in zip(low, moves, strict=True)
    ]
    law = Density(laws.law_name(reader, first[0][0]), members[0], members[1])
    return SumTo(LogDensity(law), N.s, 1, step * shift + 1)


def _step(reader: LinkReader, node: Node) -> Any:
    (member,) = laws.variables(reader, node)
    if not isinstance(member, N.x):
        raise NotRead("an ellipsis between stretches")
    return member.args[0]
