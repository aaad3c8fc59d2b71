"""Instances of an equation in a line: where they stand, and at which indices they are read.

Which indices an equation is read at is found by matching, inside sums too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.algebra import Algebra
from derivations.kernel.domain import Domain
from derivations.kernel.memory import remembered
from derivations.kernel.rules.base import Context, walk
from derivations.kernel.substitution import substitute
from derivations.kernel.terms import Malformed

Table = Mapping[Any, Any]


def rewrite_instances(
    e: Any,
    sides: tuple[Any, Any],
    tables: Callable[[Any, Context], Iterator[Table]],
    allowed: Callable[[Table, Context], None],
    context: Context,
) -> Any:
    """Replace every subterm equal (by algebra) to an instance of lhs by that of rhs.

    `tables` proposes instances for a node; `allowed` raises StepFails where lhs = rhs may fail.
    """
    lhs, rhs = sides

    def change(node: Any, local: Context) -> Any:
        if type(node) is not type(lhs):
            return node
        for table in tables(node, local):
            try:
                instance = substitute(lhs, table, local.domain)
            except Malformed:
                continue
            share = _share(instance, node, local.domain)
            if share is not None:
                allowed(table, local)
                put = substitute(rhs, table, local.domain)
                return put if share == 0 else node + share * (put - instance)
        return node

    return walk(e, change, context)


@remembered(4096)
def _heads(e: Any) -> frozenset[Any]:
    """The kinds of terms in e, and the names of families and laws."""
    kinds = {type(a) for a in e.atoms(sp.Function, terms.Averaging, terms.LogDensity, terms.Quadratic)}
    return frozenset(kinds | e.atoms(terms.Name))


def _share(lhs: Any, node: Any, domain: Domain) -> Any:
    """0 when node equals lhs; c when node is c lhs and something besides, a sum's terms among others; else None."""
    if node == lhs:
        return sp.S.Zero
    if not _heads(lhs) <= _heads(node):  # nothing that is worth a calculation
        return None
    share = _share_of_sum(lhs, node, domain) if isinstance(lhs, sp.Add) else None
    if share is None and len(node.args) == len(lhs.args) and Algebra(domain).equal(node, lhs):
        return sp.S.Zero
    return share


def _share_of_sum(lhs: Any, node: Any, domain: Domain) -> Any:
    terms_of_node = node.as_coefficients_dict()
    shares = set()
    for term, c in lhs.as_coefficients_dict().items():
        found = [t for t in terms_of_node if t == term] or [
            t
            for t in terms_of_node
            if type(t) is type(term) and _heads(t) == _heads(term) and Algebra(domain).equal(t, term)
        ]
        shares.add(terms_of_node[found[0]] / c if len(found) == 1 else None)
        if len(shares) > 1 or None in shares:
            return None
    return shares.pop()


def matches(lhs: Any, node: Any, indices: Iterable[Any], table: Table, context: Context) -> Iterator[Table]:
    """The table itself; and inside sums, the table read at their indices, and what makes lhs look like the node there.

    An index occurs as i + c in a member of a family, as a coordinate or an end of a range; there its value is read off.
    """
    yield table
    if not context.around:
        return
    written = sorted({s for v in table.values() for s in v.free_symbols if s.is_integer}, key=str)
    tables = [table]
    for around in context.around:
        tables += [{key: substitute(value, {s: around}) for key, value in table.items()} for s in written]
    yield from tables[1:]
    indices = tuple(index for index in indices if index not in table)
    choices = [sorted({index, *_values(index, lhs, node)}, key=sp.default_sort_key) for index in indices]
    for values in itertools.islice(itertools.product(*choices), 64 if indices else 0):
        if any(value.has(*context.around) for value in values):
            yield from ({**read, **dict(zip(indices, values, strict=True))} for read in tables)


def _values(index: Any, lhs: Any, node: Any) -> set[Any]:
    found: set[Any] = set()
    read: dict[Any, set[Any]] = {}
    for head, place, value in _places(node):
        read.setdefault((head, place), set()).add(value)
    for head, place, written in _places(lhs):
        shift = sp.expand(written - index)
        if not shift.has(index) and shift.is_integer:
            found |= {sp.expand(value - shift) for value in read.get((head, place), ())}
    return {value for value in found if value.is_integer and not value.atoms(terms.Formal)}


def _places(e: Any) -> Iterator[tuple[Any, int, Any]]:
    for a in sp.preorder_traversal(e):
        if isinstance(a, terms.VectorFunction | terms.ScalarFunction | terms.Coord | terms.Block):
            head = a.args[0] if isinstance(a, terms.Block) else type(a).__name__
            yield from ((str(head), place, v) for place, v in enumerate(a.args) if getattr(v, "is_integer", False))
