"""The same in the place of torch; no tensor is needed to drive the ledger."""

from __future__ import annotations

from collections.abc import Iterator

from theory_by_hand import CLAIMS

from threefold.witnesses.registry import Cases, Comparison, Differs, not_applicable, torch_witness
from witnesses_by_hand.numeric.squares import square_as_printed, square_of_a_sum


def with_gradient(case: Cases) -> Iterator[Comparison]:
    yield from square_of_a_sum(case)
    yield Comparison("d/da", 2 * (1.0 + 2.0), 6.0, gradient=True)


def as_printed(case: Cases) -> Iterator[Comparison | Differs]:
    yield from square_as_printed(case)


for claim in CLAIMS:
    if claim.kind == "definition":
        not_applicable(claim.id, "a definition states nothing to measure", witness="torch")
    elif claim.expects == "refuted":
        torch_witness(claim.id, no_gradient="a printed form has no code")(as_printed)
    elif claim.id not in ("bad.torch", "bad.missing"):
        torch_witness(claim.id)(with_gradient)


@torch_witness("bad.torch")
def _(case: Cases) -> Iterator[Comparison]:
    yield Comparison("square", 9.0, 9.0)
    yield Comparison("d/da", -6.0, 6.0, gradient=True)
