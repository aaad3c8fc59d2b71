"""Every row of a derivation says something that the row above it does not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import derivations


def _idle() -> Iterator[str]:
    """Where a row of three or more is what the one above it is. Two that are one say that both sides are the same."""
    for claim in (*derivations.claims().values(), *derivations.exercises().values()):
        for part, proof in claim.proofs.items():
            for chain in proof.chains:
                for number, (above, row) in enumerate(pairwise(chain.lines), start=1):
                    if len(chain.lines) > 2 and row.relation == "=" and above.expression == row.expression:
                        yield f"{claim.id}, statement {part + 1}, step {number}"


def test_no_row_says_what_the_row_above_says() -> None:
    assert list(_idle()) == []
