"""The score chapter: statements proved, steps with their shadows, no mutant survives, hypotheses that are needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import derivations
from derivations.kernel.claims import Claim
from derivations.kernel.verdict import Proved, Undecided

PROVED = (
    "score.partition_function",
    "score.conditional_gaussian",
    "score.moments",
    "score.fisher_identity",
    "score.marginal_identity",
    "score.tweedie",
    "regression.pythagoras",
    "score.dsm.theorem",
    "score.dsm.constant",
    "score.implicit_matching",
    "score.eps_relation",
    "score.lsimple_dsm",
    "guidance.classifier",
    "guidance.classifier.exponential_tilt",
    "guidance.classifier_free.tilted_score",
    "guidance.classifier_free",
    "score.noise_ladder",
    "score.off_support",
    "score.langevin",
)


def claim(claim_id: str) -> Claim:
    return derivations.claims()[claim_id]


def test_these_are_all_the_claims_of_the_score_chapter():
    named = {name for name in derivations.claims() if name.startswith(("score.", "regression.", "guidance.classifier"))}
    assert named - {"guidance.classifier_free.tilted_density"} == set(PROVED)


@pytest.mark.parametrize("claim_id", PROVED)
def test_every_statement_is_proved_and_every_step_compared_in_eight_worlds(claim_id):
    judgement = derivations.judge(claim_id)
    assert all(isinstance(part.verdict, Proved) for part in judgement.parts), judgement.verdict
    assert len(judgement.parts) == len(claim(claim_id).says)
    assert judgement.shadow.full == len(judgement.shadow.steps), judgement.shadow.without


@pytest.mark.parametrize("claim_id", [name for name in PROVED if claim(name).hypotheses])
def test_without_a_hypothesis_the_kernel_does_not_prove_it(claim_id):
    whole = claim(claim_id)
    for lost in whole.hypotheses:
        kept = tuple(h for h in whole.hypotheses if h is not lost)
        changed = replace(whole, id=f"{claim_id}.less", hypotheses=kept)
        verdict = derivations.judge(changed).verdict
        assert not isinstance(verdict, Proved), lost.name
        if lost.lhs is None:
            assert isinstance(verdict, Undecided)


def test_the_flux_at_an_end_is_what_hyvarinens_identity_loses():
    """The exponential law on [0, oo) ends at 0 with density 1: s = c has the flux c there, and s = c x has none."""
    x, weights = np.polynomial.laguerre.laggauss(8)
    score, c = -1.0, 0.75
    for field, divergence, lost in ((c + 0 * x, 0.0, c), (c * x, c, 0.0)):
        left = weights @ (field - score) ** 2 / 2
        right = weights @ (field**2 / 2 + divergence) + score**2 / 2
        assert left - right == pytest.approx(lost, abs=1e-12)
