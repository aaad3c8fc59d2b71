"""Two definitions of one network that differ: the line names the other, and neither is blamed.

It is one only if the other is proved to be what the chain makes of the same network: a choice between two
parameterisations is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from derivations import notation as N
from derivations.rules import algebra
from threefold.check.admissible import Found, answer, goals_of
from threefold.check.goals import attempt
from threefold.check.refuting import fails
from threefold.check.substitutions import as_field, canonical
from threefold.check.tasks import Answer, Task


def contradiction(task: Task, found: Sequence[Found]) -> Answer | None:
    """The verdict on a parameterisation that another line of the document contradicts."""
    reading, context, settings = found[0]
    if reading.guesses or context.name != "ddpm" or reading.lhs != N.mu_theta(N.x(N.t), N.t):
        return None
    goal, mine = goals_of(reading, context, settings)[0], canonical(reading.rhs)
    for rival in task.rivals:
        other = as_field(context, settings, task.definitions, rival)
        if other is None or mine is None or canonical(other) != mine:
            continue
        if attempt(goal.at(other, mine), [algebra]) is None:
            continue
        witness = fails(goal.at(reading.rhs, other), lambda e: e)
        if witness is not None:
            words = f"line {rival.line} defines it otherwise, and is what the chain makes of the network"
            made = answer(
                "contradiction", reading, words, at=tuple(witness.values), left=witness.lhs, right=witness.rhs
            )
            return replace(made, uses=(*made.uses, rival.line))
    return None
