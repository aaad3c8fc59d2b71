"""Where a term is read: a world, the values of what is bound around it, and one reader for each kind of term."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.refutation.arithmetic import Arithmetic
from derivations.refutation.undefined import Uncomputable, Undefined
from derivations.refutation.worlds import Assignment, Key, World

Reader = Callable[[Any, "Viewpoint"], Any]
READERS: dict[type, Reader] = {}


def reads(*kinds: type) -> Callable[[Reader], Reader]:
    """Decorator: the function gives the value of a term of these kinds (or of kinds made from them) at a place."""

    def register(reader: Reader) -> Reader:
        READERS.update(dict.fromkeys(kinds, reader))
        return reader

    return register


@cache
def _reader_of(kind: type) -> Reader:
    found = next((READERS[base] for base in kind.__mro__ if base in READERS), None)
    if found is None:
        meaningless = issubclass(kind, (type(sp.zoo), type(sp.nan), type(sp.I)))
        raise (Undefined if meaningless else Uncomputable)(f"no meaning is given to {kind.__name__}")
    return found


def _names(bound: Mapping[Any, Any]) -> frozenset[str]:
    return frozenset(key[0] if isinstance(key, tuple) else key.name for key in bound)


@lru_cache(maxsize=65536)
def mentions(e: Any) -> frozenset[str]:
    """The names of all symbols, laws and functions of a term, also of what its abbreviations stand for."""
    own = {e.name} if isinstance(e, sp.Symbol) else {type(e).__name__} if isinstance(e, sp.Function) else set()
    written_out = (unfolded(e),) if isinstance(e, terms.DefinedFunction) else ()
    return frozenset(own).union(*map(mentions, (*e.args, *written_out)))


@lru_cache(maxsize=65536)
def unfolded(e: Any) -> Any:
    """What an abbreviation stands for."""
    return sp.sympify(e.unfold())


@dataclass(frozen=True)
class Viewpoint:
    """A world with the values of bound indices (by symbol) and of random variables (by key).

    outer: the place where the last of them were bound, and bound: their names. In a steady world the value of a term is
    kept at the outermost place that binds all it mentions: what an average or a sum does not move is read once.
    """

    world: World
    env: Mapping[Any, Any]
    still: Viewpoint | None = None  # where the outermost derivative around is taken
    outer: Viewpoint | None = None
    bound: frozenset[str] = frozenset()
    known: dict[Any, Any] = field(default_factory=dict)
    errors: dict[Any, Any] = field(default_factory=dict)  # of the known values, for whoever counts roundings
    averaged: dict[Any, Any] = field(default_factory=dict)  # by law, where an average over it looks

    @property
    def arithmetic(self) -> Arithmetic:
        return self.world.arithmetic

    def value(self, e: Any) -> Any:
        """A number, a vector (a tuple), a matrix, or a truth value; raises Undefined where e has no value."""
        if self.world.clock is not None:
            self.world.clock.tick()
        if self.world.steady:
            home = self.home(e)
            known = home.known if home.env else self.world.known
            if e not in known:
                known[e] = _reader_of(e.__class__)(e, home)
            return known[e]
        if self.env or not e.args:
            return _reader_of(e.__class__)(e, self)
        if e not in self.world.known:
            self.world.known[e] = _reader_of(e.__class__)(e, self)
        return self.world.known[e]

    def home(self, e: Any) -> Viewpoint:
        """The outermost place at which a term means what it means here."""
        place, names = self, mentions(e)
        while place.outer is not None and place.bound.isdisjoint(names):
            place = place.outer
        return place

    def bind(self, more: Mapping[Any, Any]) -> Viewpoint:
        still = None if self.still is None else self.still.bind(more)
        return Viewpoint(self.world, {**self.env, **more}, still, self, _names(more))

    def move(self, more: Mapping[Any, Any], world: World | None = None) -> Viewpoint:
        """A place close by, where a derivative looks: what it holds fixed is read where it is taken."""
        env, still = {**self.env, **more}, self.still or self
        if world is not None:
            return Viewpoint(world, env, still)  # nothing that is known of this world holds in another
        return Viewpoint(self.world, env, still, self, _names(more))

    def integer(self, e: Any) -> int:
        value = self.value(e)
        if value != int(value):
            raise Undefined(f"{e} = {value} is no integer")
        return int(value)

    def places(self, index: Any, dim: Any) -> list[Viewpoint]:
        """One place for each value 1..dim of the index."""
        return [self.bind({index: self.arithmetic.number(n)}) for n in range(1, self.integer(dim) + 1)]

    # --- random variables ---------------------------------------------------------------------------------------------

    def keys(self, variables: Any) -> tuple[Key, ...]:
        """The keys of a set of variables, blocks written out."""
        keys: list[Key] = []
        for v in variables:
            if isinstance(v, terms.Block):
                lo, hi = map(self.integer, v.bounds)
                if hi - lo > 64:
                    raise Uncomputable(f"{hi - lo + 1} variables at once")
                keys += [(v.args[0].name, n) for n in range(lo, hi + 1)]
            elif isinstance(v, terms.VectorSymbol):
                keys.append((v.name,))
            else:
                keys.append((type(v).__name__, self.integer(v.args[0])))
        return tuple(dict.fromkeys(keys))

    def vector(self, key: Key) -> Any:
        return self.env[key] if key in self.env else self.world.vector(key)

    def assign(self, variables: Any) -> Assignment:
        return {key: self.vector(key) for key in self.keys(variables)}
