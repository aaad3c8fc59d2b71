"""Two definitions that differ, repairs that are proved, and chains with scales of their own."""

from __future__ import annotations

import pytest

import threefold
from derivations.rules import LogDensity, algebra, density
from threefold.check import kernel
from threefold.check.contexts import own_chain
from threefold.check.contexts.base import Settings

STEP = "$$q(x_t|x_{t-1}) = \\mathcal N(x_t; \\sqrt{\\alpha_t}x_{t-1}, (1-\\alpha_t)I)$$\n\n"
RIGHT = (
    "$$\\mu_\\theta(x_t,t) = \\frac{1}{\\sqrt{\\alpha_t}}\\left(x_t - "
    "\\frac{1-\\alpha_t}{\\sqrt{1-\\bar\\alpha_t}}\\epsilon_\\theta(x_t,t)\\right)$$\n\n"
)
WRONG = RIGHT.replace("{\\sqrt{\\alpha_t}}", "{\\sqrt{\\bar\\alpha_t}}")
BY_DATA = (
    "$$\\mu_\\theta(x_t,t) = \\frac{\\sqrt{\\alpha_t}(1-\\bar\\alpha_{t-1})}{1-\\bar\\alpha_t}x_t + "
    "\\frac{\\sqrt{\\bar\\alpha_{t-1}}(1-\\alpha_t)}{1-\\bar\\alpha_t}\\hat x_\\theta(x_t,t)$$\n\n"
)
OTHER = "$$\\mu_\\theta(x_t,t) = x_t - \\epsilon_\\theta(x_t,t)$$\n\n"


def verdicts(text: str) -> list[str]:
    return [link.verdict for link in threefold.check(text, seconds=20)][1:]


def test_a_definition_that_another_one_contradicts_names_its_line() -> None:
    for text in (STEP + WRONG + RIGHT, STEP + RIGHT + WRONG):
        report = threefold.check(text, seconds=20)
        (wrong,) = report.wrong
        other = next(k for k in report.links if k.verdict == "proved" and "mu" in k.tex)
        assert wrong.verdict == "contradiction" and f"line {other.line}" in wrong.reason
        assert other.line in wrong.lines and wrong.witness is not None


def test_a_definition_alone_is_a_definition() -> None:
    assert verdicts(STEP + WRONG) == ["definition"]


def test_two_definitions_of_which_the_chain_proves_none_contradict_nobody() -> None:
    assert verdicts(STEP + WRONG + OTHER) == ["definition", "definition"]


def test_two_parameterisations_by_two_networks_are_a_choice() -> None:
    assert verdicts(STEP + BY_DATA + RIGHT) == ["proved", "proved"]


def test_a_repair_by_one_edit_is_shown_and_is_true() -> None:
    line = r"\beta_t \bar\alpha_{t-1} = \bar\alpha_{t-1} - \alpha_t"
    report = threefold.check(f"{STEP}$${line}$$\n", seconds=20)
    (wrong,) = report.wrong
    assert wrong.repair
    assert threefold.check(f"{STEP}$${wrong.repair}$$\n", seconds=20).links[-1].verdict == "proved"


def test_a_line_that_needs_two_edits_is_refuted_without_a_repair() -> None:
    report = threefold.check(f"{STEP}$$7\\beta_t + \\bar\\alpha_t^3 = \\sqrt{{\\alpha_t}} - 5$$\n", seconds=20)
    assert [k.repair for k in report.wrong] == [""]


# --- a chain with scales of its own -----------------------------------------------------------------------------------


def test_the_posterior_of_a_chain_of_its_own_is_bayes_rule() -> None:
    n = own_chain.N.t
    kernel_law, marginal = own_chain.kernel(n), own_chain.marginal(n)
    lhs = LogDensity(kernel_law) + LogDensity(own_chain.marginal(n - 1)) - LogDensity(marginal)
    domain = own_chain.CONTEXT.domain({n}, Settings(first=2), {})
    for mean, proved in ((own_chain.posterior(n), True), (own_chain.marginal(n - 1), False)):
        sides = [own_chain.by_growth(e) for e in (lhs, LogDensity(mean))]
        found = kernel.prove(sides[0], "=", sides[1], domain, (), [density, algebra])
        assert (found is not None) == proved


OWN = "$$q(x_t|x_{t-1}) = \\mathcal N(x_t; c_t x_{t-1}, s_t^2 I)$$\n\n"
FORM = "$$q(x_{t-1}|x_t,x_0) = \\mathcal N(x_{t-1}; a_t x_0 + b_t x_t, \\kappa_t^2 I)$$\n\n"
TRUE = [
    r"q(x_t|x_0) = \mathcal N(x_t; \bar c_t x_0, \bar s_t^2 I)",
    r"x_t = c_t c_{t-1} x_{t-2} + c_t s_{t-1}\epsilon_{t-1} + s_t\epsilon_t",
    r"\mathbb E[x_{t-1}|x_t,x_0] = \bar c_{t-1}x_0 + \frac{c_t\bar s_{t-1}^2}{\bar s_t^2}(x_t - \bar c_t x_0)",
    r"\text{cov}[x_{t-1}|x_t,x_0] = \frac{s_t^2\bar s_{t-1}^2}{\bar s_t^2} I",
    r"b_t = \frac{c_t\bar s_{t-1}^2}{\bar s_t^2}",
    r"\kappa_t^2 = \frac{s_t^2\bar s_{t-1}^2}{\bar s_t^2}",
    r"p(x_0,\cdots,x_T) = p(x_0|x_1)\cdot p(x_1|x_2)\cdots p(x_{T-1}|x_T)\cdot p(x_T)",
    r"q(x_1,\cdots,x_T|x_0) = q(x_T|x_0)q(x_{T-1}|x_T,x_0)\cdots q(x_1|x_2,x_0)",
]
FALSE = [
    r"x_t = c_t c_{t-1} x_{t-2} + s_{t-1}\epsilon_{t-1} + s_t\epsilon_t",
    r"\mathbb E[x_{t-1}|x_t,x_0] = \bar c_{t-1}x_0 + \frac{\bar s_{t-1}^2}{\bar s_t^2}(x_t - \bar c_t x_0)",
    r"\text{cov}[x_{t-1}|x_t,x_0] = \frac{\bar s_{t-1}^2}{\bar s_t^2} I",
    r"b_t = \frac{s_t^2}{\bar s_t^2}",
    r"\kappa_t^2 = \bar s_{t-1}^2 - s_t^2",
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("tex", TRUE)
def test_true_lines_about_a_chain_of_its_own(tex: str) -> None:
    assert verdicts(f"{OWN}{FORM}$${tex}$$\n")[-1] == "proved"


@pytest.mark.sampled(3)
@pytest.mark.parametrize("tex", FALSE)
def test_false_lines_about_a_chain_of_its_own(tex: str) -> None:
    assert verdicts(f"{OWN}{FORM}$${tex}$$\n")[-1] == "refuted"


def test_what_the_law_of_the_posterior_names_is_a_definition_until_then() -> None:
    assert verdicts(f"{OWN}$$b_t = \\frac{{s_t^2}}{{\\bar s_t^2}}$$\n")[-1] == "definition"
