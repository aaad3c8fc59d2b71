"""Lines about a latent with one coordinate: each is read as a sum over coordinates, of which there is one.

z, mu and sigma are the coordinates z_i, mu_i, sigma_i; a density stands for all of them, any other term is summed. What
is proved of any number of coordinates holds for one; a refutation is sought where there is one.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations import notation as N
from derivations.kernel.terms import free_scalars, is_vector
from derivations.rules import KL, Coord, Entropy, Expect, LogDensity, SumTo
from threefold.check.contexts.base import Context
from threefold.check.tokens import NotRead
from threefold.check.tree import Name, Node, walk

COORDINATES = {"z": N.z, "mu": N.mu_phi(N.obs), "sigma": N.std_phi(N.obs), "epsilon": N.eps}
VARIANCE = Coord(COORDINATES["sigma"], N.i) ** 2
INDEXED = ("sum", "prod", "norm", "sub", "grad")


def fits(sides: tuple[Node, Node], context: Context) -> bool:
    """May the line speak of one coordinate: mu, sigma or z as they stand, and nothing summed or counted?"""
    if context.name != "vae":
        return False
    nodes = [n for side in sides for n in walk(side)]
    letters = [n[0] for n in nodes if n.kind == "sym" and n[0].letter in COORDINATES]
    marked = any(n.index or n.above or n.accents for n in letters)
    named = any(n.letter in ("mu", "sigma") for n in letters) or any(_is_square_of_latent(n) for n in nodes)
    return named and not marked and not any(n.kind in INDEXED for n in nodes)


def _is_square_of_latent(node: Node) -> bool:
    return node.kind == "pow" and node[0].kind == "sym" and node[0][0] in (Name("z"), Name("Z"))


def symbol(name: Name) -> Any:
    """The coordinate that the letter stands for; None for any other letter."""
    whole = COORDINATES.get(name.letter if name.letter != "Z" else "z")
    if whole is None or name.accents or name.index or name.above or name.primes:
        return None
    return Coord(whole, N.i)


def whole(value: Any) -> Any:
    """The vector of which this is a coordinate: the mean of a normal law."""
    if value == 0 or is_vector(value):
        return value
    if isinstance(value, Coord) and value.args[1] == N.i:
        return value.args[0]
    raise NotRead("a mean that is no letter, of one coordinate")


def summed(e: Any) -> Any:
    """The sum over coordinates of every term that is no density's own."""
    e = sp.sympify(e)
    if is_vector(e):
        raise NotRead("a vector in a line about one coordinate")
    return sp.Add(*[_summed(term) for term in sp.Add.make_args(sp.expand(e))])


def _summed(term: Any) -> Any:
    coefficient, rest = term.as_independent(LogDensity, KL, Entropy, Expect, as_Add=False)
    if isinstance(rest, Expect) and rest.args[1].atoms(LogDensity):
        law, body = rest.args
        rest = Expect(law, summed(body))
    elif isinstance(rest, Expect) and not coefficient.has(N.z):
        return Expect(rest.args[0], SumTo(coefficient * rest.args[1], N.i, 1, N.k))
    elif not rest.atoms(LogDensity, KL, Entropy):
        return SumTo(term, N.i, 1, N.k) if N.i in free_scalars(term) else N.k * term
    if N.i in free_scalars(coefficient) or rest.func not in (LogDensity, KL, Entropy, Expect):
        raise NotRead("a density beside a factor of one coordinate")
    return coefficient * rest
