"""The posterior mean with the coefficients of x_0 and x_t exchanged."""

import sympy as sp

from derivations.notation import abar, alpha, mu_tilde, schedule, t, x

a = sp.sqrt(abar(t - 1)) * (1 - alpha(t)) / (1 - abar(t))
b = sp.sqrt(alpha(t)) * (1 - abar(t - 1)) / (1 - abar(t))

CLAIM = dict(says=(mu_tilde(t, x(t), x(0)), "=", b * x(0) + a * x(t)), domain=schedule(2), hypotheses=())
RIGHT = dict(says=(mu_tilde(t, x(t), x(0)), "=", a * x(0) + b * x(t)), domain=schedule(2), hypotheses=())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(mu_tilde(t, x(t), x(0)))
    line(b * x(0) + a * x(t))


def right(line):
    line(mu_tilde(t, x(t), x(0)))
    line(a * x(0) + b * x(t))
