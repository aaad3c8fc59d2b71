"""Notation that may mean two things: a line is refuted only where it is false in both, and never proved where it is."""

from __future__ import annotations

import pytest

import threefold

ENCODER = "$$q_\\phi(z|x) = \\mathcal N(z; \\mu_\\phi(x), \\sigma_\\phi^2(x) I)$$\n\n"
STEP = "$$q(x_t|x_{t-1}) = \\mathcal N(x_t; \\sqrt{1-\\beta_t}x_{t-1}, \\beta_t I)$$\n\n"

PREDICTED = (
    STEP + "$$\\hat x_0 = \\frac{x_t-\\sqrt{1-\\bar\\alpha_t}\\epsilon_\\theta(x_t,t)}{\\sqrt{\\bar\\alpha_t}}$$\n\n"
)


def last(text: str) -> str:
    """The verdict of the last link."""
    return list(threefold.check(text, seconds=20))[-1].verdict


PROVED = ("proved", "proved as read")
TRUE = [
    # q(z), its condition left out, is the encoder
    (ENCODER, r"D_{KL}(q\|p) = \frac12\sum_{j=1}^d(\mu_j^2 + \sigma_j^2 - \log\sigma_j^2 - 1)"),
    # d counts the coordinates of the latent
    (ENCODER, r"\log p(z) = -\frac d2\log(2\pi) - \frac12\sum_{j=1}^d z_j^2"),
    # log reaches over a dot before a density
    ("", r"\log p(x) = \mathbb E_{q(z|x)}[\log\frac{p(x,z)}{q(z|x)}\cdot\frac{q(z|x)}{p(z|x)}]"),
    # the joint density in its two factors
    ("", r"\log p(x) = \log\int q(z|x)\frac{p(x|z)p(z)}{q(z|x)}dz"),
    ("", r"\log p(x) \ge \mathbb E_{q(z|x)}[\log\frac{p(x|z)p(z)}{q(z|x)}]"),
    ("", r"\log\int p(x|z)p(z)dz \ge \mathbb E_{q(z|x)}[\log\frac{p(x|z)p(z)}{q(z|x)}]"),
    # the integral of a difference
    ("", r"KL(q(z)\|p(z|x)) = \int q(z)\log q(z) - q(z)\log p(z|x) dz"),
    ("", r"\log p(x) \ge E_{q(z|x)}[\log p(x,z)] + H(q(z|x))"),
    (STEP, r"p(x_0) = \int p(x_T)\prod_{t=1}^Tp(x_{t-1}|x_t) dx_1 \ldots dx_T"),
    (STEP, r"H(x_t|x_0) = \frac d2\log(2\pi e(1-\bar\alpha_t))"),
    (STEP, r"q(x_{1:T}|x_0) = q(x_1|x_0)\cdot q(x_2|x_1)\cdots q(x_T|x_{T-1})"),
    (STEP, r"q(x_t|x_{t-1}) = \frac1{(2\pi\beta_t)^{d/2}}\exp(-\frac{\|x_t-\sqrt{1-\beta_t}x_{t-1}\|^2}{2\beta_t})"),
    (
        STEP,
        r"\nabla_{x_t}\log q(x_t|x_0) = \nabla_{x_t}[-\frac{\|x_t-\sqrt{\bar\alpha_t}x_0\|^2}{2(1-\bar\alpha_t)}]",
    ),
    (
        STEP,
        r"p(x_0|x_t) = \frac{q(x_t|x_0)p_0(x_0)}{p_t(x_t)}",
    ),
    (STEP, r"\text{from \quad} q(x_t|x_0) = \mathcal N(x_t; \sqrt{\bar\alpha_t}x_0, (1-\bar\alpha_t)I)"),
    (
        STEP,
        r"\therefore x_t - \sqrt{1-\bar\alpha_t}\epsilon_\theta"
        r" = \sqrt{\bar\alpha_t}\frac{x_t-\sqrt{1-\bar\alpha_t}\epsilon_\theta(x_t,t)}{\sqrt{\bar\alpha_t}}",
    ),
    # because, therefore: another statement
    (STEP, r"\alpha_t = 1-\beta_t \therefore \beta_t = 1-\alpha_t"),
    (STEP, r"\because \alpha_t = 1-\beta_t \therefore \sqrt{1-\beta_t} = \sqrt{\alpha_t}"),
    (
        STEP,
        r"1-\alpha_t+\alpha_t(1-\bar\alpha_{t-1}) = 1-\bar\alpha_t \because \bar\alpha_t = \alpha_t\bar\alpha_{t-1}",
    ),
    ("$$dx = f(x,t)dt + g(t)dw$$\n\n", r"\frac{dx}{dt} = f(x,t) - \frac12g(t)^2\nabla_x\log p_t(x)"),
    (
        "",
        r"KL(p\|q) = \frac12[\log\frac{|\Sigma_q|}{|\Sigma_p|} - k + (\mu_p-\mu_q)^T\Sigma_q^{-1}(\mu_p-\mu_q)"
        r" + \text{tr}(\Sigma_q^{-1}\Sigma_p)]",
    ),
]
FALSE = [
    (ENCODER, r"D_{KL}(q\|p) = \frac12\sum_{j=1}^d(\mu_j^2 - \sigma_j^2 - \log\sigma_j^2 - 1)"),
    (ENCODER, r"\log p(z) = -\frac d2\log(2\pi) - \frac12\sum_{j=1}^d z_j"),
    ("", r"\log p(x) = \mathbb E_{q(z|x)}[\log\frac{p(x,z)}{q(z|x)}\cdot\frac{p(z|x)}{q(z|x)}]"),
    ("", r"\log p(x) \ge \mathbb E_{q(z|x)}[\log\frac{p(x|z)}{q(z|x)}]"),
    ("", r"KL(q(z)\|p(z|x)) = \int q(z)\log q(z) + q(z)\log p(z|x) dz"),
    (STEP, r"q(x_t|x_{t-1}) = \frac1{(2\pi\beta_t)^{d/2}}\exp(-\frac{\|x_t-\sqrt{1-\beta_t}x_{t-1}\|^2}{\beta_t})"),
    (
        "$$dx = f(x,t)dt + g(t)dw$$\n\n$$dx = e^t dw$$\n\n",
        r"dx = [f(x,t) - g(t)^2\nabla_x\log p_t(y|x)]dt + g(t)dw",
    ),
    (STEP, r"\alpha_t = 1-\beta_t \therefore 2+\beta_t = 2-\alpha_t"),
    (STEP, r"\mathbb E_{x_0,x_t|x_0}[\|x_t\|^2] = 2"),
    # what is left out behind a proportionality is free of the variable of its law
    (STEP, r"q(x_{t-1}|x_t,x_0) \propto q(x_t|x_{t-1})q(x_{t-1}|x_0) = q(x_t|x_{t-1},x_0)"),
    ("$$dx = f(x,t)dt + g(t)dw$$\n\n", r"\frac{dx}{dt} = f(x,t) - g(t)^2\nabla_x\log p_t(x)"),
]
# A score that is only named depends on its variable, and is no free vector: neither true nor false by itself.
OPEN = [
    ("$$s_\\theta(x,t) \\approx \\nabla_x\\log p_t(x)$$\n\n", r"\mathbb E_{p_t(x)}[\nabla_x\log p_t(x)] = 0"),
    (
        "$$s_\\theta(x,t) \\approx \\nabla_x\\log p_t(x)$$\n\n",
        r"\mathbb E_{p_t(x)}[\nabla_x\log p_t(x)] = \nabla_x\log p_t(x)",
    ),
    # q(z) may be set, and p(x) under an average may be the law of the data
    ("", r"q(z) = \mathbb E_{p(x)}[q(z|x)]"),
    ("", r"\mathbb E_{p(x)}[\mathbb E_{q(z|x)}[\log p(x|z)]] = \mathbb E_{q(z)}[\log p(x|z)]"),
    # the noise that made x_t is averaged over with it
    (
        STEP,
        r"\mathbb E_{q(x_t)}[\|\epsilon_\theta(x_t,t)-\epsilon\|^2]"
        r" = \mathbb E_{x_0,\epsilon}[\|\epsilon_\theta(x_t,t)-\epsilon\|^2]",
    ),
    (STEP, r"\nabla_{x_t}\log q(x_t) = -\frac{\epsilon_\theta(x_t,t)}{\sqrt{1-\bar\alpha_t}}"),
    # p(x) beside the encoder's joint law is the law of the data, however it is averaged over
    (ENCODER, r"\int q(z|x)p(x)dx = q(z)"),
    (ENCODER, r"q(x,z) = q(z|x)p(x)"),
    (ENCODER, r"q(x|z) = \frac{q(z|x)p(x)}{q(z)}"),
    (ENCODER, r"\int p(x) KL(q(z|x)\|p(z)) dx = \int p(x) KL(q(z|x)\|q(z)) dx + KL(q(z)\|p(z))"),
    # p_T is the prior of the model, or the law of the data after T steps
    (STEP, r"p_T(x_T) = \mathcal N(x_T; 0, I)"),
    (STEP, r"\log p_0(x_0) \ge \mathbb E_{q(x_{1:T}|x_0)}[\log\frac{p_\theta(x_{0:T})}{q(x_{1:T}|x_0)}]"),
    (STEP, r"KL(q(x_T|x_0)\|p_T(x_T)) = \frac12(\bar\alpha_T\|x_0\|^2 - d\bar\alpha_T - d\log(1-\bar\alpha_T))"),
    # the noise, and a prediction, are made from the variable of the gradient
    (STEP, r"\nabla_{x_t}[-\frac12\|\epsilon\|^2] = -\frac{\epsilon}{\sqrt{1-\bar\alpha_t}}"),
    (STEP, r"\nabla_{x_t}\|\epsilon\|^2 = 0"),
    (STEP, r"\nabla_{x_t}\|x_t-\epsilon\|^2 = 2(x_t-\epsilon)"),
    (STEP, r"\nabla_{x_t}\|y-\hat x_0\|^2 = 0"),
    (STEP, r"\nabla_{x_t}\|x_t-\hat x_0\|^2 = 2(x_t-\hat x_0)"),
    (PREDICTED, r"\nabla_{x_t}\|x_t-\hat x_0\|^2 = 2(x_t-\hat x_0)"),
    # the score of a prior is a function of its variable
    (ENCODER, r"\nabla_z\log p(z) = -z"),
    ("", r"\nabla_x\log p(x) = -x"),
    # given x_t, the noise is random as x_0 is
    (STEP, r"\mathbb E_{x_0|x_t}[\epsilon] = \epsilon"),
    # x_0 behind the bar is given too; before it, it may be a law of its own
    (STEP, r"\mathbb E_{x_{t-1},x_t|x_0}[\|x_t\|^2] = 2"),
    # an ellipsis between s and t, of which the later is not said
    (STEP, r"\alpha_{t+1}\cdots\alpha_s = \frac{\bar\alpha_s}{\bar\alpha_t}"),
    # p alone is the prior, or the posterior
    ("", r"\log p(x) = \int q(z)\log\frac{p(x,z)}{q(z)}dz + KL(q\|p)"),
    ("", r"\log p(x) = E_{q(z)}[\log p(x,z)] + H(q) + KL(q\|p)"),
    (STEP, r"\nabla_{\epsilon}\|x_t-\epsilon\|^2 = -2(x_t-\epsilon)"),
    (STEP, r"\mathbb E_{x_0|}[x_0] = \mathbb E_{|x_t}[x_0]"),
    (STEP, r"\int dx_1\ldots dx_T = \int\ldots dx_T"),
    # a determinant has a dimension
    (STEP, r"\log|\beta_t I| = \log\beta_t"),
    (STEP, r"\log|\beta_t I| = d\log\beta_t"),
]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("before", "tex"), TRUE)
def test_what_is_true_in_one_reading_is_proved(before: str, tex: str) -> None:
    assert last(f"{before}$${tex}$$\n") in PROVED


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("before", "tex"), FALSE)
def test_what_is_false_in_every_reading_is_refuted(before: str, tex: str) -> None:
    assert last(f"{before}$${tex}$$\n") == "refuted"


@pytest.mark.parametrize(("before", "tex"), OPEN)
def test_what_is_not_said_is_neither_proved_nor_refuted(before: str, tex: str) -> None:
    assert last(f"{before}$${tex}$$\n") in ("not read", "undecided", "definition")


def test_an_equality_behind_a_proportionality_may_drop_what_is_free_of_the_variable() -> None:
    tex = (
        r"q(x_{t-1}|x_t,x_0) \propto \exp(-\frac{\|x_{t-1}-x_0\|^2}{2})"
        r" = \exp(-\frac12[\|x_{t-1}\|^2 - 2\langle x_{t-1},x_0\rangle])"
    )
    assert last(f"{STEP}$${tex}$$\n") == "equal up to a constant"


def test_a_step_whose_mean_is_a_function_that_is_given_later_is_the_step_of_the_chain() -> None:
    said = (
        "$$q(x_t|x_{t-1}) := \\mathcal N(f(x_{t-1}), g(x_{t-1}))$$\n\n"
        "$$f(x_{t-1}) := \\sqrt{1-\\beta_t}x_{t-1}$$\n\n$$g(x_{t-1}) := SCALE I$$\n\n"
        "$$q(x_t|x_0) = \\mathcal N(x_t; \\sqrt{\\bar\\alpha_t}x_0, (1-\\bar\\alpha_t)I)$$\n"
    )
    assert last(said.replace("SCALE", "\\beta_t")) in PROVED
    assert last(said.replace("SCALE", "\\beta_t^2")) not in (*PROVED, "refuted")
