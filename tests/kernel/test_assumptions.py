"""Every assumption that a proof makes is on this list, by the name of the rule and the claim that makes it."""

import csv

import pytest

import derivations
from derivations.kernel.claims import TAGS, tags
from derivations.language import claims as module

ALLOWED = {
    # Densities and velocities of paths are smooth, and the posteriors behind a noisy point have all moments.
    ("flow.marginal_velocity", "derivative of a mean"),
    ("flow.gaussian_velocity", "derivative of a mean"),
    ("flow.gaussian_velocity", "derivative under the expectation"),
    # The density is smooth and decays with its derivatives, as a density does that noise has smoothed.
    ("sde.fokker_planck", "derivative of a mean"),
    ("sde.fokker_planck", "derivative under the expectation"),
    # The law of the noise is fixed and f, mu, sigma are smooth: the derivative passes under the expectation.
    ("vae.reparameterization.gradient", "derivative under the expectation"),
    # Gaussian noise makes every posterior smooth in x, and its derivatives bounded: they pass under the mean.
    ("score.fisher_identity", "derivative of a mean"),
    ("score.tweedie", "derivative of a mean"),
    # The hypothesis `decay` says that no flux is left at infinity; for a noised law and a field of linear growth so.
    ("score.moments", "integration by parts"),
    ("score.implicit_matching", "integration by parts"),
}


def test_what_every_claim_rests_on():
    """In one test, since every claim is judged for it: assumptions, no circles, and steps by hypotheses are given."""
    judged = {claim: derivations.judge(claim) for claim in derivations.claims()}
    assert {(claim, rule) for claim, judgement in judged.items() for rule in judgement.assumptions} == ALLOWED
    for claim, judgement in judged.items():
        waiting, seen = list(judgement.uses), set()
        while waiting:
            used = waiting.pop()
            assert used != claim
            if used not in seen:
                seen.add(used)
                waiting += judged[used].uses
    steps = [step for judgement in judged.values() for part in judgement.parts for step in part.steps if step.rule]
    by_hypothesis = [step for step in steps if "given: " in step.rule]
    assert len(by_hypothesis) >= 10
    assert {step.tier for step in by_hypothesis} <= {"given", "assumed"}
    assert all("given: " in step.rule for step in steps if step.tier == "given")


def test_an_assumed_step_is_never_shown_as_decided():
    (claim, rule) = next(iter(ALLOWED))
    steps = [s for part in derivations.judge(claim).parts for s in part.steps if rule in s.assumed]
    assert steps
    assert all(step.tier == "assumed" for step in steps)


def test_every_rule_that_a_claim_uses_is_one_of_the_kernels():
    """A chapter could write a rule of its own, and prove anything by it."""
    for claim in derivations.claims().values():
        for proof in claim.proofs.values():
            for line in (line for chain in proof.chains for line in chain.lines):
                for written in (line.rule.rewrite, line.rule.decide):
                    assert written.__module__.startswith("derivations.kernel.rules."), (claim.id, line.rule.name)


def test_a_tag_or_an_id_that_stands_twice_is_refused(tmp_path, monkeypatch):
    table = tmp_path / "tags.csv"
    monkeypatch.setattr(module, "TAGS", table)
    for rows in ("one,0A01\none,0A02", "one,0A01\ntwo,0A01"):
        table.write_text(f"id,tag\n{rows}\n")
        with pytest.raises(ValueError, match="repeats an id or a tag"):
            tags.__wrapped__()


def test_every_claim_has_a_tag_of_its_own():
    assert set(derivations.claims()) <= set(tags())
    with TAGS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(len(row["tag"]) == 4 for row in rows)
    assert next(row["tag"] for row in rows if row["id"] == "ddpm.posterior.mean") == "0A07"
