"""A whole stretch of a flow in one step: the mean velocity, and functions that are constant along the flow."""

from __future__ import annotations

from derivations.rules import (
    POSITIVE,
    REAL,
    Chain,
    Claim,
    D,
    Domain,
    IntegralTo,
    Statement,
    fundamental_theorem,
    integration,
    rate,
    rates,
    scalar,
    smoothness,
    vector_function,
)

time, length, u = scalar("flow_time", "t"), scalar("flow_length", r"\ell", positive=True), scalar("flow_clock", "s")
place, along = vector_function("flow_place", "z"), vector_function("flow_velocity", "v")
network = vector_function("stretch_velocity", "u")
guess = vector_function("mean_guess", "w")  # any function that may be the mean velocity
travelled = IntegralTo(along(time + u), u, 0, length)
mean = travelled / length
moved = IntegralTo(rate(place(time + u)), u, 0, length) / length
here = network(place(time), time)
CLOCK = Domain({"flow_time": REAL, "flow_length": POSITIVE, "flow_clock": REAL})

meanflow = Claim(
    id="meanflow.identity",
    title="The MeanFlow identity: a mean velocity through its own derivative",
    chapter="Flow matching",
    kind="identity",
    says=(
        Statement(
            mean,
            "=",
            along(time + length) - length * D(mean, length),
            name="identity",
            words="the mean velocity is the velocity at the end, less how the mean still changes there",
        ),
        Statement(
            length * guess(length),
            "=",
            IntegralTo(guess(u) + u * rate(guess(u)), u, 0, length),
            name="only",
            words="and no other function does it: whatever gives the velocity back by u + l u' is its mean",
        ),
        Statement(
            D(here, time),
            "=",
            rate(here, 1, rate(place(time))) + rate(here, 2),
            name="derivative",
            words="the change along the flow is a Jacobian-vector product: with the velocity in z, with 1 in time",
        ),
        Statement(
            place(time + length) - length * moved,
            "=",
            place(time),
            name="step",
            words="one step with it goes all the way back",
        ),
    ),
    domain=CLOCK,
    hypotheses=(
        smoothness(along, 0, "the velocity is integrated"),
        smoothness(guess, 1, "a mean velocity is tried with its derivative"),
        smoothness(network, 1, "its derivative along the flow is taken"),
        smoothness(place, 1, "a place on the flow moves"),
    ),
    scope="any dimension d, any velocity that is continuous along the flow, any length l > 0 of time; the velocity is "
    "read along the exact flow",
    sources=("Geng et al. 2025 (MeanFlow), eqs. 4, 6 and 8",),
    words="The integral, which training cannot afford, is gone: what is left are values and one derivative. Leaving "
    "out the part of the derivative through z gives another function.",
)


@meanflow.proves("identity")
def _(line: Chain) -> None:
    line(mean)
    line(
        along(time + length) - length * (along(time + length) / length - travelled / length**2),
        why="add and subtract the velocity at the end: l times the bracket is that velocity less the mean",
    )
    line(
        along(time + length) - length * D(mean, length),
        by=(rates, integration),
        why="the range grows at its end, and the length in the denominator",
    )


@meanflow.proves("only")
def _(line: Chain) -> None:
    line(length * guess(length))
    line(IntegralTo(D(u * guess(u), u), u, 0, length), by=fundamental_theorem, why="at l = 0 nothing is there")
    line(IntegralTo(guess(u) + u * rate(guess(u)), u, 0, length), by=rates)


@meanflow.proves("derivative")
def _(line: Chain) -> None:
    line(D(here, time))
    line(rate(here, 1, rate(place(time))) + rate(here, 2), by=rates)


@meanflow.proves("step")
def _(line: Chain) -> None:
    line(place(time + length) - length * moved)
    line(place(time + length) - IntegralTo(D(place(time + u), u), u, 0, length), by=rates)
    line(place(time), by=fundamental_theorem)
