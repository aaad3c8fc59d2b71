"""Joint conditions of a domain, asked of a world: every instance, by evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import sympy as sp

from derivations.refutation.arithmetic import surely
from derivations.refutation.reading import Viewpoint
from derivations.refutation.undefined import Undefined
from derivations.refutation.worlds import World

MOST = 400  # instances of one condition


def told(world: World, conditions: Iterable[Any]) -> bool | None:
    """Do all conditions hold in the world? None where one has no value there, or its bounds do not tell."""
    verdict: bool | None = True
    for condition in conditions:
        for count, at in enumerate(_instances(Viewpoint(world, {}), condition, list(condition.when))):
            try:
                here = surely(condition.relation, at.value(condition.small), at.value(condition.large))
            except (Undefined, ZeroDivisionError):
                here = None
            if here is False:
                return False
            verdict = None if here is None or count >= MOST else verdict
    return verdict


def _instances(at: Viewpoint, condition: Any, indices: list[Any]) -> Iterator[Viewpoint]:
    """The world at every value of the indices; an index whose ends mention another comes after it."""
    if not indices:
        yield at
        return
    ready = next(
        i for i in indices if not {s for end in condition.when[i] for s in end.free_symbols} & ({*indices} - {i})
    )
    low, high = (at.integer(end) for end in condition.when[ready])
    for n in range(low, high + 1):
        yield from _instances(at.bind({ready: Fraction(n)}), condition, [i for i in indices if i != ready])


def shown(conditions: Iterable[Any]) -> str:
    return " and ".join(f"{sp.sstr(c.small)} {c.relation} {sp.sstr(c.large)}" for c in conditions)
