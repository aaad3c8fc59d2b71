"""An inequality rests on f(n) = 0 for n = 1..T; it is used as if it spoke of any number in the place of f(1)."""

import sympy as sp

from derivations.rules import Domain, Hypothesis, given, ordered_by, positivity, scalar, scalar_function

f, a = scalar_function("rejected_f"), scalar("a")
n, T = sp.Symbol("rejected_n", integer=True), sp.Symbol("T", integer=True, positive=True)
flat = Hypothesis("flat", "f is 0 from 1 to T", f(n), sp.S.Zero, {n: (1, T)})
DOMAIN = Domain(indices={T: (1, sp.oo)})

CLAIM = dict(says=(a, "<=", sp.S.Zero), domain=DOMAIN, hypotheses=(flat,))
RIGHT = dict(says=(f(1) + a, "<=", a), domain=DOMAIN, hypotheses=(flat,))
FAILS_AT = 2
BECAUSE = "which is about this rejected_f(1) and no other"


def wrong(line):
    line(a)
    line.le(sp.S.Zero, by=ordered_by("flat", at={f(1): a}))


def right(line):
    line(f(1) + a)
    line.le(a, by=ordered_by("flat"))


def derive_flat(line):
    line(f(1))
    line.le(sp.S.Zero, by=[given(flat, rejected_n=1), positivity])


LEMMAS = {"flat": (dict(says=(f(1), "<=", sp.S.Zero), domain=DOMAIN, hypotheses=(flat,)), derive_flat)}
