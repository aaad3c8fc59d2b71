"""Kinds of lines that lectures write, each with one that must not pass."""

from __future__ import annotations

import pytest

import threefold
from derivations import notation as N
from derivations import rules as R
from derivations.rules import Domain
from threefold.check import kernel
from threefold.check.goals import Goal
from threefold.check.lists import strategies
from threefold.check.rehearsal import may_follow

STEP = r"$$q(x_t|x_{t-1}) = \mathcal N(x_t; \sqrt{\alpha_t}x_{t-1}, (1-\alpha_t)I)$$" + "\n\nwith $\\bar\\alpha_t$.\n\n"


def last(text: str, seconds: float = 60) -> str:
    """The verdict on the last link of a text."""
    return list(threefold.check(text, seconds=seconds))[-1].verdict


TWO = r"\mathrm{KL}(\mathcal N(\mu_1,\Sigma_1)\,\|\,\mathcal N(\mu_2,\Sigma_2)) = "
TWO += r"\frac12\left[\log\frac{|\Sigma_2|}{|\Sigma_1|}"
REST = r" - d + \mathrm{tr}(\Sigma_2^{-1}\Sigma_1) + (\mu_2-\mu_1)^\top\Sigma_2^{-1}(\mu_2-\mu_1)\right]"


def test_the_divergence_of_any_two_gaussians() -> None:
    assert last(f"The latent $z$.\n\n$${TWO}{REST}$$\n") == "proved"
    assert last(f"The latent $z$.\n\n$${TWO}{REST.replace('- d', '+ d')}$$\n") not in ("proved", "proved as read")


@pytest.mark.parametrize(("first", "verdict"), [(1, "proved"), (0, "refuted")])
def test_a_product_begins_where_the_chain_does(first: int, verdict: str) -> None:
    assert last(f"{STEP}$$q(x_{{1:T}}|x_0) = \\prod_{{t={first}}}^T q(x_t|x_{{t-1}})$$\n") == verdict


@pytest.mark.parametrize(("factor", "verdicts"), [
    (r"\frac{\bar\alpha_t}{1-\bar\alpha_t}", ("proved", "proved as read")),
    (r"\frac{\bar\alpha_t}{1+\bar\alpha_t}", ("refuted", "undecided")),
])  # fmt: skip
def test_the_state_under_an_average_over_the_noise_is_made_of_it(factor: str, verdicts: tuple[str, ...]) -> None:
    left = r"\mathbb E_{x_0,\epsilon}\|\epsilon-\epsilon_\theta(x_t,t)\|^2"
    assert last(rf"{STEP}$${left} = {factor}\,\mathbb E_{{x_0,\epsilon}}\|x_0-\hat x_\theta(x_t,t)\|^2$$") in verdicts


BOUND = r"\mathbb E_q\Big[-\log p(x_T) - \sum_{t=1}^T\log\frac{p_\theta(x_{t-1}|x_t)}{q(x_t|x_{t-1})}\Big]"


@pytest.mark.parametrize(("start", "proved"), [(2, True), pytest.param(1, False, marks=pytest.mark.long)])
def test_forward_steps_are_turned_round_under_an_average(start: int, proved: bool) -> None:
    parts = rf"-\log\frac{{p(x_T)}}{{q(x_T|x_0)}} - \sum_{{t={start}}}^T\log\frac{{p_\theta(x_{{t-1}}|x_t)}}"
    right = rf"\mathbb E_q\Big[{parts}{{q(x_{{t-1}}|x_t,x_0)}} - \log p_\theta(x_0|x_1)\Big]"
    assert (last(f"{STEP}$${BOUND} = {right}$$\n", seconds=20) == "proved") is proved


def test_steps_written_out_from_the_second_on() -> None:
    left = r"\mathbb E_q\Big[\log\frac{p_\theta(x_{0:T})}{q(x_{1:T}|x_0)}\Big]"
    right = r"\frac{p(x_T)\prod_{t=1}^T p_\theta(x_{t-1}|x_t)}{q(x_1|x_0)\prod_{t=2}^T q(x_t|x_{t-1})}"
    assert last(f"{STEP}$${left} = \\mathbb E_q\\Big[\\log{right}\\Big]$$\n") == "proved"
    wrong = right.replace("t=2", "t=1")
    assert last(f"{STEP}$${left} = \\mathbb E_q\\Big[\\log{wrong}\\Big]$$\n") != "proved"


@pytest.mark.long
@pytest.mark.parametrize(("weight", "verdict"), [
    (r"\frac{\beta_t^2}{2\sigma_t^2\alpha_t(1-\bar\alpha_t)}", "equal up to a constant"),
    (r"\frac{\beta_t}{2\sigma_t^2\alpha_t(1-\bar\alpha_t)}", "definition"),
])  # fmt: skip
def test_the_weighted_loss_is_a_divergence_up_to_a_constant(weight: str, verdict: str) -> None:
    law = r"D_{KL}(q(x_{t-1}|x_t,x_0)\|p_\theta(x_{t-1}|x_t))"
    error = r"\|\epsilon-\epsilon_\theta(\sqrt{\bar\alpha_t}x_0+\sqrt{1-\bar\alpha_t}\epsilon,t)\|^2"
    text = f"{STEP}$$L_{{t-1}} = {law}$$\n\n$$L_{{t-1}} = \\mathbb E_{{x_0,\\epsilon}}\\Big[{weight}{error}\\Big]$$\n"
    assert last(text) == verdict


@pytest.mark.parametrize(("words", "verdict"), [("Up to a constant,", "refuted"), ("up to a constant.", "undecided")])
def test_a_sentence_that_runs_into_the_next_display_is_about_that_one(words: str, verdict: str) -> None:
    text = "$$p(z|x) = p(x|z)p(z)$$\n\n" + words + "\n\n$$\\max_\\theta \\log p_\\theta(x)$$\n"
    assert next(iter(threefold.check(text))).verdict == verdict


P, Q = R.Density("p", [N.z], [N.obs]), R.Density("q", [N.z], [N.obs])
JOINT, PARTS = R.Density("p", [N.z, N.obs]), (R.Density("p", [N.z]), R.Density("p", [N.obs], [N.z]))


@pytest.mark.parametrize(("sign", "proved"), [("+", True), ("-", False)])
def test_the_score_of_a_joint_law_is_one_whichever_variable_is_named_first(sign: str, proved: bool) -> None:
    line = rf"\nabla_x\log p(x|y) = \nabla_x\log p(x) {sign} \nabla_x\log p(y|x)"
    assert (last(f"<!-- threefold: context: score-sde -->\n\n$${line}$$\n") == "proved") is proved


GOALS = [
    (R.KL(Q, P), R.Expect(Q, R.LogDensity(Q) - R.LogDensity(P))),
    (R.LogDensity(JOINT), R.LogDensity(PARTS[0]) + R.LogDensity(PARTS[1])),
    (R.KL(Q, P), R.Expect(Q, R.LogDensity(Q)) - R.Expect(Q, R.LogDensity(P))),
]


@pytest.mark.parametrize(("lhs", "rhs"), GOALS)
def test_what_the_kernel_accepts_passes_the_rehearsal(lhs: object, rhs: object) -> None:
    goal = Goal(lhs, "=", rhs, Domain(), (N.integrable,), False)
    accepted = [by for by in strategies(goal) if kernel.prove(lhs, "=", rhs, goal.domain, goal.hypotheses, by)]
    assert accepted
    assert all(may_follow(lhs, "=", rhs, goal.domain, goal.hypotheses, by) for by in accepted)
    assert not may_follow(lhs, "=", 2 * rhs, goal.domain, goal.hypotheses, accepted[0])  # type: ignore[operator]
