"""The posterior variance is the variance of the forward step.

Beta_tilde_t = beta_t (1 - abar_{t-1}) / (1 - abar_t) < beta_t.
"""

from derivations.notation import abar, beta, beta_tilde, schedule, t

CLAIM = dict(says=(beta_tilde(t), "=", beta(t)), domain=schedule())
RIGHT = dict(says=(beta_tilde(t), "=", beta(t) * (1 - abar(t - 1)) / (1 - abar(t))), domain=schedule())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(beta_tilde(t))
    line(beta(t))


def right(line):
    line(beta_tilde(t))
    line(beta(t) * (1 - abar(t - 1)) / (1 - abar(t)))
