"""A step that rests on a hypothesis or an assumption says so. What each claim assumes, tests/site reads."""

import csv
import os
import random

import pytest

import derivations
from derivations.kernel.claims import TAGS, tags
from derivations.language import claims as module

ASSUMING = ("vae.reparameterization.gradient", "derivative under the expectation")


def test_a_step_by_a_hypothesis_is_shown_as_given():
    claims = derivations.claims().values()
    names = [
        c.id
        for c in claims
        if any("given: " in x.rule.name for p in c.proofs.values() for y in p.chains for x in y.lines)
    ]
    assert len(names) >= 10
    drawn = random.Random(os.environ["THREEFOLD_SEED"]).sample(names, 5)
    steps = [step for name in drawn for part in derivations.judge(name).parts for step in part.steps if step.rule]
    by_hypothesis = [step for step in steps if "given: " in step.rule]
    assert len(by_hypothesis) >= 5
    assert {step.tier for step in by_hypothesis} <= {"given", "assumed"}
    assert all("given: " in step.rule for step in steps if step.tier == "given")


def test_an_assumed_step_is_never_shown_as_decided():
    claim, rule = ASSUMING
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
