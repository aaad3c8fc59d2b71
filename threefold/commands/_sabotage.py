"""What `threefold verify --sabotage` does: mistakes on purpose for each measuring witness, counted and named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from threefold import pool, render, theory
from threefold.errors import Unusable
from threefold.output import Output
from threefold.theory import Setting
from threefold.witnesses import registry
from threefold.witnesses.evidence import Kind

if TYPE_CHECKING:
    from threefold.witnesses.sabotage import Sabotage

GOALS: dict[str, float] = {"numeric": 0.95, "torch": 0.9}  # shares that each kind of witness is to catch, all together
TIME_LIMIT = 900.0  # seconds for one witness of one claim


@dataclass(frozen=True)
class Task:
    """One witness of one claim, in a worker process."""

    claim: str
    kind: Kind
    seed: int


def sabotage(
    ids: Sequence[str], setting: Setting, *, kinds: Sequence[str], seed: int, jobs: int, out: Output | None
) -> bool:
    """Give mistakes to the measuring witnesses of these claims, print what they caught; True if the goals are met.

    Raises Unusable for claims of a file: mistakes are made in those of the library and in the code they name.
    """
    if setting != Setting():
        raise Unusable("--sabotage makes mistakes in the claims of the library; leave out the file")
    asked = [kind for kind in ("numeric", "torch") if kind in kinds]
    if not asked:
        raise Unusable("--sabotage is for the measuring witnesses; ask for numeric, torch or both")
    tasks = [Task(claim, kind, seed) for kind in asked for claim in ids]  # type: ignore[arg-type]  # of the two kinds
    found, lost = [], []
    with render.progress(len(tasks), "Making mistakes") as advance:
        for done in pool.run(answer, tasks, jobs=jobs, limit=TIME_LIMIT, prepare=_prepare):
            if isinstance(done.result, pool.Failed):
                lost.append(f"{done.task.claim} · {done.task.kind}: {done.result.reason}")
            else:
                found.append(done.result)
            advance(f"{done.task.claim} · {done.task.kind}")
    found.sort(key=lambda one: (asked.index(one.witness), ids.index(one.claim)))
    _print(found, lost)
    if out is not None:
        out.write(json.dumps({"schema": 1, "seed": seed, "sabotage": [_row(one) for one in found]}, indent=1) + "\n")
    return not lost and all(_rate([one for one in found if one.witness == kind]) >= GOALS[kind] for kind in asked)


def answer(task: Task) -> Sabotage:
    """What one witness caught; runs in a worker process."""
    from threefold.witnesses import sabotage as engine

    made = registry.load(task.kind, theory.load(Setting()).claims())
    run = engine.statements if task.kind == "numeric" else engine.code
    return run(task.claim, made, seed=task.seed)


def _prepare() -> None:
    for kind in GOALS:
        registry.load(kind, theory.load(Setting()).claims())  # type: ignore[arg-type]  # of the two kinds


def _row(one: Sabotage) -> dict[str, Any]:
    return asdict(one) | {"survivors": list(one.survivors)}


def _rate(found: Sequence[Sabotage]) -> float:
    total = sum(one.total for one in found)
    return sum(one.caught for one in found) / total if total else 1.0


def _print(found: Sequence[Sabotage], lost: Sequence[str]) -> None:
    screen = render.console()
    for one in found:
        if one.total:
            screen.print(f"{one.witness:8} {one.claim:42} caught {one.caught} of {one.total}", highlight=False)
        for name in one.survivors:
            screen.print(f"         survives: {name}", highlight=False, markup=False)
    for name in lost:
        screen.print(f"not done: {name}", highlight=False, markup=False)
    for kind, goal in GOALS.items():
        ours = [one for one in found if one.witness == kind]
        if ours:
            total, caught = sum(one.total for one in ours), sum(one.caught for one in ours)
            screen.print(f"{kind}: {caught} of {total} mistakes caught, {_rate(ours):.1%} (goal {goal:.0%}).")
