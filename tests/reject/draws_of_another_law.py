"""A draw of z has the law of z only where that is supposed; z_1 might be drawn otherwise."""

from derivations.kernel.hypotheses import ASSUMPTIONS
from derivations.notation import integrable, obs, q, z
from derivations.rules import Expect, Hypothesis, draws, one_draw, scalar_function

sample, f = draws("rejected_sample", z, "z"), scalar_function("rejected_f")
ALIKE = Hypothesis("alike draws", ASSUMPTIONS["alike draws"])
SAYS = (Expect(q(sample(1), obs), f(sample(1))), "=", Expect(q(z, obs), f(z)))

CLAIM = dict(says=SAYS, hypotheses=(integrable,))
RIGHT = dict(says=SAYS, hypotheses=(integrable, ALIKE))
FAILS_AT = 2
BECAUSE = "needs the hypothesis 'alike draws'"


def wrong(line):
    line(SAYS[0])
    line(SAYS[2], by=one_draw)


right = wrong
