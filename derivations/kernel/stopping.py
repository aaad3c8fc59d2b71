"""Stop-gradients taken out at the door: what a derivative holds fixed stands outside of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from derivations.kernel.binders import INDEXED, closed, fresh, opened
from derivations.kernel.dependence import may_touch
from derivations.kernel.held import HeldFixed, StopGradient, held_constant
from derivations.kernel.terms import FIELDS, Averaging, D, Malformed, binds

DERIVATIVES = (D, *FIELDS)


def without_stops(e: Any) -> Any:
    """The term without a stop-gradient: its argument, or what the outermost derivative around it holds fixed."""
    if not e.has(StopGradient):
        return e
    if isinstance(e, StopGradient):
        return without_stops(e.args[0])
    if isinstance(e, DERIVATIVES) and e.args[0].has(StopGradient):
        taken = Taken({})
        made = e.func(taken.out_of(e.args[0]), *map(without_stops, e.args[1:]))
        return HeldFixed(made, taken.constants.values(), taken.constants.keys())
    if isinstance(e, INDEXED):
        index = fresh()
        args = [a if place == 1 else without_stops(a) for place, a in enumerate(opened(e, index))]
        return closed(type(e), args, index)
    return e.func(*map(without_stops, e.args))


@dataclass(frozen=True)
class Taken:
    """What is taken out of one derivative: a constant for each value; and what is bound between the two."""

    constants: dict[Any, Any]
    symbols: frozenset[Any] = frozenset()
    variables: tuple[Any, ...] = ()

    def out_of(self, e: Any) -> Any:
        if isinstance(e, StopGradient):
            value = without_stops(e.args[0])
            if value.free_symbols & self.symbols or may_touch(value, self.variables):
                raise Malformed(
                    f"{value} is stopped where it varies, inside of what is differentiated: stop it outside"
                )
            return self.constants.setdefault(value, held_constant(value))
        if not e.has(StopGradient):
            return e
        if isinstance(e, INDEXED):
            index = fresh()
            inside = replace(self, symbols=self.symbols | {index})
            args = [a if place == 1 else inside.out_of(a) for place, a in enumerate(opened(e, index))]
            return closed(type(e), args, index)
        inside = replace(self, symbols=self.symbols | {e.args[1]}) if binds(e) else self
        if isinstance(e, Averaging):
            laws = (law for law in e.args if hasattr(law, "variables"))
            inside = replace(inside, variables=(*inside.variables, *(v for law in laws for v in law.variables)))
        return e.func(*map(inside.out_of, e.args))
