"""Every assumption that a proof makes is on this list, by the name of the rule and the claim that makes it."""

import csv

import derivations
from derivations.kernel.claims import TAGS, tags

ALLOWED = {
    # The law of the noise is fixed and f, mu, sigma are smooth: the derivative passes under the expectation.
    ("vae.reparameterization.gradient", "derivative under the expectation"),
}


def test_assumptions_are_exactly_those_allowed():
    made = {(claim, rule) for claim in derivations.claims() for rule in derivations.judge(claim).assumptions}
    assert made == ALLOWED


def test_an_assumed_step_is_never_shown_as_decided():
    (claim, rule) = next(iter(ALLOWED))
    steps = [s for part in derivations.judge(claim).parts for s in part.steps if s.rule == rule]
    assert steps
    assert all(step.tier == "assumed" for step in steps)


def test_every_claim_has_a_tag_of_its_own():
    assert set(derivations.claims()) <= set(tags())
    with TAGS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(len(row["tag"]) == 4 for row in rows)
    assert next(row["tag"] for row in rows if row["id"] == "ddpm.posterior.mean") == "0A07"


def test_no_claim_rests_on_itself():
    for claim in derivations.claims():
        waiting, seen = list(derivations.judge(claim).uses), set()
        while waiting:
            used = waiting.pop()
            assert used != claim
            if used not in seen:
                seen.add(used)
                waiting += derivations.judge(used).uses
