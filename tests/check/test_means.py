"""Means given a noisy state, variances, sums of products, gradients in a parameter: the true, and neighbours."""

from __future__ import annotations

import pytest

import threefold

PROVED = ("proved", "proved as read")
STEP = "$$q(x_t|x_{t-1}) = \\mathcal N(x_t; \\sqrt{1-\\beta_t}x_{t-1}, \\beta_t I)$$\n\n"
ENCODER = "$$q_\\phi(z|x) = \\mathcal N(z; \\mu_\\phi(x), \\operatorname{diag}(\\sigma_\\phi^2(x)))$$\n\n"


def last(before: str, tex: str) -> str:
    """The worst verdict of the last display."""
    found = threefold.check(f"{before}$${tex}$$\n", seconds=20)
    words = [k.verdict for k in found if k.display == max(k.display for k in found)]
    return next((w for w in words if w == "refuted"), None) or next((w for w in words if w not in PROVED), words[0])


# (before, the true line, a neighbour that is false and is found so)
PAIRS = [
    (
        STEP,
        r"\mathbb{E}[x_0|x_t] = \frac{x_t + (1-\bar\alpha_t)\nabla_{x_t}\log q(x_t)}{\sqrt{\bar\alpha_t}}",
        r"\mathbb{E}[x_0|x_t] = \frac{x_t + \sqrt{1-\bar\alpha_t}\nabla_{x_t}\log q(x_t)}{\sqrt{\bar\alpha_t}}",
    ),
    (
        STEP,
        r"\mathbb{E}[x_0|x_t] = \frac{1}{\sqrt{\bar\alpha_t}}(x_t + (1-\bar\alpha_t)\nabla_{x_t}\log p(x_t))",
        r"\mathbb{E}[x_0|x_t] = \frac{1}{\sqrt{\bar\alpha_t}}(x_t - (1-\bar\alpha_t)\nabla_{x_t}\log p(x_t))",
    ),
    (
        STEP,
        r"\mathbb{E}[\epsilon|x_t] = -\sqrt{1-\bar\alpha_t}\nabla_{x_t}\log q(x_t)",
        r"\mathbb{E}[\epsilon|x_t] = -(1-\bar\alpha_t)\nabla_{x_t}\log q(x_t)",
    ),
    (
        STEP,
        r"\mathbb{E}_{q(x_t|x_{t-1})}[x_t] = \sqrt{1-\beta_t}x_{t-1}",
        r"\mathbb{E}_{q(x_t|x_{t-1})}[x_t] = (1-\beta_t)x_{t-1}",
    ),
    (STEP, r"\mathbb{E}_{x_t|x_0}[x_t] = \sqrt{\bar\alpha_t}x_0", r"\mathbb{E}_{x_t|x_0}[x_t] = \bar\alpha_tx_0"),
    (
        STEP,
        r"\mathrm{Cov}(x_t) = \bar\alpha_t\mathrm{Cov}(x_0) + (1-\bar\alpha_t)I",
        r"\mathrm{Cov}(x_t) = \alpha_t\mathrm{Cov}(x_0) + (1-\bar\alpha_t)I",
    ),
    (
        STEP,
        r"\mathbb{V}[x_t] = \alpha_t\mathbb{V}[x_{t-1}] + \beta_t",
        r"\mathbb{V}[x_t] = \alpha_t^2\mathbb{V}[x_{t-1}] + \beta_t",
    ),
    (
        STEP,
        r"H(q(x_t|x_0)) = \frac{d}{2}\log(2\pi e(1-\bar\alpha_t))",
        r"H(q(x_t|x_0)) = \frac{d}{2}\log(2\pi(1-\bar\alpha_t))",
    ),
    (
        STEP,
        r"\sum_{i=1}^{t}\beta_i\prod_{j=i+1}^{t}\alpha_j = 1-\bar\alpha_t",
        r"\sum_{i=1}^{t}\beta_i\prod_{j=i}^{t}\alpha_j = 1-\bar\alpha_t",
    ),
    (
        STEP,
        r"x_t = \sqrt{\bar\alpha_t}x_0 + \sum_{i=1}^{t}\sqrt{\beta_i\prod_{j=i+1}^{t}\alpha_j}\,\epsilon_i",
        r"x_t = \sqrt{\bar\alpha_t}x_0 + \sum_{i=1}^{t}\sqrt{\beta_i\prod_{j=i}^{t}\alpha_j}\,\epsilon_i",
    ),
    (
        STEP,
        r"\nabla_{x_t} q(x_t|x_0) = -q(x_t|x_0)\frac{x_t-\sqrt{\bar\alpha_t}x_0}{1-\bar\alpha_t}",
        r"\nabla_{x_t} q(x_t|x_0) = q(x_t|x_0)\frac{x_t-\sqrt{\bar\alpha_t}x_0}{1-\bar\alpha_t}",
    ),
    (
        ENCODER,
        r"\mathbb{H}[q_\phi(z|x)] = -\mathbb{E}_{q_\phi(z|x)}[\log q_\phi(z|x)]",
        r"\mathbb{H}[q_\phi(z|x)] = \mathbb{E}_{q_\phi(z|x)}[\log q_\phi(z|x)]",
    ),
]
# (before, the true line, a neighbour that is false: it may stay open, and is never proved)
SCORE = r"\mathbb{E}_{q_\phi(z|x)}[f(z)\nabla_\phi\log q_\phi(z|x)]"
GRADIENT = r"\nabla_\phi\log q_\phi(z|x)"
FIT = r"\log p_\theta(x|z)"
RATIO = r"\log p_\theta(x,z)-\log q_\phi(z|x)"
HALF = [
    (STEP, r"\nabla_{x_t}\log p_t(x_t) = \mathbb E_{x_0|x_t}[\nabla_{x_t}\log q(x_t|x_0)]",
     r"\nabla_{x_t}\log p_t(x_t) = 2\mathbb E_{x_0|x_t}[\nabla_{x_t}\log q(x_t|x_0)]"),
    (STEP, r"\nabla_{x_t}\log q(x_t) = \mathbb E_{q(x_{t-1}|x_t)}[\nabla_{x_t}\log q(x_{t-1},x_t)]",
     r"\nabla_{x_t}\log p(x_t) = \mathbb E_{q(x_{t-1}|x_t)}[\nabla_{x_t}\log p(x_{t-1},x_t)]"),
    (STEP, r"2\mathbb E_{x_{t-1}|x_t,x_0}[x_{t-1}] = 2\tilde\mu_t(x_t,x_0)",
     r"\mathbb E_{x_{t-1},x_t|x_0}[x_{t-1}] = \tilde\mu_t(x_t,x_0)"),
    (STEP, r"\alpha_{t+1}\alpha_{t+2}\cdots\alpha_s = \frac{\bar\alpha_s}{\bar\alpha_t}",
     r"\alpha_{t+1}\alpha_{t+2}\cdots\alpha_s = \frac{\bar\alpha_s}{\bar\alpha_{t+1}}"),
    (STEP, r"\nabla_{x_t}\log p(x_t|y) = \nabla_{x_t}\log p(x_t) + \nabla_{x_t}\log p(y|x_t)",
     r"\nabla_{x_t}\log p(x_t|y) = \nabla_{x_t}\log p(x_t) - \nabla_{x_t}\log p(y|x_t)"),
    (STEP, r"\nabla_{x_t}\log q(x_t) = \frac{\nabla_{x_t}q(x_t)}{q(x_t)}",
     r"\nabla_{x_t}\log q(x_t) = -\frac{\nabla_{x_t}q(x_t)}{q(x_t)}"),
    (STEP, r"\nabla_{x_t}\log q(x_{t-1},x_t) = \nabla_{x_t}\log q(x_t) + \nabla_{x_t}\log q(x_{t-1}|x_t)",
     r"\nabla_{x_t}\log q(x_{t-1},x_t) = 0"),
    (STEP, r"\mathbb{E}[\|\epsilon\|^2] = d", r"\mathbb{E}[\|\epsilon\|^2] = 1"),
    (STEP, r"\mathrm{Var}(x_t) = 1-\bar\alpha_t", r"\mathrm{Var}(x_t) = 1"),
    ("", r"\mathbb{E}_{p(x)}[\|\nabla_x\log p(x)-s_\theta(x)\|^2] = \int p(x)\|\nabla_x\log p(x)-s_\theta(x)\|^2dx",
     r"\mathbb{E}_{p(x)}[\|\nabla_x\log p(x)\|^2] = \|\mathbb{E}_{p(x)}[\nabla_x\log p(x)]\|^2"),
    ("", r"\int p(x)s_\theta(x)^\top\nabla_x\log p(x)dx = \int s_\theta(x)^\top\nabla_xp(x)dx",
     r"\int p(x)s_\theta(x)^\top\nabla_x\log p(x)dx = -\int s_\theta(x)^\top\nabla_xp(x)dx"),
    (ENCODER, rf"\nabla_\phi\mathbb{{E}}_{{q_\phi(z|x)}}[f(z)] = {SCORE}",
     r"\nabla_\phi\mathbb{E}_{q_\phi(z|x)}[f(z)] = \mathbb{E}_{q_\phi(z|x)}[\nabla_\phi f(z)]"),
    (ENCODER, rf"{SCORE} = \mathbb{{E}}_{{q_\phi(z|x)}}[(f(z)-b)\nabla_\phi\log q_\phi(z|x)]",
     rf"{SCORE} = \mathbb{{E}}_{{q_\phi(z|x)}}[(f(z)-z)\nabla_\phi\log q_\phi(z|x)]"),
    (ENCODER, rf"\nabla_\phi\mathcal{{L}}_{{ELBO}} = \mathbb{{E}}_{{q_\phi(z|x)}}[{GRADIENT}({RATIO})]",
     r"\nabla_\phi\mathcal{L}_{ELBO} = \mathbb{E}_{q_\phi(z|x)}[\nabla_\phi\log q_\phi(z|x)\log p_\theta(x,z)]"),
    (ENCODER, rf"\nabla_\theta\mathbb{{E}}_{{q_\phi(z|x)}}[{FIT}] = \mathbb{{E}}_{{q_\phi(z|x)}}[\nabla_\theta{FIT}]",
     rf"\nabla_\phi\mathbb{{E}}_{{q_\phi(z|x)}}[{FIT}] = \mathbb{{E}}_{{q_\phi(z|x)}}[\nabla_\phi{FIT}]"),
    (ENCODER, r"\nabla_\theta\log p_\theta(x) = \mathbb{E}_{p_\theta(z|x)}[\nabla_\theta\log p_\theta(x,z)]",
     r"\nabla_\theta\log p_\theta(x) = \mathbb{E}_{p_\theta(z)}[\nabla_\theta\log p_\theta(x|z)]"),
    (ENCODER, r"\mathbb{E}_{q_\phi(z|x)}[f(z)] = \mathbb{E}_{p(\epsilon)}[f(\mu_\phi(x)+\sigma_\phi(x)\odot\epsilon)]",
     r"\mathbb{E}_{q_\phi(z|x)}[f(z)] = \mathbb{E}_{p(\epsilon)}[f(\mu_\phi(x)+\epsilon)]"),
    (ENCODER, r"log p(x) = E_{q(z|x)}[log\frac{p(x,z)}{q(z|x)}] + KL(q(z|x)\|p(z|x))",
     r"log p(x) = E_{q(z|x)}[log\frac{p(x,z)}{q(z|x)}] - KL(q(z|x)\|p(z|x))"),
    (ENCODER, r"\log p(x) >= \mathbb{E}\_{q(z|x)}[\log p(x,z) - \log q(z|x)]",
     r"\log p(x) <= \mathbb{E}\_{q(z|x)}[\log p(x,z) - \log q(z|x)]"),
    (ENCODER, r"p(x) = \sum_z p(x|z)p(z)", r"p(x) = \sum_z p(x|z)p(z|x)"),
    (ENCODER, r"2\,\text{ELBO}(\lambda) = 2\mathbb{E}_{q(z;\lambda)}[\log p(x,z) - \log q(z;\lambda)]",
     r"2\,\text{ELBO}(\lambda) = 2\mathbb{E}_{q(z;\lambda)}[\log p(x,z) + \log q(z;\lambda)]"),
]  # fmt: skip
# what may be true of another chain, of a network at its best, of one draw, or is only wished for
OPEN = [
    (STEP, r"\mathbb{E}[x_0|x_t] = x_t + \sigma_t^2\nabla_{x_t}\log p(x_t)"),
    (STEP, r"\mathbb{E}[x_0|x_t] = \frac{x_t - \sqrt{1-\bar\alpha_t}\epsilon_\theta(x_t,t)}{\sqrt{\bar\alpha_t}}"),
    (STEP, r"2\mathbb{E}[\epsilon|x_t] = 2\epsilon"),
    (STEP, r"\sqrt{\bar\alpha_t}x_0 = x_t + (1-\bar\alpha_t)\nabla_{x_t}\log p(x_t)"),
    (STEP, r"\mathrm{Var}(x_t) = \mathbb{E}[\|x_t\|^2] - \|\mathbb{E}[x_t]\|^2"),
    (STEP, r"q(x_t|x_{t-1},y) = q(x_t|x_{t-1})"),
    (STEP, r"\mathbb{E}_{q(x_0|x)}[x_0] = x"),
    (STEP, r"q(x_0|x_1,x_0) = 1"),
    (STEP, r"\log p_\theta(x_0) = \text{ELBO} + \text{KL}(q(z|x_0)\|p_\theta(z|x_0))"),
    (
        STEP,
        r"\log\frac{p_\theta(x_0,z)}{q(z|x_0)}"
        r" = \log p(x_T) + \sum_{t=1}^T\log\frac{p_\theta(x_{t-1}|x_t)}{q(x_t|x_{t-1})}",
    ),
    (ENCODER, r"D_{KL}(q(z|x)\|p(z|x)) = 0"),
]


@pytest.mark.sampled(8)
@pytest.mark.parametrize(("before", "true", "false"), PAIRS)
def test_a_true_line_is_proved_and_its_neighbour_refuted(before: str, true: str, false: str) -> None:
    assert last(before, true) in PROVED
    assert last(before, false) == "refuted"


@pytest.mark.sampled(8)
@pytest.mark.parametrize(("before", "true", "false"), HALF)
def test_a_true_line_is_proved_and_its_neighbour_is_not(before: str, true: str, false: str) -> None:
    assert last(before, true) in PROVED
    assert last(before, false) not in PROVED


@pytest.mark.sampled(8)
@pytest.mark.parametrize(("before", "tex"), OPEN)
def test_what_may_mean_another_thing_is_neither_proved_nor_refuted(before: str, tex: str) -> None:
    assert last(before, tex) in ("undecided", "not read", "definition")


def test_a_chain_of_states_in_displays_of_their_own_is_judged_by_its_head() -> None:
    steps = (
        "$$x_t = \\sqrt{\\alpha_t}x_{t-1} + \\sqrt{1-\\alpha_t}\\epsilon$$\n\n"
        "$$= \\sqrt{\\alpha_t\\alpha_{t-1}}x_{t-2} + \\sqrt{1-\\alpha_t\\alpha_{t-1}}\\epsilon$$\n\n"
    )
    assert last(STEP + steps, r"= \sqrt{\bar\alpha_t}x_0 + \sqrt{1-\bar\alpha_t}\epsilon") in PROVED
    assert last(STEP + steps, r"= \sqrt{\bar\alpha_t}x_0 + (1-\bar\alpha_t)\epsilon") not in PROVED


def test_one_letter_in_two_terms_may_be_two_noises() -> None:
    two = r"\sqrt{\alpha_t(1-\alpha_{t-1})}\epsilon + \sqrt{1-\alpha_t}\epsilon"
    two = r"x_t = \sqrt{\alpha_t\alpha_{t-1}}x_{t-2} + " + two
    assert last(STEP, two) == "proved as read"
    assert last(STEP, two.replace(r"\alpha_t(1", r"\alpha_{t-1}(1")) not in (*PROVED, "refuted")
