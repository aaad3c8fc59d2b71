"""What has to be read in a world, studied once: the symbols, functions and laws in it, whatever values they take."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.terms import unfold_all


def study(expressions: Iterable[Any], equations: Iterable[Any] = ()) -> Study:
    """The study of these expressions, and of the equations of hypotheses besides."""
    return _study(sp.Tuple(*expressions), sp.Tuple(*equations))


@lru_cache(maxsize=64)
def _study(expressions: Any, equations: Any) -> Study:
    read = unfold_all(expressions)
    return Study(read, sp.Tuple(*read, *expressions, *unfold_all(equations)))


@dataclass(frozen=True)
class Study:
    """`read` is what has to be read, `everything` the equations of hypotheses besides."""

    read: Any
    everything: Any

    @cached_property
    def scalars(self) -> tuple[Any, ...]:
        return tuple(sorted(scalars(self.everything), key=lambda s: s.name))

    @cached_property
    def one_dimension(self) -> bool:
        """Whether an exponential is averaged over a law that is drawn Gaussian: in one dimension it has a mean."""
        means = self.everything.atoms(terms.Expect)
        return not (self.matrices or self.covariances) and any(
            isinstance(a.args[1], sp.exp) and not _is_of_vectors(a.args[0]) for a in means
        )

    @cached_property
    def smooth(self) -> frozenset[str]:
        """Functions that are read at a real argument somewhere: those are drawn smooth, also where it is an integer."""
        calls = self.everything.atoms(terms.ScalarFunction, terms.VectorFunction)
        read = {(type(f).__name__, a) for f in calls for a in f.args}
        read |= {(f.head, a) for f in self.everything.atoms(terms.Partial) for a in f.inputs}
        return frozenset(name for name, a in read if not terms.is_vector(a) and not a.is_integer)

    @cached_property
    def by_formula(self) -> frozenset[str]:
        """What is no family of numbers drawn one by one: vectors, networks, smooth functions."""
        calls = self.everything.atoms(terms.ScalarFunction)
        of_vectors = {type(f).__name__ for f in calls if any(map(terms.is_vector, f.args))}
        gradients = {a.args[0].name for a in self.everything.atoms(terms.Gradient)}
        return frozenset({*terms.VECTORS, *self.smooth, *of_vectors, *gradients})

    @cached_property
    def latents(self) -> frozenset[str]:
        return frozenset(_latent_names(self.everything))

    @cached_property
    def covariances(self) -> tuple[str, ...]:
        return tuple(sorted(s.name for s in self.everything.atoms(terms.Covariance)))

    @cached_property
    def matrices(self) -> tuple[str, ...]:
        """The rectangular ones."""
        return tuple(sorted(s.name for s in self.everything.atoms(terms.LinearMap)))

    # --- laws ---------------------------------------------------------------------------------------------------------

    @cached_property
    def densities(self) -> frozenset[Any]:
        return frozenset(self.everything.atoms(terms.Density))

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({law.args[0].name for law in self.densities}))

    @cached_property
    def members(self) -> tuple[Any, ...]:
        """The random variables, single and in blocks, of all named laws."""
        return tuple({v for law in self.densities for v in (*law.variables, *law.given)})

    @cached_property
    def is_chain(self) -> bool:
        return any(not isinstance(v, terms.VectorSymbol) for v in self.members)

    @cached_property
    def averaged(self) -> frozenset[str]:
        """The named laws that expectations and divergences average over: only these may vanish somewhere."""
        found = {a.args[0] for a in self.read.atoms(terms.Expect, terms.KL)}
        return frozenset(law.args[0].name for law in found if isinstance(law, terms.Density))

    @cached_property
    def meets_normal(self) -> bool:
        """Whether a law that is written out has a variable of a named one."""
        named = {v for d in self.densities for v in (*d.variables, *d.given)}
        written = [law for law in self.read.atoms(terms.Law) if not isinstance(law, terms.Density)]
        return any(v in named for law in written for v in law.variables)

    def last_member(self, numbers: dict[str, Any], most: int) -> int:
        """The highest index that a chain without a symbolic end is read at, as far as that is written."""
        written = [v.args[0] for v in self.members if isinstance(v, terms.VectorFunction)]
        if written and all(n.is_Integer for n in written):
            return max(map(int, written))
        blocks = [end for v in self.members if isinstance(v, terms.Block) for end in v.bounds]
        places = sp.Tuple(*written, *self._ends, *blocks)
        known = {s: sp.Integer(numbers[s.name]) for s in places.free_symbols if s.is_integer and s.name in numbers}
        return min(max([2, *(int(n) for n in places.xreplace(known) if n.is_Integer)]), most)

    @cached_property
    def _ends(self) -> tuple[Any, ...]:
        return tuple(end for e in self.everything.atoms(terms.SumTo, terms.ProductTo) for end in e.args[2:])

    @cached_property
    def has_blocks(self) -> bool:
        return bool(self.read.atoms(terms.Block))

    @cached_property
    def has_fields(self) -> bool:
        """Whether something is differentiated in a whole vector: then densities must have slopes."""
        return any(a.atoms(terms.Density) for a in self.everything.atoms(*terms.FIELDS))

    @cached_property
    def same_laws(self) -> tuple[Any, ...]:
        return tuple(self.read.atoms(terms.SameLaw))


def _is_of_vectors(law: Any) -> bool:
    """Is this a named density of vectors, and no chain? Such a one is drawn as a table."""
    return isinstance(law, terms.Density) and all(isinstance(v, terms.VectorSymbol) for v in law.variables)


def scalars(e: Any) -> set[Any]:
    """The numbers that a world has to give: free symbols, the dimension apart. What one line binds, another may not.

    What cancels when abbreviations are written out is read all the same.
    """
    parts = e.args if isinstance(e, sp.Tuple) else (e,)
    found = {s for part in parts for read in (part, unfold_all(part)) for s in terms.free_scalars(read)}
    return {s for s in found if s.is_commutative and s != terms.DIM}


def _latent_names(e: Any) -> set[str]:
    """Names of vectors that live in R^k, because they are read by coordinates or carry a law on R^k."""
    k = sp.Symbol("k", integer=True, positive=True)
    vectors: list[Any] = []
    for law in e.atoms(terms.Normal, terms.DiagonalNormal, terms.FullNormal, terms.AffineImage):
        if law.args[-1] == k:
            vectors += [*law.variables, *(c.args[0] for c in law.atoms(terms.Coord))]
            vectors += [law.args[1]] if isinstance(law, terms.Normal | terms.FullNormal) else []
    for total in e.atoms(terms.SumTo):
        if total.args[3] == k:
            vectors += [c.args[0] for c in total.atoms(terms.Coord)]
    for pair in e.atoms(terms.Hadamard, terms.Quadratic):
        vectors += [pair.args[0], pair.args[-1]]
    return {name for v in vectors for name in _heads(v)}


def _heads(v: Any) -> set[str]:
    """Names of the vectors that v is a combination of: their arguments may live elsewhere."""
    if isinstance(v, terms.VectorSymbol):
        return {v.name}
    if isinstance(v, terms.VectorFunction):
        return {type(v).__name__}
    if isinstance(v, terms.FIELDS):
        return _heads(v.args[1 if isinstance(v, terms.Grad | terms.Vjp) else 0])
    inner = v.args[:1] if isinstance(v, terms.D) else v.args
    return {name for a in inner if terms.is_vector(a) for name in _heads(a)}
