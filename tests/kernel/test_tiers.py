"""The kinds of certainty, weakest last: a step is as sure as the weakest rule in it, and says so."""

from __future__ import annotations

import derivations
from derivations.kernel.rules.base import TIERS, algebra, in_order
from derivations.notation import integrable
from derivations.rules import bayes, given, linearity


def steps():
    for name in derivations.claims():
        for part in derivations.judge(name).parts:
            yield from (step for step in part.steps if step.rule)


def test_the_tiers_go_from_the_surest_to_what_is_granted():
    assert TIERS == ("decided", "law", "given", "assumed")


def test_a_step_by_a_hypothesis_is_given_and_never_decided():
    by_hypothesis = [step for step in steps() if "given: " in step.rule]
    assert len(by_hypothesis) >= 10
    assert {step.tier for step in by_hypothesis} <= {"given", "assumed"}
    assert all("given: " in step.rule for step in steps() if step.tier == "given")


def test_several_rules_in_one_step_are_as_sure_as_the_weakest():
    hypothesis = given(integrable)
    assert algebra.tier == "decided" and bayes.tier == "law" and hypothesis.tier == "given"
    assert in_order([hypothesis, algebra]).tier == "given"
    assert in_order([linearity, hypothesis, algebra]).tier == "given"
    assert in_order([algebra, bayes]).tier == "law"
