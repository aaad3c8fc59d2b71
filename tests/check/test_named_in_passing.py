"""Names that a document gives in passing: behind a chain with a minus, with a range in brackets, for a score, by g."""

from __future__ import annotations

import threefold

PROVED = ("proved", "proved as read")
BOUND = r"\mathbb{E}_{q(x_{1:T}|x_0)}[\log\frac{p_\theta(x_{0:T})}{q(x_{1:T}|x_0)}]"
STEPS = r"\sum_{t=2}^T D_{KL}(q(x_{t-1}|x_t,x_0)\|p_\theta(x_{t-1}|x_t))"
PARTS = rf"\mathbb{{E}}_q[D_{{KL}}(q(x_T|x_0)\|p(x_T)) + {STEPS} - \log p_\theta(x_0|x_1)]"
SDE = "dx = f(x,t)dt + g(t)dw"
FLOW = r"dx = [f(x,t) - \frac12g(t)^2s_t(x)]dt"


def last(*lines: str) -> str:
    """The verdict of the last link."""
    text = "\n\n".join(tex if tex.startswith("where") else f"$${tex}$$" for tex in lines)
    return list(threefold.check(f"{text}\n", seconds=20))[-1].verdict


def test_a_name_with_a_minus_behind_a_chain_is_defined_by_it() -> None:
    named = rf"\log p_\theta(x_0) \ge {BOUND} = -L"
    assert last(named, f"L = {PARTS}") in PROVED
    assert last(named.replace("-L", "L"), f"L = {PARTS}") not in PROVED
    assert last(named, f"L = {PARTS.replace('- ', '+ ')}") not in PROVED


def test_a_range_in_brackets_behind_a_formula_is_no_part_of_it() -> None:
    step = r"L_{t-1} := \mathbb{E}_{q(x_t|x_0)}[D_{KL}(q(x_{t-1}|x_t,x_0)\|p_\theta(x_{t-1}|x_t))] \quad (t \ge 2)"
    whole = rf"\sum_{{t=2}}^T L_{{t-1}} = \mathbb{{E}}_q[{STEPS}]"
    assert last(step, whole) in PROVED
    assert last(step, whole.replace("t=2}^T L", "t=2}^T 2L")) not in PROVED


def test_a_case_in_brackets_behind_a_formula_is_a_case() -> None:
    step = r"q(x_t|x_{t-1}) = \mathcal N(x_t; \sqrt{\alpha_t}x_{t-1}, (1-\alpha_t)I)"
    assert last(step, r"\mathrm{Var}(x_t|x_0) + \alpha_t = 1 \quad (t = 1)") not in (*PROVED, "refuted")


def test_a_function_that_is_said_to_be_the_score_is_put_in() -> None:
    said = r"where $s_t(x) = \nabla_x\log p_t(x)$ is the score."
    assert last(SDE, FLOW, said) in PROVED
    assert last(SDE, FLOW.replace(r"\frac12", ""), said) == "refuted"
    assert last(SDE, FLOW) == "definition"


def test_what_a_chain_goes_on_with_defines_a_function() -> None:
    encoder = r"q_\phi(z|x) = \mathcal N(z; \mu_\phi(x), \sigma_\phi^2(x))"
    drawn = r"z = g_\phi(\epsilon, x) = \mu_\phi(x) + \sigma_\phi(x)\cdot\epsilon"
    mean = r"\mathbb{E}_{q_\phi(z|x)}[f(z)] = \mathbb{E}_{\epsilon\sim\mathcal N(0,I)}[f(g_\phi(\epsilon, x))]"
    assert last(encoder, drawn, mean) in PROVED
    assert last(encoder, drawn.replace("+", "+ 2"), mean) not in PROVED


def test_a_value_at_z_is_no_product() -> None:
    weight = r"w(z) = \frac{p_\theta(x|z)p(z)}{q_\phi(z|x)}"
    assert last(weight, r"p_\theta(x) = \mathbb{E}_{q_\phi(z|x)}[w(z)]") in PROVED
    assert last(weight, r"p_\theta(x) = \mathbb{E}_{p(z)}[w(z)]") not in PROVED
