"""Sums of independent Gaussians along a chain: members that the domain tells apart are different variables."""

import sympy as sp

from derivations import judge
from derivations.notation import SCHEDULE, T, abar, marginal, s, t, x
from derivations.rules import Claim, Domain, Expect, LogDensity, Normal, Statement, composition


def _claim(indices):
    """x_s is 1/2 x_t plus noise of variance 1: its law, averaged over x_t."""
    averaged = Expect(marginal(t), sp.exp(LogDensity(Normal(x(s), x(t) / 2, 1))))
    merged = sp.exp(LogDensity(Normal(x(s), sp.sqrt(abar(t)) * x(0) / 2, 1 + (1 - abar(t)) / 4)))
    claim = Claim(
        id="test.composed",
        title="",
        chapter="",
        kind="identity",
        says=(Statement(averaged, "=", merged),),
        domain=Domain(SCHEDULE, indices, {"abar": "alpha"}),
        scope="",
        sources=(),
    )

    @claim.proves()
    def _(line):
        line(averaged)
        line(merged, by=composition)

    return claim


def test_an_earlier_member_of_the_chain_is_another_variable():
    assert judge(_claim({T: (2, sp.oo), t: (2, T), s: (1, t - 1)})).verdict


def test_members_that_may_be_the_same_are_not_merged():
    assert not judge(_claim({T: (2, sp.oo), t: (2, T), s: (1, t)})).verdict
