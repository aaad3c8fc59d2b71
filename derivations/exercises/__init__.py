"""Exercises: what is asked for and its proof, one module for each page of the site that asks.

An exercise is a claim outside the ledger: it has no tag, no witness that measures it, and nothing may rest on it. Its
own proof may rest on any claim of the library. This package answers like `derivations` itself, so that exercises are
shown, listed and verified by the same commands.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from derivations import library
from derivations.judge.report import Judgement
from derivations.kernel.domain import Domain
from derivations.kernel.hypotheses import Hypothesis
from derivations.language.claims import Claim, Kind, Statement
from derivations.refutation.mutants import MutantReport

FOLDER = Path(__file__).parent


def exercise(
    name: str,
    title: str,
    *says: Statement,
    kind: Kind = "identity",
    domain: Domain | None = None,
    hypotheses: tuple[Hypothesis, ...] = (),
    worlds: tuple[Callable[..., Any], ...] = (),
) -> Claim:
    """An exercise that is yet to be proved. Its id is `exercise.` and `name`: MODULE.EXERCISE."""
    return Claim(
        id=f"exercise.{name}",
        title=title,
        chapter="Exercises",
        kind=kind,
        says=says,
        domain=domain or Domain(),
        hypotheses=hypotheses,
        worlds=worlds,
        scope="all that the domain allows",
        sources=("asked on the page of its chapter",),
    )


@cache
def claims() -> Mapping[str, Claim]:
    """All exercises by id, module by module.

    Raises DuplicateClaim for an id that is taken, here or in the ledger, and EmptyClaim for what says nothing.
    """
    found: dict[str, Claim] = {}
    for path in sorted(FOLDER.glob("[a-z]*.py")):
        module = importlib.import_module(f"{__name__}.{path.stem}")
        for claim in (value for value in vars(module).values() if isinstance(value, Claim)):
            if claim.id in found or claim.id in library.claims():
                raise library.DuplicateClaim(f"{claim.id} is defined twice: rename one of the two")
            if claim.nothing_said:
                raise library.EmptyClaim(f"{claim.id}: {claim.nothing_said}")
            found[claim.id] = claim
    return MappingProxyType(found)


def judge(name: str) -> Judgement:
    """Replay the solution of an exercise, or the derivation of a claim of the library on which it rests."""
    return library.judge(claims().get(name, name))


def judge_mutants(name: str, seed: int = 0) -> MutantReport:
    """What becomes of the statement with one mistake in it; see `derivations.judge_mutants`."""
    return library.judge_mutants(claims()[name], seed)


def errata() -> tuple[()]:
    return ()


def editorial() -> tuple[()]:
    return ()
