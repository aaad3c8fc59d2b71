"""The claims of the diffusion chapters: verdicts, mutants, needs, tampering, T = 1, and the errata's own numbers."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
import sympy as sp

import derivations
from derivations.ddpm import elbo, forward, gaussian_elbo, losses, means, posterior, schedule, weighted_losses
from derivations.kernel.claims import TAGS, Chain, Claim, Proof, Statement
from derivations.kernel.definedness import holds
from derivations.kernel.domain import NONNEGATIVE, Domain
from derivations.kernel.judge import Judge, Judgement
from derivations.kernel.verdict import Proved, Refuted, Undecided
from derivations.notation import T, abar, alpha, beta, beta_tilde, forward_markov, t, x
from derivations.notation import schedule as steps_from
from derivations.refutation.evaluate import evaluate
from derivations.refutation.laws import GaussianChain, mp
from derivations.refutation.models import ReverseChain
from derivations.refutation.refute import violation
from derivations.refutation.sampling import sample
from derivations.refutation.worlds import World
from derivations.rules import Rounded, by_claim, definition, induction, interval_arithmetic

PROVED = (
    "ddpm.forward.kernel",
    "ddpm.forward.marginal",
    "ddpm.forward.covariance",
    "ddpm.forward.snr_monotone",
    "ddpm.schedule.linear",
    "ddpm.schedule.abar_values",
    "ddpm.posterior.square_completion",
    "ddpm.posterior.law",
    "ddpm.posterior.mean",
    "ddpm.posterior.variance",
    "ddpm.posterior.t1",
    "ddpm.posterior.marginal_consistency",
    "ddpm.elbo.definition",
    "ddpm.elbo.lower_bound",
    "ddpm.elbo.gap",
    "ddpm.elbo.telescoping",
    "ddpm.elbo.decomposition",
    "ddpm.latent_term.closed_form",
    "ddpm.consistency.kl",
    "ddpm.reconstruction.gaussian",
    "ddpm.elbo.gaussian_form",
    "ddpm.mean.x0_form",
    "ddpm.mean.eps_form",
    "ddpm.parameterization.bijection",
    "ddpm.loss.eps_x0_equivalence",
    "ddpm.parameterization.v",
    "ddpm.parameterization.v_loss",
    "ddpm.loss.x0_weighted",
    "ddpm.loss.eps_weighted",
    "ddpm.loss.weights_snr",
    "ddpm.loss.simple",
    "ddpm.loss.shared_coefficient",
    "ddpm.reverse.intractable",
    "ddpm.elbo.redundant_expectation",
    "ddpm.ancestral.gaussian_variance",
    "ddim.marginal_preservation",
    "ddim.update",
    "ddim.ddpm_recovery",
    "ddim.deterministic",
    "ddim.ode_limit",
    "ddim.step.forms",
    "ddim.no_retraining",
    "ddim.subsequence",
    "ddim.forward_non_markov",
    "ddim.gaussian.contraction",
    "ddim.inversion.round_trip",
    "ddpm.forward.joint_law",
    "ddpm.example.one_pixel",
    "ddim.example.stride",
    "ddim.sampling",
    "ddpm.reverse.small_step_gaussian",
    "ddpm.forward.symbol_reuse",
    "ddpm.parameterization.high_noise_identity",
    "ddpm.parameterization.eps_target_scale",
    "ddpm.training.noise",
    "ddpm.sampling.ancestral",
    "ddpm.sampling.respaced",
    "ddpm.sampling.final_noise",
    "ddpm.sampling.clip_x0",
    "ddpm.sampling.rescale",
    "ddpm.reverse.moments",
    "ddpm.sampling.sigma_beta",
    "ddpm.training.data",
    "ddpm.loss.weight_profile",
)
DEFINED = ("ddpm.notation", "ddpm.reverse.model_kernel", "ddim.inference_kernel")
REFUTED = ("ddpm.mean.eps_form.notes_display", "ddpm.loss.simple_is_elbo")
PROOF_ONLY = Judge(derivations.claims())  # replays derivations and never looks for a counterexample


def claim(claim_id: str) -> Claim:
    return derivations.claims()[claim_id]


def judged(changed: Claim) -> Judgement:
    """A changed claim under its old id, on top of all the others."""
    return PROOF_ONLY.judge(changed)


# --- every claim ------------------------------------------------------------------------------------------------------


def test_these_are_all_the_claims_of_the_diffusion_chapters():
    assert {name for name in derivations.claims() if name.startswith(("ddpm.", "ddim."))} == {
        *PROVED,
        *REFUTED,
        *DEFINED,
    }


@pytest.mark.sampled(4)
@pytest.mark.parametrize("claim_id", PROVED)
def test_every_statement_is_proved(claim_id):
    judgement = derivations.judge(claim_id)
    assert isinstance(judgement.verdict, Proved), judgement.verdict
    assert len(judgement.parts) == len(claim(claim_id).says)
    assert all(isinstance(part.verdict, Proved) for part in judgement.parts)


@pytest.mark.sampled(10)
@pytest.mark.parametrize("claim_id", PROVED)
def test_nothing_is_assumed(claim_id):
    under = ("derivative under the expectation",) if claim_id.startswith("ddpm.training.") else ()
    assert derivations.judge(claim_id).assumptions == under


@pytest.mark.parametrize("claim_id", REFUTED)
def test_every_printed_statement_has_a_witness_and_a_proved_correction(claim_id):
    judgement = derivations.judge(claim_id)
    assert isinstance(judgement.verdict, Refuted)
    assert all(isinstance(part.verdict, Refuted) for part in judgement.parts)
    assert derivations.prove(claim(claim_id).corrected_by)
    assert claim(claim_id).errata


def test_tags_are_those_of_the_table_and_the_posterior_mean_is_0A07():
    with TAGS.open(newline="") as file:
        table = {row["id"]: row["tag"] for row in csv.DictReader(file)}
    assert claim("ddpm.posterior.mean").tag == "0A07"
    for claim_id in (*PROVED, *REFUTED):
        assert claim(claim_id).tag == table[claim_id]


@pytest.mark.parametrize("claim_id", (*PROVED, *REFUTED))
def test_what_is_shown_has_no_names_of_the_code_and_no_double_subscripts(claim_id):
    for statement in claim(claim_id).says:
        assert not re.search(r"x0_|abar|beta|alpha|pixel_|w_x|w_e|L_step|noisy", statement.text()), statement.text()
        assert not re.search(r"_\{[^{}]*\}_", statement.latex()), statement.latex()


# --- tampering --------------------------------------------------------------------------------------------------------


def tamperings():
    for claim_id in PROVED:
        for part, proof in claim(claim_id).proofs.items():
            for section, chain in enumerate(proof.chains):
                for number, line in enumerate(chain.lines[1:], 1):
                    if line.relation == "=" and (claim_id, part) != ("ddpm.posterior.t1", 1):  # twice 0 is 0
                        yield pytest.param(claim_id, part, section, number, id=f"{claim_id}-{part}-{section}-{number}")


def with_line(original: Claim, part: int, section: int, number: int, expression: sp.Expr) -> Claim:
    proof = original.proofs[part]
    chains = []
    for n, chain in enumerate(proof.chains):
        copy = Chain()
        copy.lines = list(chain.lines)
        if n == section:
            copy.lines[number] = replace(copy.lines[number], expression=expression)
        chains.append(copy)
    changed = {**original.proofs, part: Proof(tuple(chains), proof.induction_on, proof.start)}
    return replace(original, proofs=changed)


@pytest.mark.sampled(10)
@pytest.mark.parametrize(("claim_id", "part", "section", "number"), [*tamperings()])
def test_doubling_one_line_makes_exactly_that_step_fail(claim_id, part, section, number):
    original = claim(claim_id)
    line = original.proofs[part].chains[section].lines[number].expression
    doubled = (
        Rounded(2 * line.args[0], line.args[1]) if isinstance(line, Rounded) else 2 * line if line != 0 else sp.S.One
    )
    report = judged(with_line(original, part, section, number, doubled)).parts[part]
    assert isinstance(report.verdict, Undecided)
    before = sum(len(chain.lines) for chain in original.proofs[part].chains[:section])
    assert [step.number for step in report.steps if not step.verdict] == [before + number + 1]


# --- induction, T = 1, ranges -----------------------------------------------------------------------------------------


def test_the_induction_base_is_needed():
    """Sigma_t = abar_t Sigma_0 + (1 - abar_t) I + abar_t solves the same recursion: only the base rejects it."""
    solved = claim("ddpm.forward.covariance")
    shifted = replace(solved.says[1], rhs=solved.says[1].rhs + abar(t))
    base, step = (Chain(), Chain())
    for chain, copy, shift in zip(solved.proofs[1].chains, (base, step), (abar(1), abar(t + 1)), strict=True):
        copy.lines = [*chain.lines[:-1], replace(chain.lines[-1], expression=chain.lines[-1].expression + shift)]
    step.lines[2] = replace(step.lines[2], expression=step.lines[2].expression + alpha(t + 1) * abar(t))
    wrong = replace(
        solved, says=(solved.says[0], shifted, solved.says[2]), proofs={**solved.proofs, 1: Proof((base, step), t, 1)}
    )
    report = judged(wrong).parts[1]
    failed = next(s for s in report.steps if not s.verdict)
    assert failed.section == "base, t = 1"
    only_step = replace(wrong, proofs={**solved.proofs, 1: Proof((solved.proofs[1].chains[0], step), t, 1)})
    steps = judged(only_step).parts[1]
    assert "right side" in steps.verdict.reason  # the honest base does not end at the shifted statement


def test_an_induction_must_start_where_the_claim_does():
    marginal = claim("ddpm.forward.marginal")
    late = replace(marginal, proofs={**marginal.proofs, 0: Proof(marginal.proofs[0].chains, t, sp.Integer(2))})
    assert "induction starts at 2" in judged(late).parts[0].verdict.reason


def test_an_induction_over_T_from_2_does_not_prove_T_equal_to_1():
    original = claim("ddpm.elbo.decomposition")
    chain = Chain()
    chain.lines = [
        replace(line, rule=induction(T, 2)) if line.rule.name.startswith("induction") else line
        for line in original.proofs[0].chains[0].lines
    ]
    report = judged(replace(original, proofs={0: Proof((chain,), None, sp.Integer(1))})).parts[0]
    assert "must range over the integers from 2 on" in report.verdict.reason


@pytest.mark.parametrize("claim_id", PROVED)
def test_statements_about_chains_hold_for_the_shortest_chain(claim_id):
    for part, statement in enumerate(claim(claim_id).says):
        domain = claim(claim_id).domain_of(part)
        if T in domain.indices:
            world = sample(claim(claim_id), part, 0)
            assert world.numbers["T"] == domain.indices[T][0]
            assert violation(statement, world) is None


def test_one_step_leaves_no_consistency_terms():
    world = sample(claim("ddpm.elbo.decomposition"), 0, 0)
    assert world.numbers["T"] == 1
    assert evaluate(elbo.consistency, world) == 0


def test_the_reverse_encoder_is_not_claimed_at_t_equal_to_1():
    """At t = 1 the variable x_{t-1} is the condition x_0, and beta_tilde is 0."""
    for name in ("ddpm.posterior.law", "ddpm.posterior.variance"):
        widened = replace(claim(name), domain=steps_from(1))
        assert "is a law of (x(t - 1),) and may depend on x(0) itself" in judged(widened).verdict.reason
    assert not holds("> 0", beta_tilde(t), steps_from(1))
    assert holds("> 0", beta_tilde(t), steps_from(2))


def test_a_claim_about_steps_up_to_T_says_nothing_of_step_T_plus_1():
    recursion = claim("ddpm.forward.covariance").says[0]
    lhs, rhs = recursion.lhs.xreplace({t: t + 1}), recursion.rhs.xreplace({t: t + 1})
    chain = Chain()
    chain(lhs)
    chain(rhs, by=by_claim("ddpm.forward.covariance", at={t: t + 1}))
    beyond = replace(
        claim("ddpm.forward.covariance"),
        id="ddpm.forward.beyond",
        says=(Statement(lhs, "=", rhs),),
        proofs={0: Proof((chain,), None, sp.Integer(1))},
    )
    assert "holds for t in 1..T; t = t + 1 is not known to be there" in judged(beyond).verdict.reason


def test_the_closed_form_needs_the_markov_property():
    marginal = claim("ddpm.forward.marginal")
    forgetful = replace(marginal, hypotheses=tuple(h for h in marginal.hypotheses if h is not forward_markov))
    assert "needs the hypothesis 'forward Markov'" in judged(forgetful).verdict.reason


def test_a_variance_that_may_be_zero_is_refused():
    domain = claim("ddpm.consistency.kl").domain
    loose = Domain({**domain.intervals, "sigma": NONNEGATIVE}, domain.indices, domain.products)
    verdict = judged(replace(claim("ddpm.consistency.kl"), domain=loose)).verdict
    assert isinstance(verdict, Undecided) and "sigma(t)" in verdict.reason


def test_the_posterior_variance_may_not_serve_at_t_equal_to_1():
    """N3: with sigma_1^2 = beta_tilde_1 = 0 the divergence has no value."""
    world = sample(claim("ddpm.posterior.t1"), 1, 1)
    assert evaluate(beta_tilde(1), world) == 0
    exact = replace(claim("ddpm.consistency.kl"), domain=steps_from(1))
    assert "may depend on x(0) itself" in judged(exact).verdict.reason  # x(t - 1) is x(0) there


def test_a_derivation_may_not_rest_on_itself():
    mean = claim("ddpm.posterior.mean")
    circular = replace(claim("ddpm.posterior.law"), says=mean.says, proofs=mean.proofs)
    assert "circular" in judged(circular).verdict.reason


# --- the errata's own numbers -----------------------------------------------------------------------------------------


def rounded(value: object, digits: int = 4) -> float:
    return round(float(str(value).strip("()")), digits)


def test_the_display_of_the_notes_is_refuted_with_its_own_numbers():
    judgement = derivations.judge("ddpm.mean.eps_form.notes_display")
    first, second = (part.verdict.witness for part in judgement.parts)
    assert rounded(first.lhs) == rounded(second.lhs) == 1.0435
    assert rounded(first.rhs) == 0.8157
    assert rounded(second.rhs) == 1.4000
    assert {("alpha(2)", "0.9"), ("abar(2)", "0.5"), ("x_0", "1"), ("eps", "0.5")} <= set(first.values)
    correct = means.mean_eps_form.says[1]
    world = means.eps_form_notes_display.worlds[0](Random(0), 0)
    assert rounded(evaluate(correct.rhs, world)[0]) == 1.0435


def test_the_simple_loss_has_another_optimum_than_the_bound():
    witness = derivations.judge("ddpm.loss.simple_is_elbo").verdict.witness
    assert (rounded(witness.lhs), rounded(witness.rhs)) == (0.5707, 0.8067)


def test_each_optimum_minimises_its_own_loss():
    """N8, B1: the weighted and the plain loss of the shared coefficient, at and around the two coefficients."""
    world = losses.linear_thousand(Random(0), 0)
    world.families["weight"] = lambda n: evaluate(weighted_losses.w_eps(n, beta_tilde(n)).xreplace({n: n}), world)
    for weight, best in ((weighted_losses.w_eps(t, beta_tilde(t)), "0.5707"), (sp.S.One, "0.8067")):
        around = [sp.Rational(best) + shift for shift in (sp.Rational(-1, 100), 0, sp.Rational(1, 100))]
        low, middle, high = (evaluate(losses.shared_loss(c, weight), world) for c in around)
        assert middle < low and middle < high


@pytest.mark.parametrize(
    ("n", "variance", "data", "noise"),
    [
        (2, beta_tilde, 2726, 0.5997),
        (350, beta_tilde, None, 0.00498),
        (1000, beta_tilde, 4.1e-7, 0.01020),
        (1, beta, None, 0.50005),
    ],
)
def test_weights_of_the_linear_schedule(n, variance, data, noise):
    world = losses.linear_thousand(Random(0), 0)
    assert float(evaluate(weighted_losses.w_eps(n, variance(n)), world)) == pytest.approx(noise, rel=2e-3)
    if data is not None:
        assert float(evaluate(weighted_losses.w_x0(n, variance(n)), world)) == pytest.approx(data, rel=2e-2)


def test_the_bound_with_its_constant_and_the_printed_one_without():
    """N4: T = 1, alpha_1 = 1/2, p(x_0 | x_1) = N(0.7 x_1, 1/4), x_0 = 1: -1.5725, printed -1.0001."""
    world = World(1, numbers={"T": 1}, vectors={("x", 0): (Fraction(1),)})
    half = mp.mpf(1) / 2
    world.families = {
        "alpha": lambda n: half,
        "abar": lambda n: half ** int(n),
        "sigma": lambda n: half,
        "mu_theta": lambda x_1, n: tuple(mp.mpf(7) / 10 * v for v in x_1),
    }
    world.laws = {"q": GaussianChain([Fraction(1, 2)], 1), "p": ReverseChain(world, 1)}
    statement = claim("ddpm.elbo.gaussian_form").says[0]
    assert rounded(evaluate(statement.lhs, world)) == rounded(evaluate(statement.rhs, world)) == -1.5725
    printed = evaluate(statement.rhs - gaussian_elbo.Constant(T, x(0)), world)
    assert rounded(printed) == -1.0001


@pytest.mark.parametrize("n", [100, 500, 1000])
def test_no_other_last_digit_of_abar_is_proved(n):
    """The digits are those of time counted from 1; the neighbour to either side is another number."""
    digits = Rounded(schedule.VALUES[n][0])
    for shift in (-2, 2):
        chain = Chain()
        chain(schedule.abar_linear(n))
        chain(Rounded(digits.args[0] + shift * digits.args[1], digits.args[1]), by=[definition, interval_arithmetic])
        changed = Statement(schedule.abar_linear(n), "=", chain.lines[-1].expression)
        values = replace(schedule.abar_values, says=(changed,), proofs={0: Proof((chain,), None, sp.Integer(1))})
        assert not judged(values).verdict


# --- how the chapters hang together -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim_id", "rests_on"),
    [
        ("ddpm.posterior.law", {"ddpm.forward.marginal", "ddpm.posterior.square_completion"}),
        ("ddpm.posterior.mean", {"ddpm.posterior.law"}),
        ("ddpm.posterior.variance", {"ddpm.posterior.law"}),
        ("ddpm.posterior.marginal_consistency", {"ddpm.forward.marginal", "ddpm.posterior.law"}),
        ("ddpm.consistency.kl", {"ddpm.posterior.law", "gaussian.kl.isotropic"}),
        (
            "ddpm.elbo.gaussian_form",
            {
                "ddpm.elbo.decomposition",
                "ddpm.reconstruction.gaussian",
                "ddpm.latent_term.closed_form",
                "ddpm.consistency.kl",
            },
        ),
        ("ddpm.loss.x0_weighted", {"ddpm.elbo.gaussian_form", "ddpm.mean.x0_form"}),
        ("ddpm.loss.eps_weighted", {"ddpm.elbo.gaussian_form", "ddpm.forward.marginal", "ddpm.mean.eps_form"}),
    ],
)
def test_a_claim_rests_on_the_claims_before_it(claim_id, rests_on):
    order = list(derivations.claims())
    assert set(derivations.judge(claim_id).uses) == rests_on
    assert all(order.index(used) < order.index(claim_id) for used in rests_on)


def test_laws_of_probability_are_shown_as_laws():
    tiers = {step.rule: step.tier for part in derivations.judge("ddpm.posterior.law").parts for step in part.steps[1:]}
    assert tiers["Bayes"] == "law" and tiers["density"] == "decided"


def test_modules_and_claims_agree():
    assert forward.forward_kernel.id == "ddpm.forward.kernel" and posterior.posterior_mean_claim.tag == "0A07"
