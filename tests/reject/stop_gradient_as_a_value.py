"""The codeword is pulled by both terms of the VQ loss, because a stop-gradient has its argument's value."""

from derivations.rules import (
    POSITIVE,
    Domain,
    Grad,
    Norm2,
    StopGradient,
    scalar,
    stop_gradient,
    vector,
    vector_calculus,
)

z, e, beta = vector("z"), vector("e"), scalar("rejected_beta", r"\beta")
loss = Norm2(StopGradient(z) - e) + beta * Norm2(z - StopGradient(e))
DOMAIN = Domain({"rejected_beta": POSITIVE})

CLAIM = dict(says=(Grad(loss, e), "=", 2 * (1 + beta) * (e - z)), domain=DOMAIN)
RIGHT = dict(says=(Grad(loss, e), "=", 2 * (e - z)), domain=DOMAIN)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Grad(loss, e))
    line(2 * (1 + beta) * (e - z), by=[vector_calculus, stop_gradient])


def right(line):
    line(Grad(loss, e))
    line(2 * (e - z), by=[vector_calculus, stop_gradient])
