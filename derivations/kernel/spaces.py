"""Where vectors and matrices live: of what size, whether of bits. What is added or multiplied lives in one space."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from derivations.kernel import terms
from derivations.kernel.domain import Domain
from derivations.kernel.memory import remembered
from derivations.kernel.terms import Density, Law, Malformed, VectorFunction

JOINING = sp.Add | sp.Mul | terms.Bilinear | terms.Equal | terms.Div | Law
MATRICES = terms.Quadratic | terms.Apply | terms.Trace | terms.LogDet | terms.Entry
# What lives together in a derivative: a direction with the variable, a covector with the body.
BESIDE = {terms.Jvp: (1, 2), terms.Vjp: (0, 2)}
Space = tuple[bool, Any]  # of bits, size
Name = str | tuple[str, str]  # of a vector or a covariance; of the rows or the columns of a matrix


@dataclass
class Spaces:
    """The space of each vector and covariance by name, from all terms of a claim seen so far; two of a matrix.

    All members of a family live in one space. Sizes come from laws, and for matrices from the domain. Vectors that
    nothing gives a size, even by way of others, are of a common one.
    """

    known: dict[Name, Space] = field(default_factory=dict)
    together: dict[Name, set[Name]] = field(default_factory=dict)

    @classmethod
    def of(cls, expressions: Iterable[Any], sizes: Mapping[str, Any]) -> Spaces:
        """The spaces of core terms; Malformed when something would live in two."""
        spaces, given = cls(), []
        for e in map(sp.sympify, expressions):
            together, sizes_there = _said(e)
            for names in together:
                spaces._join(names)
            given += sizes_there
        for of_matrix, size in sizes.items():
            of: dict[Name, Any] = {of_matrix: size}
            if isinstance(size, tuple):
                of = {("rows", of_matrix): size[0], ("columns", of_matrix): size[1]}
            given += [(frozenset({end}), False, sp.sympify(n, strict=True)) for end, n in of.items()]
        for members, of_bits, size in given:
            for name in {n for member in members for n in spaces.together.get(member, {member})}:
                if spaces.known.setdefault(name, (of_bits, sp.expand(size))) != (of_bits, sp.expand(size)):
                    raise Malformed(f"{_shown(name)}, or what it is added to or multiplied with, lives in two spaces")
        return spaces

    def _join(self, together: frozenset[Name]) -> None:
        """The names that live in one space share one set."""
        names = set(together).union(*(self.together.get(name, set()) for name in together))
        self.together.update(dict.fromkeys(names, names))

    def _sizes(self, e: Any) -> set[Any]:
        return {self.known[name][1] for name in lives_with(e) if name in self.known}

    def size(self, vector: Any) -> Any:
        """The size of the space that a vector lives in; None where nothing tells."""
        return next(iter(self._sizes(vector)), None)

    def shape(self, matrix: Any) -> tuple[Any, Any]:
        """The numbers of rows and columns of a matrix; None where nothing tells."""
        rows, columns = ({self.known[n][1] for n in end if n in self.known} for end in ends(matrix))
        return next(iter(rows), None), next(iter(columns), None)

    def is_of_bits(self, vector: Any) -> bool:
        return any(self.known[name][0] for name in lives_with(vector) if name in self.known)

    def refuse_outside(self, e: Any, domain: Domain) -> None:
        """Refuse a coordinate that is not known to lie inside its vector."""
        vector, place = e.args
        if not domain.at_least_zero(place - 1):
            raise Malformed(f"{e}: {place} is not known to be a coordinate, they count from 1")
        for size in self._sizes(vector):
            if not domain.at_least_zero(size - place):
                raise Malformed(f"{e}: {place} is not known to lie in 1..{size}, the size of the vector")

    def refuse_outside_matrix(self, e: Any, domain: Domain) -> None:
        """Refuse an entry that is not known to lie inside its matrix."""
        shape = self.shape(e.args[0])
        if None in shape:
            raise Malformed(f"{e}: nothing says of what size the matrix is")
        for place, size in zip(e.args[1:], shape, strict=True):
            if not (domain.at_least_zero(place - 1) and domain.at_least_zero(size - place)):
                raise Malformed(f"{e} lies outside the matrix, or may: {place} is not known to lie in 1..{size}")


@remembered(4096)
def _said(e: Any) -> tuple[tuple[frozenset[Name], ...], tuple[tuple[frozenset[Name], bool, Any], ...]]:
    """What one term says: which names live in one space, and the sizes of some, with whether they are of bits."""
    together: list[set[Name]] = []
    for part in sp.preorder_traversal(e):
        if isinstance(part, MATRICES) or (isinstance(part, sp.Expr) and part.is_commutative is False):
            together += _neighbours(part)
        elif isinstance(part, JOINING) and not isinstance(part, Density):
            together.append({name for a in part.args for name in lives_with(a)})
        elif places := BESIDE.get(type(part)):
            together.append({name for place in places for name in lives_with(part.args[place])})
        elif isinstance(part, terms.HeldFixed):
            together += [lives_with(c) | lives_with(value) for c, value in part.table.items()]
        elif isinstance(part, terms.Partial):
            directed = zip(part.places, part.directions, strict=True)
            together += [lives_with(part.inputs[int(place) - 1]) | lives_with(to) for place, to in directed]
    laws = [a for a in e.atoms(Law) if not isinstance(a, Density)]
    given = [(lives_with(law.args[0]), isinstance(law, terms.BernoulliProduct), law.args[-1]) for law in laws]
    given += [(lives_with(trace.args[0]), False, trace.args[1]) for trace in e.atoms(terms.Trace)]
    given += [(lives_with(trace.args[1]), False, trace.args[2]) for trace in e.atoms(terms.Div, terms.Laplacian)]
    return (
        tuple(dict.fromkeys(map(frozenset, together))),
        tuple((frozenset(members), of_bits, size) for members, of_bits, size in given),
    )


def _shown(name: Name) -> str:
    return name if isinstance(name, str) else f"a vector of the {name[0]} of {name[1]}"


def ends(matrix: Any) -> tuple[set[Name], set[Name]]:
    """What lives where a matrix leads to, and where it leads from; nothing for a number, which leads anywhere."""
    if matrix.is_commutative:
        return set(), set()
    if isinstance(matrix, terms.Covariance):
        return {matrix.name}, {matrix.name}
    if isinstance(matrix, terms.LinearMap):
        return {("rows", matrix.name)}, {("columns", matrix.name)}
    if isinstance(matrix, terms.Transposed):
        return ends(matrix.args[0])[::-1]
    if isinstance(matrix, sp.Pow):
        return ends(matrix.args[0])
    parts = [ends(a) for a in matrix.args if not a.is_commutative]
    if isinstance(matrix, sp.Mul):
        return parts[0][0], parts[-1][1]
    return {name for left, _ in parts for name in left}, {name for _, right in parts for name in right}


def _neighbours(e: Any) -> list[set[Name]]:
    """Sets of what lives together in a matrix, or beside it."""
    if isinstance(e, terms.Apply):
        left, right = ends(e.args[0])
        return [right | lives_with(e.args[1])]
    if isinstance(e, terms.Quadratic):
        u, (left, right), v = lives_with(e.args[0]), ends(e.args[1]), lives_with(e.args[2])
        return [u | left, right | v] if left else [u | v]
    if isinstance(e, terms.Trace | terms.LogDet):
        return [set().union(*ends(e.args[0]))]
    if isinstance(e, terms.Entry | sp.Symbol | terms.Transposed):
        return []
    parts = [ends(a) for a in e.args if not a.is_commutative]
    if isinstance(e, sp.Mul):
        return [right | left for (_, right), (left, _) in itertools.pairwise(parts)]
    lefts, rights = ({name for part in parts for name in part[n]} for n in (0, 1))
    square = isinstance(e, sp.Pow) or len(parts) < len(e.args)  # something is added to so many times the identity
    return [lefts | rights] if square else [lefts, rights]


def lives_with(e: Any) -> set[Name]:
    """The vectors and covariances, by name, of which e is a combination; none when it is a number or a law."""
    if isinstance(e, terms.VectorSymbol | VectorFunction):
        return {terms.name_of(e)}
    if isinstance(e, terms.Apply):
        return ends(e.args[0])[0] or lives_with(e.args[1])
    if isinstance(e, sp.Expr) and not e.is_commutative:
        return set().union(*ends(e))
    if isinstance(e, terms.Partial):
        return {e.head} if e.vector_valued else set()
    if not isinstance(e, sp.Expr) or not (terms.is_vector(e) or isinstance(e, sp.Mul | sp.Pow | sp.Add)):
        return set()
    if isinstance(e, terms.FIELDS):
        return lives_with(e.args[1 if isinstance(e, terms.Grad | terms.Vjp) else 0])
    if isinstance(e, terms.Mean):
        return {name for v in e.args[0].variables for name in lives_with(v)}
    return {name for part in e.args for name in lives_with(part)}
