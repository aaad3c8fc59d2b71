"""Every row of a derivation says something that the row above it does not."""

from __future__ import annotations

from collections.abc import Iterator

import derivations
from derivations import printing


def _idle() -> Iterator[str]:
    """Where a row is printed as the one above it is, and nothing but algebra lies between."""
    for claim in (*derivations.claims().values(), *derivations.exercises().values()):
        for part, proof in claim.proofs.items():
            for chain in proof.chains:
                for number, (above, row) in enumerate(zip(chain.lines, chain.lines[1:], strict=False), start=1):
                    if row.relation == "=" and printing.latex(above.expression) == printing.latex(row.expression):
                        yield f"{claim.id}, statement {part + 1}, step {number}"


def test_no_row_says_what_the_row_above_says() -> None:
    assert list(_idle()) == []
