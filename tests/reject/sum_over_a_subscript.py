"""sigma_t is written as one symbol, and summed over t as if it were T equal numbers."""

import sympy as sp

from derivations.notation import T, t
from derivations.rules import REAL, Domain, SumTo, algebra, scalar, scalar_function

sigma_t, sigma = scalar("sigma_t", r"\sigma_t"), scalar_function("sigma_of")
domain = Domain({"sigma_t": REAL, "sigma_of": REAL}, {T: (1, sp.oo)})

CLAIM = dict(says=(SumTo(sigma_t, t, 1, T), "=", T * sigma_t), domain=domain)
RIGHT = dict(says=(SumTo(2 * sigma(t), t, 1, T), "=", 2 * SumTo(sigma(t), t, 1, T)), domain=domain)
FAILS_AT = 0
BECAUSE = "make it an argument"


def wrong(line):
    line(SumTo(sigma_t, t, 1, T))
    line(T * sigma_t, by=algebra)


def right(line):
    line(SumTo(2 * sigma(t), t, 1, T))
    line(2 * SumTo(sigma(t), t, 1, T), by=algebra)
