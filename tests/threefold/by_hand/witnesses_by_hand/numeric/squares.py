"""The square of a sum, measured; most claims of the theory by hand are good here: each is bad in one way only."""

from __future__ import annotations

from collections.abc import Iterator

from theory_by_hand import CLAIMS

from threefold.witnesses.registry import Cases, Comparison, Differs, not_applicable, numeric

FAILING = ("bad.numeric", "bad.missing")


def square_of_a_sum(case: Cases) -> Iterator[Comparison]:
    for _ in range(case.n):
        a, b = case.rng.normal(size=2)
        yield Comparison("square", (a + b) ** 2, a * a + 2 * a * b + b * b, scale=a * a + b * b)


def square_as_printed(case: Cases) -> Iterator[Comparison | Differs]:
    yield from square_of_a_sum(case)
    yield Differs("printed", 1.0**2 + 2.0**2, (1.0 + 2.0) ** 2)


for claim in CLAIMS:
    if claim.kind == "definition":
        not_applicable(claim.id, "a definition states nothing to measure", witness="numeric")
    elif claim.id not in FAILING:
        witness = square_of_a_sum if claim.expects == "proved" else square_as_printed
        numeric(claim.id, method="multiplying out in floating point", tolerance=1e-12)(witness)


@numeric("bad.numeric", method="forgetting the middle term")
def _(case: Cases) -> Iterator[Comparison]:
    yield Comparison("square", 9.0, 5.0)
