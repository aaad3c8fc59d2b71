"""An earlier claim holds for the numbers of its domain: those between the ends, and the ends that belong to it."""

from __future__ import annotations

from itertools import product

import pytest
import sympy as sp
from attack import Attack, proved_lemma

from derivations.kernel.domain import Domain, Interval
from derivations.rules import algebra, by_claim, scalar, scalar_function

a, c, f = scalar("lemma_a"), scalar("lemma_c"), scalar_function("lemma_f")
ENDS = [(-2, 1), (1, 3), (-3, -1), (0, 2), (-2, 0), (1, sp.oo), (-1, sp.oo), (-sp.oo, -1), (-sp.oo, 1), (-sp.oo, sp.oo)]
VALUES = [sp.Rational(n, 2) for n in range(-7, 8)]


@pytest.mark.parametrize(("lo", "hi"), ENDS)
def test_a_number_is_put_into_a_lemma_exactly_where_the_lemma_holds(lo, hi):
    ways_lo, ways_hi = ((True,) if abs(end) == sp.oo else (True, False) for end in (lo, hi))
    for open_lo, open_hi, nonzero in product(ways_lo, ways_hi, (True, False)):
        interval = Interval(lo, hi, open_lo, open_hi, nonzero)
        lemma = proved_lemma("L", f(a) + 1, 1 + f(a), algebra, Domain({"lemma_a": interval}))
        for value in VALUES:
            used = Attack(f(value) + 1, 1 + f(value), by_claim("L", at={a: value}), lemmas=(lemma,))
            assert bool(used.verdict()) is interval.contains(value), (interval, value)


WIDER = [
    (Interval(2, open_lo=False), Interval(3), Interval(-2)),
    (Interval(2, open_lo=False), Interval(2), Interval(hi=2, open_hi=False)),
    (Interval(hi=-2, open_hi=False), Interval(hi=-3), Interval(hi=2)),
    (Interval(1, 3), Interval(sp.Rational(3, 2), 2, False, True), Interval(-1, 3)),
    (Interval(1, 3), Interval(2, 3), Interval(2, 3, True, False)),
    (Interval(-3, -1), Interval(-3, -2), Interval(-3, -2, False, True)),
]


@pytest.mark.parametrize(("lemma_holds", "inside", "outside"), WIDER)
def test_a_symbol_is_put_into_a_lemma_where_all_its_values_may_be(lemma_holds, inside, outside):
    lemma = proved_lemma("L", f(a) + 1, 1 + f(a), algebra, Domain({"lemma_a": lemma_holds}))
    for interval, known in ((inside, True), (outside, False)):
        domain = Domain({"lemma_c": interval})
        used = Attack(f(c) + 1, 1 + f(c), by_claim("L", at={a: c}), domain, lemmas=(lemma,))
        assert bool(used.verdict()) is known, interval
