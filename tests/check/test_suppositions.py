"""A formula that is claimed for one case is refuted by no other case; what is said of every case still is."""

from __future__ import annotations

import pytest

import threefold

STEP = "$$q(x_t|x_{t-1}) = \\mathcal N(x_t; \\sqrt{1-\\beta_t}x_{t-1}, \\beta_t I)$$\n\n"
ENCODER = "$$q_\\phi(z|x) = \\mathcal N(z; \\mu_\\phi(x), \\sigma_\\phi^2(x) I)$$\n\n"
WITHOUT_DATA = r"\|x_t\|^2 = (1-\bar\alpha_t)\|\epsilon\|^2"
FIRST = r"2\beta_t = 2(1-\bar\alpha_t)"
WRONG = r"q(x_t|x_0) = \mathcal N(x_t; \bar\alpha_t x_0, (1-\bar\alpha_t)I)"


def judged(text: str) -> list[str]:
    return [link.verdict for link in threefold.check(text, seconds=20)]


@pytest.mark.parametrize(
    "tex",
    [
        rf"{WITHOUT_DATA} \quad\text{{when }} x_0=0",
        rf"{WITHOUT_DATA}, \text{{ for }} x_0 = 0",
        rf"\text{{If }} x_0=0, \text{{ then }} {WITHOUT_DATA}",
        rf"x_0=0 \Rightarrow {WITHOUT_DATA}",
        rf"x_0=0 \iff {WITHOUT_DATA}",
        rf"\text{{Suppose }} x_0=0. \text{{ Then }} {WITHOUT_DATA}",
        rf"{FIRST} \quad \text{{at }} t=1",
        rf"{FIRST}, \quad t=1",
        r"2\alpha_t = 1 \text{ when } \alpha_t=\beta_t",
        r"\alpha_t=\beta_t \implies 2\alpha_t = 1",
    ],
)
def test_a_case_in_the_display(tex: str) -> None:
    assert "refuted" not in judged(f"{STEP}$${tex}$$\n")


@pytest.mark.parametrize(
    ("words", "tex"),
    [
        ("When $t=1$,", FIRST),
        ("At the first step ($t = 1$),", FIRST),
        ("As \\(t \\to 1\\),", FIRST),
        ("Consider $t=1$. Here", FIRST),
        ("For $t=1$\n$$\\tilde\\beta_t = 0$$\nand so", FIRST),
        ("If we set $x_0 = 0$, we get", WITHOUT_DATA),
        ("In the special case $\\alpha_t = \\beta_t$,", r"2\alpha_t = 1"),
        ("In one dimension,", r"H(x_t|x_0)-1 = \frac12\log(2\pi e(1-\bar\alpha_t))-1"),
        (
            "With a perfect network, $\\epsilon_\\theta(x_t,t) = \\epsilon$,",
            r"\|\epsilon-\epsilon_\theta(x_t,t)\|^2 = 0",
        ),
    ],
)
def test_a_case_in_the_prose_before(words: str, tex: str) -> None:
    assert judged(f"{STEP}{words}\n$${tex}$$\n")[-1] in ("undecided", "not read")


def test_a_case_in_the_prose_behind() -> None:
    assert judged(f"{STEP}Then\n$${FIRST}$$\nif $t = 1$.\n")[-1] == "undecided"


def test_a_tight_bound() -> None:
    words = "The bound is tight if $q_\\phi(z|x) = p_\\theta(z|x)$, and then"
    assert (
        judged(f"{ENCODER}{words}\n$$\\log p(x) = \\mathbb E_{{q(z|x)}}[\\log\\frac{{p(x,z)}}{{q(z|x)}}]$$\n")[-1]
        == "undecided"
    )


@pytest.mark.parametrize(
    "text",
    [
        rf"$${WRONG} \quad \text{{since }} \alpha_t = 1-\beta_t$$",
        rf"$${WRONG}, \quad \bar\alpha_0 = 1$$",
        f"For $t = 1, \\dots, T$ and with $\\alpha_t = 1-\\beta_t$ we have\n$${WRONG}$$",
        f"where $\\epsilon \\sim \\mathcal N(0,I)$ and $T=1000$. So\n$${WRONG}$$",
        f"When $t=1$, it is $\\beta_1$.\n\nIn general\n$${WRONG}$$",
        f"When $t=1$,\n$${FIRST}$$\nIn general, however,\n$${WRONG}$$",
    ],
)
def test_what_is_said_of_every_case_is_refuted(text: str) -> None:
    assert "refuted" in judged(f"{STEP}{text}\n")


SCALED = "$$x_t = \\alpha_t x_0 + \\sigma_t\\epsilon$$\n\n"
VARIATIONAL = "$$q(x_t|x_0) = \\mathcal N(x_t;\\alpha_t x_0,\\sigma_t^2 I)$$\n\n"
PRODUCT = "$$\\bar\\alpha_t = \\prod_{s=1}^t\\alpha_s$$\n\n"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("before", [SCALED, VARIATIONAL, STEP + PRODUCT + SCALED])
@pytest.mark.parametrize(
    "tex",
    [
        r"-\frac{x_t-\alpha_t x_0}{\sigma_t^2} = -\frac{\epsilon}{\sigma_t}",
        r"\|x_t-\alpha_t x_0\|^2 = \sigma_t^2\|\epsilon\|^2",
        r"\alpha_t^2+\sigma_t^2 = 1",
        r"\mathbb E_{x_t|x_0}[x_t] - x_0 = \alpha_t x_0 - x_0",
        r"\nabla_{x_t}\log q(x_t|x_0) = -\frac{x_t-\alpha_t x_0}{\sigma_t^2}",
    ],
)
def test_a_scale_of_the_documents_own(before: str, tex: str) -> None:
    assert "refuted" not in judged(f"{before}$${tex}$$\n")
