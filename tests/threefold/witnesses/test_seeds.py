"""Every witness agrees at every seed: half of them at a new one in each short run, all at 200 in the long one."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import pytest

from derivations import claims
from threefold.witnesses import registry
from threefold.witnesses.evidence import Evidence

KINDS = ("numeric", "torch")
SEEDS = 200


@cache
def loaded(kind: Any) -> registry.Registry:
    return registry.load(kind, claims())


def problems(kind: str, claim: str, seed: int) -> tuple[str, ...]:
    found = loaded(kind).testify(claim, seed=seed, expects=claims()[claim].expects)
    return found.problems if isinstance(found, Evidence) else ()


def sources_of(kind: str, claim: str) -> list[Any]:
    """Where the witness of a claim draws its cases from."""
    function: Any = getattr(loaded(kind).entry(claim), "function", None)
    return [source for source, _ in getattr(function, "runs", ())]


@pytest.mark.sampled(6)
@pytest.mark.parametrize("claim", claims())
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_seed_agrees(kind: str, claim: str) -> None:
    seed = int(os.environ["THREEFOLD_SEED"])
    assert not problems(kind, claim, seed), f"threefold verify {claim} --witness {kind} --seed {seed}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_edge_is_drawn_at_every_seed(kind: str) -> None:
    """An edge that most seeds reach fails the witness at the others: drawing alone is cheap enough to ask many."""
    first = int(os.environ["THREEFOLD_SEED"])
    sources = {repr(source): source for name in loaded(kind).ids() for source in sources_of(kind, name)}
    assert len(sources) > 20
    for name, source in sources.items():
        for seed in range(first, first + 10):
            reached: set[str] = set()
            for drawn in source.draw(registry.Cases.seeded(seed, "edges", kind)):
                reached |= drawn.edges
            assert reached >= set(source.must), f"{name} at seed {seed} misses {set(source.must) - reached}"


@pytest.mark.long
@pytest.mark.parametrize("claim", claims())
@pytest.mark.parametrize("kind", KINDS)
def test_every_seed_agrees(kind: str, claim: str) -> None:
    failing = {seed: found for seed in range(SEEDS) if (found := problems(kind, claim, seed))}
    assert not failing, f"threefold verify {claim} --witness {kind} --seed {min(failing)}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_statement_is_measured_or_excused(kind: str) -> None:
    for name, claim in claims().items():
        entry = loaded(kind).entry(name)
        assert entry is not None, f"{name} has no {kind} witness"
        assert getattr(entry, "statements", len(claim.statements)) == len(claim.statements)


def test_no_statement_is_excused_by_both_witnesses() -> None:
    """What no witness can measure would not be measured at all; today there is no such statement."""
    for name, claim in claims().items():
        excused = [set(getattr(loaded(kind).entry(name), "excused", range(len(claim.statements)))) for kind in KINDS]
        assert not set.intersection(*excused), f"{name}: statements {set.intersection(*excused)} are measured by nobody"


def test_at_most_four_files_and_twenty_lines_a_claim() -> None:
    """A claim costs its chapter, its tag and two witnesses, whose functions are short."""
    import inspect

    from threefold.witnesses.verdict import Registered

    lengths: dict[str, int] = {}
    for kind in KINDS:
        for name in loaded(kind).ids():
            entry = loaded(kind).entry(name)
            if isinstance(entry, Registered):
                runs: Any = entry.function
                lengths[f"{kind} {name}"] = sum(len(inspect.getsource(run).splitlines()) for _, run in runs.runs)
    assert max(lengths.values()) <= 45, max(lengths, key=lambda name: lengths[name])
    assert sum(lengths.values()) / len(lengths) <= 20
