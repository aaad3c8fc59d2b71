"""A derivation that ends somewhere else than the statement does."""

from derivations.notation import alpha, beta, schedule, t

CLAIM = dict(says=(alpha(t), "=", beta(t)), domain=schedule())
RIGHT = dict(says=(alpha(t), "=", 1 - beta(t)), domain=schedule())
FAILS_AT = 0
BECAUSE = "last line"


def wrong(line):
    line(alpha(t))
    line(1 - beta(t))


def right(line):
    line(alpha(t))
    line(1 - beta(t))
