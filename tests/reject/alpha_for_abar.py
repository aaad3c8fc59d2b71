"""The variance after t steps with alpha_t where abar_t belongs."""

from derivations.notation import abar, alpha, schedule, t

CLAIM = dict(says=(alpha(t) * (1 - abar(t - 1)) + 1 - alpha(t), "=", 1 - alpha(t)), domain=schedule(2), hypotheses=())
RIGHT = dict(says=(alpha(t) * (1 - abar(t - 1)) + 1 - alpha(t), "=", 1 - abar(t)), domain=schedule(2), hypotheses=())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(alpha(t) * (1 - abar(t - 1)) + 1 - alpha(t))
    line(1 - alpha(t))


def right(line):
    line(alpha(t) * (1 - abar(t - 1)) + 1 - alpha(t))
    line(1 - abar(t))
