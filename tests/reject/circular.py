"""A claim that rests on itself."""

from derivations.notation import alpha, beta, schedule, t
from derivations.rules import by_claim

CLAIM = dict(says=(1 - alpha(t), "=", beta(t)), domain=schedule())
RIGHT = dict(says=(1 - alpha(t), "=", beta(t)), domain=schedule())
FAILS_AT = 2
BECAUSE = "circular"


def wrong(line):
    line(1 - alpha(t))
    line(beta(t), by=by_claim("reject.circular"))


def right(line):
    line(1 - alpha(t))
    line(beta(t))
