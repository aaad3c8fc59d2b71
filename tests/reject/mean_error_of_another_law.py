"""The mean under q is not the best constant under p."""

from derivations.notation import integrable, p, q, z
from derivations.rules import Expect, Inner, Mean, vector, vector_linearity

u = vector("u")
LEFT = Expect(p(z), Inner(z, u))

CLAIM = dict(says=(LEFT, "=", Inner(Mean(q(z)), u)), hypotheses=(integrable,))
RIGHT = dict(says=(LEFT, "=", Inner(Mean(p(z)), u)), hypotheses=(integrable,))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(LEFT)
    line(Inner(Mean(q(z)), u), by=vector_linearity)


def right(line):
    line(LEFT)
    line(Inner(Mean(p(z)), u), by=vector_linearity)
