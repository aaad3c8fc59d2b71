"""A step that rests on a claim which is refuted."""

import sympy as sp

from derivations.notation import abar, alpha, eps, mu_tilde, schedule, t, x
from derivations.rules import by_claim

x_t = sp.sqrt(abar(t)) * x(0) + sp.sqrt(1 - abar(t)) * eps
wrong_mean = x_t / sp.sqrt(abar(t)) - (1 - alpha(t)) / sp.sqrt(1 - abar(t)) / sp.sqrt(abar(t)) * eps

CLAIM = dict(says=(mu_tilde(t, x_t, x(0)), "=", wrong_mean), domain=schedule())
FAILS_AT = 2
BECAUSE = "not proved"


def wrong(line):
    line(mu_tilde(t, x_t, x(0)))
    line(wrong_mean, by=by_claim("ddpm.mean.eps_form.notes_display", 1))
