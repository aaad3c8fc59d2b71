"""Every row of a derivation says something that the row above it does not, and why it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import pytest
import sympy as sp

import derivations
from derivations.kernel.terms import DefinedFunction
from derivations.rules import Chain, Claim, above, algebra, define, definition, scalar

# A computation that no law names, so that only words can say what happened in it.
COMPUTATION = {"algebra", "definition"}


def _everything() -> Iterator[Claim]:
    yield from derivations.claims().values()
    yield from derivations.exercises().values()


def _idle() -> Iterator[str]:
    """Where a row of three or more is what the one above it is. Two that are one say that both sides are the same."""
    for claim in _everything():
        for part, proof in claim.proofs.items():
            for chain in proof.chains:
                for number, (before, row) in enumerate(pairwise(chain.lines), start=1):
                    if len(chain.lines) > 2 and row.relation == "=" and before.expression == row.expression:
                        yield f"{claim.id}, statement {part + 1}, step {number}"


def test_no_row_says_what_the_row_above_says() -> None:
    assert list(_idle()) == []


def _abbreviations(expression: Any) -> set[str]:
    return {type(node).__name__ for node in sp.preorder_traversal(expression) if isinstance(node, DefinedFunction)}


def _unexplained(chain: Chain) -> Iterator[int]:
    """The steps by algebra or definition without a reason, in which no abbreviation comes or goes that names one."""
    for number, (before, row) in enumerate(pairwise(chain.lines), start=1):
        rules = set(row.rule.name.split(", "))
        named = "definition" in rules and _abbreviations(before.expression) != _abbreviations(row.expression)
        if rules <= COMPUTATION and not row.why.strip() and not named:
            yield number


def _silent(claims: Iterable[Claim]) -> Iterator[str]:
    for claim in claims:
        for part, proof in claim.proofs.items():
            for chain in proof.chains:
                yield from (f"{claim.id}, statement {part + 1}, step {number}" for number in _unexplained(chain))


def test_every_computation_says_what_happened() -> None:
    assert list(_silent(_everything())) == []


def test_no_reason_is_a_single_empty_word() -> None:
    empty = {"algebra", "definition", "simplify", "rearrange", "by definition", "by algebra", "collect", "expand"}
    assert [
        f"{claim.id}: {row.why}"
        for claim in _everything()
        for proof in claim.proofs.values()
        for chain in proof.chains
        for row in chain.lines
        if row.why.strip().lower() in empty
    ] == []


a, b = scalar("a"), scalar("b")
doubled = define("doubled_for_rows", "D", lambda n: 2 * n, notation=False)


@pytest.mark.parametrize(
    ("start", "end", "by", "why", "found"),
    [
        (a * (a + b), a**2 + a * b, algebra, "", [1]),
        (a * (a + b), a**2 + a * b, algebra, " ", [1]),
        (a * (a + b), a**2 + a * b, [definition, algebra], "", [1]),
        (a * (a + b), a**2 + a * b, algebra, "a goes into the bracket", []),
        (doubled(a) - doubled(b), doubled(a) - 2 * b, definition, "", [1]),  # which D is written out?
        (doubled(a), 2 * a, definition, "", []),  # the site names the abbreviation
        (doubled(a), 2 * a, algebra, "", [1]),
        (a * (a + b), a**2 + a * b, above(), "", []),  # the site names the statement
    ],
)
def test_a_planted_step_is_found_where_nothing_explains_it(
    start: Any, end: Any, by: Any, why: str, found: list[int]
) -> None:
    line = Chain()
    line(start)
    line(end, by=by, why=why)
    assert list(_unexplained(line)) == found
