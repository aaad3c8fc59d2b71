"""Terms as they are written: what SymPy cancels while an abbreviation is written out must mean something too.

`sqrt(1 - a) F(a)` with F(a) = 1 / sqrt(1 - a) becomes 1, and nothing in 1 asks whether 1 - a is 0. So the conditions of
a term are also asked of its text: of every node before its abbreviations are written out, and of the body of every
abbreviation in its parameters, which get their values at the end. Two means that cancel, or one that meets a factor 0,
must be finite. Only what SymPy cancels before the kernel sees a term, x/x as it is typed, leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from derivations.kernel.binders import INDEXED, fresh
from derivations.kernel.definedness import Condition, Undischarged, node_conditions, passed_on
from derivations.kernel.domain import Domain
from derivations.kernel.formation import refuse_node_out_of_place
from derivations.kernel.means import extent
from derivations.kernel.spaces import Spaces
from derivations.kernel.substitution import core, put_in, written_out
from derivations.kernel.terms import Averaging, DefinedFunction, Density, Expect, ProductTo, SumTo

Values = Mapping[Any, Any]


@dataclass(frozen=True)
class Surroundings:
    """What is known where a text stands: the spaces of its vectors, and which hypotheses on means are supposed."""

    spaces: Spaces
    dominated: bool
    integrable: bool


def written_conditions(e: Any, domain: Domain, around: Surroundings) -> Iterator[Condition]:
    """Every condition under which e has a value as it is written; none when e is a core term.

    Malformed when a part that cancels means nothing there; Undischarged when a mean that may be infinite cancels, or is
    multiplied by 0, unless all are integrable.
    """
    e = sp.sympify(e, strict=True)
    if core(e) != e:
        yield from _conditions(e, {}, domain, around)


def _conditions(e: Any, values: Values, domain: Domain, around: Surroundings) -> Iterator[Condition]:
    if e in values:  # an argument, which was asked where it stands, or an index
        return
    for a, inside, known in _arguments(e, values, domain):
        yield from passed_on(e, _conditions(a, inside, known, around))
    if isinstance(e, DefinedFunction):
        yield from _conditions(*_body(e, values), domain, around)
        return
    node = _node(e, values)
    refuse_node_out_of_place(node, domain, around.spaces)
    yield from node_conditions(node, domain)
    if not around.integrable and isinstance(e, sp.Add | sp.Mul):
        _refuse_lost_mean(e, values, domain, around.dominated)


def _arguments(e: Any, values: Values, domain: Domain) -> Iterator[tuple[Any, Values, Domain]]:
    """The arguments of e, with the values of what they are read with, and what is known there."""
    if isinstance(e, INDEXED):
        index = fresh()
        lo, hi = e.args[2:4] if isinstance(e, SumTo | ProductTo) else (sp.S.One, e.args[-1])
        within = domain.with_index(index, _at(lo, values), _at(hi, values))
        for place, a in enumerate(e.args):
            if place in e.scope:
                yield a, {**values, e.args[1]: index}, within
            elif place != 1:
                yield a, values, domain
        return
    unaware = isinstance(e, Expect) and not isinstance(e.args[0], Density)
    for place, a in enumerate(e.args):
        known = domain.unaware_of(_at(e.args[0], values).args[0]) if unaware and place == 1 else domain
        yield a, values, known


def _body(e: Any, values: Values) -> tuple[Any, Values]:
    """What an abbreviation stands for, in its parameters, and their values."""
    return written_out(type(e), tuple(_at(a, values) for a in e.args))


def _at(e: Any, values: Values) -> Any:
    """The core term of e, written out and cancelled."""
    return put_in(core(e), values)


def _node(e: Any, values: Values) -> Any:
    """One node with its arguments written out, which nothing cancels."""
    if isinstance(e, sp.Pow | sp.log):
        return e.func(*(_at(a, values) for a in e.args), evaluate=False)
    return _at(e, values)


# --- means ------------------------------------------------------------------------------------------------------------


def _refuse_lost_mean(e: Any, values: Values, domain: Domain, dominated: bool) -> None:
    made, text = _at(e, values), _sum(e, values)
    if made == text or extent(text, domain, dominated) != "unknown":
        return
    if isinstance(made, Averaging) or extent(made, domain, dominated) != "unknown":
        raise Undischarged(f"a mean in {e} may be infinite and cancels: declare the hypothesis 'integrable'")


def _sum(e: Any, values: Values) -> Any:
    """Sums and products as they are written, their abbreviations written out, of terms that are core terms."""
    if isinstance(e, DefinedFunction):
        return _sum(*_body(e, values))
    if isinstance(e, sp.Add | sp.Mul):
        return e.func(*(_sum(a, values) for a in e.args), evaluate=False)
    return _at(e, values)
