"""abar_t is written with the alpha of the step before.

Abar_t = alpha_t abar_{t-1}: the factor has the index of the product.
"""

from derivations.notation import abar, alpha, schedule, t

CLAIM = dict(says=(abar(t), "=", alpha(t - 1) * abar(t - 1)), domain=schedule(2))
RIGHT = dict(says=(abar(t), "=", alpha(t) * abar(t - 1)), domain=schedule())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(abar(t))
    line(alpha(t - 1) * abar(t - 1))


def right(line):
    line(abar(t))
    line(alpha(t) * abar(t - 1))
