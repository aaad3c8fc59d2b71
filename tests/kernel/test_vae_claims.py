"""The claims of the VAE and one-step chapters: verdicts, mutants, and what happens when a proof is tampered with."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import sympy as sp

import derivations
from derivations.kernel.claims import Chain, Claim, Line, Proof
from derivations.kernel.domain import CLOSED_UNIT, NONZERO, Domain
from derivations.kernel.judge import Judge
from derivations.kernel.verdict import Proved, Refuted, Undecided
from derivations.refutation.vacuity import needs

PROVED = (
    "gaussian.kl.nonnegative",
    "vae.mle.kl_equivalence",
    "vae.elbo.definition",
    "vae.elbo.joint_form",
    "vae.elbo.decomposition",
    "vae.elbo.lower_bound",
    "vae.elbo.tightness",
    "gaussian.kl.full_covariance",
    "gaussian.kl.diagonal_to_standard",
    "gaussian.kl.isotropic",
    "gaussian.kl.gradients",
    "vae.decoder.gaussian",
    "vae.decoder.bernoulli",
    "vae.elbo.gaussian",
    "vae.reparameterization.location_scale",
    "vae.reparameterization.expectation",
    "vae.reparameterization.gradient",
    "onestep.elbo",
    "onestep.loss.equivalence",
)
REFUTED = ("vae.elbo.gaussian_reparam.notes_display",)
ALL = (*PROVED, *REFUTED)
PROOF_ONLY = Judge(derivations.claims())  # replays derivations and never looks for a counterexample


def claim(claim_id: str) -> Claim:
    return derivations.claims()[claim_id]


# --- every claim ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim_id", PROVED)
def test_every_statement_is_proved(claim_id):
    judgement = derivations.judge(claim_id)
    assert isinstance(judgement.verdict, Proved), judgement.verdict
    assert len(judgement.parts) == len(claim(claim_id).says)
    assert all(isinstance(part.verdict, Proved) for part in judgement.parts)


@pytest.mark.parametrize("claim_id", PROVED)
def test_chains_run_from_the_left_side_to_the_right_side(claim_id):
    for statement, part in zip(claim(claim_id).says, derivations.judge(claim_id).parts, strict=True):
        assert part.steps[0].expression == statement.lhs and part.steps[0].rule == ""
        assert part.steps[-1].expression == statement.rhs
        assert all(step.rule for step in part.steps[1:])


@pytest.mark.parametrize("claim_id", ALL)
def test_claims_say_where_they_come_from_and_what_they_mean(claim_id):
    c = claim(claim_id)
    assert re.fullmatch("[0-9A-Z]{4}", c.tag)
    assert c.title and c.scope and c.sources and c.chapter and len(c.words) > 60
    assert c.latex() and c.text()


def test_chapters_come_in_the_order_of_the_journey():
    order = [claim_id for claim_id in derivations.claims() if claim_id in ALL]
    assert order.index("gaussian.kl.nonnegative") < order.index("vae.elbo.definition")
    assert order.index("vae.elbo.definition") < order.index("vae.elbo.decomposition")
    assert order.index("gaussian.kl.diagonal_to_standard") < order.index("vae.elbo.gaussian")
    assert order.index("vae.reparameterization.gradient") < order.index("onestep.elbo")


# --- tampering --------------------------------------------------------------------------------------------------------


def tampered(c: Claim, part: int, number: int) -> Claim:
    """The one statement (after those above it, if it uses them), with 1 added to one line of its chain."""
    (chain,) = c.proofs[part].chains
    changed = Chain()
    changed.lines = [
        Line(old.expression + 1, old.relation, old.rule, old.why) if n == number else old
        for n, old in enumerate(chain.lines)
    ]
    proof = Proof((changed,), None, sp.S.One)
    if any("above" in line.rule.name for line in chain.lines):
        return replace(c, says=c.says[: part + 1], proofs={**c.proofs, part: proof})
    return replace(c, says=(c.says[part],), proofs={0: proof})


INNER_LINES = [
    (claim_id, part, number)
    for claim_id in PROVED
    for part, proof in derivations.claims()[claim_id].proofs.items()
    for number in range(1, len(proof.chains[0].lines) - 1)
    if isinstance(proof.chains[0].lines[number].expression, sp.Expr)
]


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("claim_id", "part", "number"), INNER_LINES)
def test_one_wrong_line_fails_at_that_very_line(claim_id, part, number):
    report = PROOF_ONLY.judge(tampered(claim(claim_id), part, number)).parts[-1]
    assert isinstance(report.verdict, Undecided)
    assert [bool(step.verdict) for step in report.steps] == [True] * number + [False]


def test_a_last_line_that_is_not_the_right_side_proves_nothing():
    c = claim("vae.elbo.decomposition")
    (chain,) = c.proofs[0].chains
    short = Chain()
    short.lines = chain.lines[:-1]
    part = PROOF_ONLY.judge(replace(c, proofs={0: Proof((short,), None, sp.S.One)})).parts[0]
    assert part.verdict == Undecided("the last line is not the statement's right side")


# --- what the proofs rest on ------------------------------------------------------------------------------------------


def test_only_the_pathwise_gradient_rests_on_an_assumption():
    resting = {claim_id: derivations.judge(claim_id).assumptions for claim_id in PROVED}
    assert {claim_id for claim_id, assumed in resting.items() if assumed} == {"vae.reparameterization.gradient"}
    assert resting["vae.reparameterization.gradient"] == ("derivative under the expectation",)


def test_the_gradient_needs_its_hypothesis():
    c = claim("vae.reparameterization.gradient")
    part = PROOF_ONLY.judge(replace(c, hypotheses=c.hypotheses[:1])).parts[0]
    assert "has a derivative: declare the hypothesis 'interchange'" in part.verdict.reason


def test_uses_are_read_off_the_proofs():
    assert set(derivations.judge("vae.elbo.lower_bound").uses) == {"vae.elbo.decomposition", "gaussian.kl.nonnegative"}
    assert set(derivations.judge("vae.elbo.gaussian").uses) == {
        "vae.decoder.gaussian",
        "gaussian.kl.diagonal_to_standard",
    }
    assert derivations.judge("gaussian.kl.nonnegative").uses == ()


def test_the_bound_by_jensen_does_not_need_the_bound_by_divergence():
    by_divergence, by_jensen = derivations.judge("vae.elbo.lower_bound").parts
    assert {s.rule for s in by_divergence.steps} >= {"Gibbs"}
    assert {s.rule for s in by_jensen.steps} >= {"Jensen", "mass of an importance weight"}
    assert not [u for s in by_jensen.steps for u in s.uses]


def test_the_second_route_to_the_full_covariance_uses_no_trace_rule():
    for size, part in zip((1, 2, 3), derivations.judge("gaussian.kl.full_covariance").parts[2:], strict=True):
        rules = " ".join(s.rule for s in part.steps)
        assert "trace algebra" not in rules and "cofactors" in rules
        assert part.statement.domain.sizes == {"Sigma_p": size, "Sigma_q": size}


def test_entries_of_a_matrix_without_a_size_do_not_exist():
    c = claim("gaussian.kl.full_covariance")
    says = tuple(replace(s, domain=Domain()) if n == 3 else s for n, s in enumerate(c.says))
    part = PROOF_ONLY.judge(replace(c, says=says)).parts[3]
    assert not part.verdict and "no numeric size" in part.verdict.reason


# --- conditions that matter -------------------------------------------------------------------------------------------


def with_interval(c: Claim, name: str, interval) -> Claim:
    return replace(c, domain=replace(c.domain, intervals={**c.domain.intervals, name: interval}))


def test_a_spread_of_unknown_sign_is_refused():
    verdict = PROOF_ONLY.judge(with_interval(claim("vae.decoder.gaussian"), "sigma_x", NONZERO)).verdict
    assert not verdict and "sigma_x" in verdict.reason


@pytest.mark.parametrize("claim_id", ["onestep.elbo", "onestep.loss.equivalence"])
def test_the_ends_of_the_noise_level_are_refused(claim_id):
    assert not PROOF_ONLY.judge(with_interval(claim(claim_id), "alpha_one", CLOSED_UNIT)).verdict


def test_the_loss_orders_networks_only_while_its_factor_is_positive():
    c = claim("onestep.loss.equivalence")
    factor = replace(c, says=c.says[2:3], proofs={})
    rows = {need.what for need in needs(factor) if need.needed}
    assert {"alpha_one != 0", "alpha_one != 1", "sigma_x != 0"} <= rows


# --- the misprint -----------------------------------------------------------------------------------------------------


def test_the_misprinted_display_is_refuted_with_its_own_numbers():
    c = claim("vae.elbo.gaussian_reparam.notes_display")
    verdict = derivations.judge(c).verdict
    assert isinstance(verdict, Refuted)
    witness = verdict.witness
    assert dict(witness.values) == {"k": "2", "d": "1", "mu": "(0, 0)", "std": "(1, 1)"}
    assert float(witness.lhs) == 0 and abs(float(witness.rhs) - 0.0986) < 5e-5
    assert c.errata == ("N2",) and derivations.prove(c.corrected_by)


def test_the_misprint_fails_for_one_coordinate_too():
    c = replace(claim("vae.elbo.gaussian_reparam.notes_display"), worlds=())
    assert isinstance(derivations.judge(replace(c, id="as printed, at other points")).verdict, Refuted)
