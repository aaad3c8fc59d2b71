"""E|x|^2 is not |E x|^2: the spread is lost."""

from derivations.notation import integrable, q, z
from derivations.rules import Expect, Mean, Norm2, vector_linearity

m = Mean(q(z))

CLAIM = dict(says=(Expect(q(z), Norm2(z)), "=", Norm2(m)), hypotheses=(integrable,))
RIGHT = dict(says=(Expect(q(z), Norm2(z)), "=", Expect(q(z), Norm2(z - m)) + Norm2(m)), hypotheses=(integrable,))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(q(z), Norm2(z)))
    line(Norm2(m), by=vector_linearity)


def right(line):
    line(Expect(q(z), Norm2(z)))
    line(Expect(q(z), Norm2(z - m)) + Norm2(m), by=vector_linearity)
