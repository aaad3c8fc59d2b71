"""Exercises on the linear VAE."""

from __future__ import annotations

from derivations.exercises import exercise
from derivations.notation import d, k, obs
from derivations.rules import Apply, Chain, Expect, Norm2, Statement, Trace, moments, trace_algebra
from derivations.vae.linear import SIZES, C, W, b, best_mean, evidence, s2, woodbury

# --- how far the data lie apart ---------------------------------------------------------------------------------------

spread = exercise(
    "linear_vae.spread",
    "How far from the offset the data lie",
    Statement(Expect(evidence, Norm2(obs - b)), "=", Trace(W.T * W, k) + d * s2),
    domain=SIZES,
)


@spread.proves()
def _(line: Chain) -> None:
    line(Expect(evidence, Norm2(obs - b)))
    line(Trace(C, d), by=moments, why="the mean square about the mean is the trace of the covariance")
    line(Trace(W.T * W, k) + d * s2, by=trace_algebra, why="W W^T and W^T W have one trace")


# --- a code, decoded again --------------------------------------------------------------------------------------------

decoded_again = exercise(
    "linear_vae.decoded_again",
    "The mean code, decoded again",
    Statement(Apply(W, best_mean), "=", obs - b - s2 * Apply(C**-1, obs - b)),
    domain=SIZES,
)


@decoded_again.proves()
def _(line: Chain) -> None:
    line(Apply(W, best_mean))
    line(
        obs - b - s2 * Apply(C**-1, obs - b),
        by=[woodbury, trace_algebra],
        why="sigma^2 times the inverse of W W^T + sigma^2 I is what is left of the identity",
    )
