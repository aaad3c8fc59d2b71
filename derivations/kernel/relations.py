"""What stands between two lines: which relations there are, how they add up, and what each asks of its sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from derivations.kernel.definedness import Undischarged
from derivations.kernel.genuine import refuse_impostors
from derivations.kernel.means import extent
from derivations.kernel.places import Place
from derivations.kernel.rules.base import StepFails
from derivations.kernel.sorts import sort
from derivations.kernel.substitution import core
from derivations.kernel.terms import Malformed, Rounded, Series

ORDERS = ("<=", ">=", "<", ">")
SORTS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "=": frozenset({"number", "vector"}),
        "iff": frozenset({"proposition"}),
        **dict.fromkeys(ORDERS, frozenset({"number"})),
    }
)
IMPLIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"=": ("=", "<=", ">="), "<=": ("<=",), ">=": (">=",), "<": ("<", "<="), ">": (">", ">="), "iff": ("iff",)}
)


def composed(first: str, second: str) -> str:
    """What two relations, one after the other, say of the ends."""
    if type(second) is not str or second not in SORTS:
        raise StepFails(f"{second!r} is no relation: one of {', '.join(SORTS)}")
    pair = {first, second} - {"="}
    if len(pair) < 2:
        return pair.pop() if pair else "="
    if pair in ({"<", "<="}, {">", ">="}):
        return min(pair, key=len)
    raise StepFails(f"steps {sorted(pair)} do not add up")


def refuse_rounded_on_the_way(before: Any, after: Any, relation: str, together: str) -> None:
    if isinstance(before, Rounded):
        raise StepFails("a rounded value ends a derivation: it stands for a range, and nothing follows from it")
    if isinstance(after, Rounded) and (relation, together) != ("=", "="):
        raise StepFails("an order may not end in a rounded value, which stands for a range")


def refuse_infinite_order(before: Any, after: Any, relation: str, here: Place) -> None:
    """Order needs values on both sides, and a strict one finite values."""
    if relation == "=" or here.integrable:
        return
    for side in (before, after):
        where = extent(side, here.domain, here.granted.dominated)
        if where == "unknown" or (where != "finite" and relation in ("<", ">")):
            raise Undischarged(
                f"{side} may be infinite: declare the hypothesis 'integrable' to compare it by {relation!r}"
            )


def refuse_order_of_series(left: Any, right: Any, relation: str) -> None:
    """h^2 + O(h^3) is above 0 for no step that anybody knows."""
    if relation != "=" and (left.has(Series) or right.has(Series)):
        raise Malformed(
            f"a series says what a side is up to its remainder: it is equal to something, and not {relation}"
        )


def refuse_unrelated(lhs: Any, relation: str, rhs: Any, lines: Iterable[Any]) -> None:
    """Refuse a statement whose relation says nothing about its two sides, or a line of another sort."""
    if type(relation) is not str:
        raise Malformed(f"{relation!r} is no plain text, so it is no relation")
    for e in (lhs, rhs, *lines):
        refuse_impostors(e)
    sorts = {sort(core(e)) for e in (lhs, rhs, *lines) if e != 0} or {"number"}
    if relation not in SORTS or len(sorts) > 1 or not sorts <= SORTS[relation]:
        raise Malformed(f"{relation!r} says nothing about {' and '.join(sorted(sorts))}")
