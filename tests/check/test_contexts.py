"""The letters of DDIM and of vector quantisation: what is proved, what is refuted, and what must be neither."""

from __future__ import annotations

import pytest

import threefold
from threefold.check.report import Report

FAMILY = (
    "The family, $\\alpha_t$ being the product of all steps.\n\n"
    "$$q_\\sigma(x_{t-1}|x_t,x_0) = \\mathcal N\\left(x_{t-1}; \\sqrt{\\alpha_{t-1}}x_0 + "
    "\\sqrt{1-\\alpha_{t-1}-\\sigma_t^2}\\cdot\\frac{x_t-\\sqrt{\\alpha_t}x_0}{\\sqrt{1-\\alpha_t}}, "
    "\\sigma_t^2 I\\right)$$\n\n"
    "$$f_\\theta^{(t)}(x_t) := \\frac{x_t - \\sqrt{1-\\alpha_t}\\epsilon_\\theta^{(t)}(x_t)}{\\sqrt{\\alpha_t}}$$\n\n"
)
STEP = (
    r"\sqrt{\alpha_{t-1}} f_\theta^{(t)}(x_t) + \sqrt{1-\alpha_{t-1}}\epsilon_\theta^{(t)}(x_t) = "
    r"\sqrt{\frac{\alpha_{t-1}}{\alpha_t}}x_t + \left(\sqrt{1-\alpha_{t-1}} - "
    r"\sqrt{\frac{\alpha_{t-1}(1-\alpha_t)}{\alpha_t}}\right)\epsilon_\theta^{(t)}(x_t)"
)
CASES = [
    (FAMILY, r"q_\sigma(x_t|x_0) = \mathcal N(\sqrt{\alpha_t}x_0, (1-\alpha_t)I)", "proved"),
    (FAMILY, r"q_\sigma(x_{t-1}|x_0) = \int q_\sigma(x_{t-1}|x_t,x_0)\,q_\sigma(x_t|x_0)\,dx_t", "proved"),
    (
        FAMILY,
        r"q_\sigma(x_t|x_{t-1},x_0) = \frac{q_\sigma(x_{t-1}|x_t,x_0)q_\sigma(x_t|x_0)}{q_\sigma(x_{t-1}|x_0)}",
        "proved",
    ),
    (FAMILY, STEP, "proved"),
    (FAMILY, STEP.replace(r"(1-\alpha_t)}{\alpha_t}", r"(1-\alpha_t)}{\alpha_{t-1}}"), "refuted"),
    (FAMILY, r"\sqrt{1-\alpha_{t-1}-\sigma_t^2} = \sqrt{1-\alpha_t-\sigma_t^2}", "refuted"),
    (FAMILY, r"q_\sigma(x_{t-1}|x_t,x_0) = \mathcal N(x_{t-1}; x_0, \sigma_t^2 I)", "definition"),
    (FAMILY, r"q_\sigma(x_{1:T}|x_0) = q_\sigma(x_T|x_0)\prod_{t=2}^T q_\sigma(x_{t-1}|x_t,x_0)", "definition"),
    (FAMILY, r"x_{t-1} = \sqrt{\alpha_{t-1}}f_\theta^{(t)}(x_t) + \sigma_t\epsilon_t", "definition"),
    ("", r"\|z_e(x) - e_k\|_2^2 = \|z_e(x)\|^2 - 2z_e(x)^\top e_k + \|e_k\|^2", "proved"),
    ("", r"\|z_e(x) - e_k\|_2^2 = \|z_e(x)\|^2 - z_e(x)^\top e_k + \|e_k\|^2", "refuted"),
    ("", r"z_e(x) + \text{sg}[z_q(x) - z_e(x)] = z_q(x)", "proved as read"),
    ("", r"\|\text{sg}[z_e(x)] - e\|^2 + \|z_e(x) - \text{sg}[e]\|^2 = \|z_e(x) - e\|^2", "undecided"),
    ("", r"L = \|x - D(z_q(x))\|_2^2 + \|\text{sg}[z_e(x)] - e\|_2^2", "definition"),
    ("", r"q(z=k|x) = 1", "not read"),
    ("", r"\|z_e(x) - z_q(x)\|_2 \le \|z_e(x) - e_j\|_2", "undecided"),
    ("", r"z_q(x) - e_k = 0", "undecided"),
]


def judged(before: str, tex: str) -> Report:
    return threefold.check(f"{before}$${tex}$$\n", seconds=20)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("before", "tex", "verdict"), CASES)
def test_what_a_line_is_in_its_context(before: str, tex: str, verdict: str) -> None:
    link = judged(before, tex).links[-1]
    assert link.verdict == verdict, link.reason


def test_the_family_is_proved_where_it_is_printed() -> None:
    assert judged(FAMILY, "x = x").links[0].verdict == "proved"


@pytest.mark.parametrize(("before", "name"), [(FAMILY, "ddim"), ("", "vq")])
def test_the_context_is_found_and_said(before: str, name: str) -> None:
    tex = "x_t = x_t" if before else "z_e(x) = z_q(x)"
    (context,) = judged(before, tex).files[0].contexts
    assert context.name == name and context.because


def test_with_bars_a_letter_without_one_is_a_step() -> None:
    bars = FAMILY.replace("\\alpha_", "\\bar\\alpha_")
    assert judged(bars, r"\bar\alpha_t = \alpha_t\bar\alpha_{t-1}").links[-1].verdict == "proved"
    assert judged(FAMILY, r"2\alpha_t = 2\alpha_t\alpha_{t-1}").links[-1].verdict == "refuted"
