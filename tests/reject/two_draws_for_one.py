"""Two draws are not one: E f(z_1) f(z_2) is not E f(z)^2, not even where each has the law of z."""

from derivations.kernel.hypotheses import ASSUMPTIONS
from derivations.notation import integrable, obs, q, z
from derivations.rules import Block, Expect, Hypothesis, draws, one_draw, scalar_function, tower

sample, f = draws("rejected_pair", z, "z"), scalar_function("rejected_f")
ALIKE = Hypothesis("alike draws", ASSUMPTIONS["alike draws"])
PAIR = q(Block(sample, 1, 2), obs)

CLAIM = dict(says=(Expect(PAIR, f(sample(1)) * f(sample(2))), "=", Expect(q(z, obs), f(z) ** 2)))
RIGHT = dict(says=(Expect(PAIR, f(sample(1)) ** 2), "=", Expect(q(z, obs), f(z) ** 2)))
CLAIM["hypotheses"] = RIGHT["hypotheses"] = (integrable, ALIKE)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(CLAIM["says"][0])
    line(CLAIM["says"][2], by=[tower, one_draw])


def right(line):
    line(RIGHT["says"][0])
    line(RIGHT["says"][2], by=[tower, one_draw])
