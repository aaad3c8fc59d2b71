"""Exercises on likelihoods along a flow."""

from __future__ import annotations

from derivations.exercises import exercise
from derivations.notation import d, integrable
from derivations.rules import (
    Chain,
    Div,
    Expect,
    Grad,
    Inner,
    LogDensity,
    Norm2,
    Statement,
    density,
    linearity,
    moments,
    scalar,
    stein,
    vector_calculus,
)
from derivations.sde.fokker_planck import x as state
from derivations.sde.likelihood import law, probe

gain = scalar("gain", "c")

# --- a flow that shrinks evenly ---------------------------------------------------------------------------------------

shrinks = exercise(
    "likelihood.shrinks",
    "What a flow towards the origin does to a log-density",
    Statement(-Div(-gain * state, state), "=", gain * d),
)


@shrinks.proves()
def _(line: Chain) -> None:
    line(-Div(-gain * state, state))
    line(gain * Div(state, state), by=vector_calculus)
    line(gain * d, by=vector_calculus, why="every coordinate of x grows with itself, and with no other")


# --- one probe --------------------------------------------------------------------------------------------------------

estimate = Inner(probe, gain * probe)

one_probe = exercise(
    "likelihood.one_probe",
    "How much one probe scatters for a field that grows evenly",
    Statement(Expect(law, (estimate - gain * d) ** 2), "=", 2 * gain**2 * d),
    hypotheses=(integrable,),
)


@one_probe.proves()
def _(line: Chain) -> None:
    by_score = -Grad(LogDensity(law), probe)  # v, as its score says it
    squared = Norm2(probe)
    line(Expect(law, (estimate - gain * d) ** 2))
    line(Expect(law, (gain * squared - gain * d) ** 2), why="the estimate is c |v|^2")
    line(
        gain**2 * Expect(law, squared**2) - 2 * gain**2 * d * Expect(law, squared) + gain**2 * d**2,
        by=linearity,
    )
    line(gain**2 * Expect(law, squared**2) - gain**2 * d**2, by=moments, why="the mean of |v|^2 is d")
    line(
        gain**2 * Expect(law, squared * Inner(by_score, probe)) - gain**2 * d**2,
        by=(density, vector_calculus),
        why="v is minus its own score",
    )
    line(
        gain**2 * Expect(law, (d + 2) * squared) - gain**2 * d**2,
        by=(stein, vector_calculus),
        why="by parts: the divergence of |v|^2 v is (d + 2) |v|^2",
    )
    line(2 * gain**2 * d, by=moments)
