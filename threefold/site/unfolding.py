"""Which claims unfold a definition: those in whose statements or lines one of its abbreviations stands."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import sympy as sp

import derivations
from derivations import Claim
from derivations.kernel import terms


def names(expressions: Any) -> frozenset[str]:
    """The abbreviations that stand in these expressions, as they are written."""
    return frozenset(terms.name_of(e) for e in sp.Tuple(*expressions).atoms(terms.DefinedFunction))


def written(claim: Claim) -> Iterator[Any]:
    """The sides of its statements, and the lines of its proofs."""
    for statement in claim.says:
        yield from (statement.lhs, statement.rhs)
    for proof in claim.proofs.values():
        yield from (line.expression for chain in proof.chains for line in chain.lines)


@cache
def unfolded_by(definition: str) -> tuple[str, ...]:
    """The ids of the claims, in the ledger's order, that write an abbreviation which this definition explains."""
    claims = derivations.claims()
    own = names(s.lhs for s in claims[definition].says)
    return tuple(name for name, claim in claims.items() if name != definition and own & names(written(claim)))
