"""The kinds of certainty, weakest last: a step is as sure as the weakest rule in it, and says so."""

from __future__ import annotations

from derivations.kernel.rules.base import TIERS, algebra, in_order
from derivations.notation import integrable
from derivations.rules import bayes, given, linearity


def test_the_tiers_go_from_the_surest_to_what_is_granted():
    assert TIERS == ("decided", "law", "given", "assumed")


def test_several_rules_in_one_step_are_as_sure_as_the_weakest():
    hypothesis = given(integrable)
    assert algebra.tier == "decided" and bayes.tier == "law" and hypothesis.tier == "given"
    assert in_order([hypothesis, algebra]).tier == "given"
    assert in_order([linearity, hypothesis, algebra]).tier == "given"
    assert in_order([algebra, bayes]).tier == "law"
