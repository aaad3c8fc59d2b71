"""What is parsed prints back to what stood there; what is not understood is said to be not read, with its place."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threefold.check import print_back
from threefold.check.display import statements
from threefold.check.macros import collect
from threefold.check.parse import Choices, Parser
from threefold.check.parses import parse_side
from threefold.check.tokens import NotRead, flat, tokenise

READ = [
    r"\mathbb{E}_{q_\phi(z|x)}[\log p_\theta(x|z)]",
    r"D_{\mathrm{KL}}(q_\phi(z\mid x)\,\|\,p(z))",
    r"\mathrm{KL}\left(q(x_{t-1}|x_t,x_0)\,\|\,p_\theta(x_{t-1}|x_t)\right)",
    r"\mathcal{N}(x_t;\sqrt{\bar\alpha_t}x_0,(1-\bar\alpha_t)\mathbf I)",
    r"\prod_{s=1}^t(1-\beta_s)",
    r"\frac{\sqrt{\bar\alpha_{t-1}}\beta_t}{1-\bar\alpha_t}x_0+\frac{\sqrt{\alpha_t}(1-\bar\alpha_{t-1})}{1-\bar\alpha_t}x_t",
    r"\|\epsilon-\epsilon_\theta(\sqrt{\bar\alpha_t}x_0+\sqrt{1-\bar\alpha_t}\epsilon,t)\|^2",
    r"\nabla_{x_t}\log q(x_t|x_0)",
    r"\mathbb E_q\left[\log\frac{p_\theta(x,z)}{q(z|x)}\right]",
    r"p(x_T)\prod_{t=1}^Tp_\theta(x_{t-1}|x_t)",
    r"x^\top\Sigma^{-1}x",
    r"\tfrac12\left(\mathrm{tr}(\Sigma_q^{-1}\Sigma_p)-k+\log\frac{|\Sigma_q|}{|\Sigma_p|}\right)",
    r"\mu_\phi(x)+\sigma_\phi(x)\odot\epsilon",
    r"-\tfrac12\beta(t)x\,dt+\sqrt{\beta(t)}\,dw",
    r"\left[f(x,t)-\tfrac12g(t)^2\nabla_x\log p_t(x)\right]dt",
    r"(1+w)\epsilon_\theta(x_t,c)-w\,\epsilon_\theta(x_t,\varnothing)",
    r"\frac{x_1-x}{1-t}",
    r"\sum\limits_{t>1} a_t \textcolor{red}{b_t} \cdot {\bf x}",
    r"\underbrace{\int q(z|x)\,dz}_{=1}",
    r"{- \log q(z)} + \mathbf { x } _ { t - 1 }",
]
NOT_READ = [
    r"\frac{1}{2",
    r"x}",
    r"a \mathop",
    r"\sqrt[3]{x}",
    r"\begin{matrix} a & b \end{matrix}",
    r"x_1_2",
    r"\unknowncommand x",
    r"\frac",
    r"\log_2 x",
    r"a +",
    r"(a",
    r"f(x|",
    r"\int p(z)",
    r"a \pm b",
    r"\begin{aligned} a",
]


@pytest.mark.parametrize("tex", READ)
def test_a_side_prints_back(tex: str) -> None:
    items = tokenise(tex)
    node, _, _ = parse_side(items, Choices())
    assert print_back.signs(node) == flat(items)


@pytest.mark.parametrize("tex", NOT_READ)
def test_what_is_not_understood_is_not_read(tex: str) -> None:
    from threefold.check import laws  # noqa: F401  (the whole reader is loaded)
    from threefold.check.contexts.base import Settings
    from threefold.check.contexts.detect import CONTEXTS
    from threefold.check.definitions import Definitions
    from threefold.check.read import Reader

    with pytest.raises(NotRead):
        items = tokenise(tex)
        for statement in statements(items):
            node = Parser(statement.sides[0] or ()).whole()
            Reader(CONTEXTS["vae"], Settings(), Definitions(), opaque=False).value(node)


def test_print_back_notices_a_slip() -> None:
    node, _, _ = parse_side(tokenise(r"a(b+c)"), Choices())
    assert not print_back.agrees(node, tokenise(r"ab+c"))
    assert not print_back.agrees(node, tokenise(r"a(b-c)"))
    assert not print_back.agrees(node, tokenise(r"a(b+c)d"))


@pytest.mark.parametrize(
    ("plain", "dressed"),
    [
        (r"\sqrt{\bar\alpha_t} x_0", r"\sqrt{ \bar{\alpha}_{t} }\, \mathbf{x}_{0}"),
        (r"(x_t - \epsilon)", r"\left( \boldsymbol{x}_t \; - \; \textcolor{red}{\varepsilon} \right)"),
        (r"\frac12 \|x\|^2", r"\tfrac{1}{2}\bigl\lVert {\bf x} \bigr\rVert^{2}"),
        (r"p(x|z)", r"p\left(\bm{x} \,\middle|\, z\right)"),
        (r"\bar\alpha_{t-1} + \tilde\mu_t(x)", r"\bar{\alpha_{t-1}} + \tilde{\mu_t}(x)"),
    ],
)
def test_coats_do_not_matter(plain: str, dressed: str) -> None:
    assert flat(tokenise(plain)) == flat(tokenise(dressed))


def test_a_chain_has_its_links_and_a_row_goes_on() -> None:
    (chain,) = statements(tokenise(r"a = b \\ &= c \\ &\quad + d \\ &\le e, \quad (2.6)"))
    assert [r.text for r in chain.relations] == ["=", "=", r"\le"]
    assert flat(chain.sides[2] or ()) == ["c", "+", "d"]
    assert flat(chain.sides[3] or ()) == ["e"]


def test_statements_side_by_side_are_cut() -> None:
    found = statements(
        tokenise(r"x_t = a x_0 + b\epsilon,\quad \epsilon\sim q(x) \text{ and } b = 1-a \text{ for } t \ge 2")
    )
    assert [[r.text for r in s.relations] for s in found] == [["="], [r"\sim"], ["="]]
    assert "t" in found[2].condition[0]


def test_a_second_column_is_a_statement_of_its_own() -> None:
    found = statements(tokenise(r"x_t &= a x_0 + b\epsilon && \epsilon\sim q(x) \\ &= c && \text{(Bayes)}"))
    assert [[r.text for r in s.relations] for s in found] == [["=", "="], [r"\sim"]]


def test_macros_expand_and_those_that_call_themselves_do_not_hang() -> None:
    macros = collect(r"\newcommand{\E}[2]{\mathbb{E}_{#1}[#2]} \def\bx{\mathbf{x}} \def\a{\b}\def\b{\a}")
    assert flat(tokenise(r"\E{q}{\bx}", macros)) == flat(tokenise(r"\mathbb{E}_{q}[\mathbf{x}]"))
    with pytest.raises(NotRead, match="goes on and on"):
        tokenise(r"\a + 1", macros)


def test_deep_braces_end_at_once() -> None:
    started = time.perf_counter()
    for opening, closing in (("{", "}"), ("(", ")"), (r"\frac{", "}{1}"), ("x_{", "}")):
        text = opening * 9000 + "x" + closing * 9000
        with pytest.raises((NotRead, RecursionError)):
            for statement in statements(tokenise(text)):
                Parser(statement.sides[0] or ()).whole()
    assert time.perf_counter() - started < 20


SIGNS = (
    r"x_t \alpha { } ( ) \frac _ ^ | \| = \sum_{t=1}^T \log \mathbb E [ ] \\ & , d x \bar \int p q \text{ab} "
    r"\underbrace{x}_{y} 2 / \left. \right| \begin{aligned} \end{aligned} - + \cdot ' \nabla"
)
PIECES = SIGNS.split()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_any_signs_in_any_order_are_read_or_not_read(pieces: list[str]) -> None:
    _survives(" ".join(pieces))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_read_or_not_read(text: str) -> None:
    _survives(text)


def test_random_bytes_are_read_or_not_read() -> None:
    rng = random.Random(0)
    for _ in range(50):
        _survives(bytes(rng.randrange(256) for _ in range(300)).decode("latin-1"))


def _survives(text: str) -> None:
    try:
        for statement in statements(tokenise(text)):
            for side in statement.sides:
                if side:
                    node, _, _ = parse_side(side, Choices())
                    assert print_back.signs(node) == flat(side)
    except NotRead as reason:
        assert reason.message


def test_a_sign_inside_a_labelled_brace_is_a_sign_of_the_sum() -> None:
    node, _, _ = parse_side(
        tokenise(r"\sum_{t=2}^T \underbrace{a_t}_{L_{t-1}} \underbrace{- \log p(x)}_{L_0}"), Choices()
    )
    assert node.kind == "add" and [term.kind for _, term in node[0]] == ["sum", "under"]
