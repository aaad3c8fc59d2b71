"""What a line is does not depend on its dress: coats, spaces, brackets' sizes, colours, and names for indices."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from threefold.check.admissible import read
from threefold.check.contexts.base import Settings
from threefold.check.definitions import Definitions
from threefold.check.display import statements
from threefold.check.tasks import Task
from threefold.check.tokens import tokenise

LINES = [
    ("ddpm", r"q(x_t|x_0) = \mathcal N(x_t; \sqrt{\bar\alpha_t}x_0, (1-\bar\alpha_t)I)"),
    ("ddpm", r"q(x_t|x_0) = \mathcal N(x_t; \bar\alpha_t x_0, (1-\bar\alpha_t)I)"),
    ("ddpm", r"\bar\alpha_t = \prod_{s=1}^t (1-\beta_s)"),
    ("ddpm", r"x_0 = \frac{1}{\sqrt{\bar\alpha_t}}(x_t - \sqrt{1-\bar\alpha_t}\epsilon)"),
    ("ddpm", r"\|\epsilon-\epsilon_\theta(x_t,t)\|^2 = \|\epsilon\|^2 - \|\epsilon_\theta(x_t,t)\|^2"),
    ("ddpm", r"D_{KL}(q(x_{t-1}|x_t,x_0)\|p_\theta(x_{t-1}|x_t)) = \frac{1}{2\sigma_t^2}\|x_0-x_t\|^2"),
    ("vae", r"\log p_\theta(x) \ge \mathbb E_{q_\phi(z|x)}[\log p_\theta(x|z)] - D_{KL}(q_\phi(z|x)\|p(z))"),
    ("vae", r"p_\theta(x) = \int p_\theta(x|z) p(z) dz"),
    ("vae", r"\log p(x) = \mathbb E_{q(z|x)}[\log\frac{p(x,z)}{q(z|x)}] + D_{KL}(q(z|x)\|p(z|x))"),
    ("flow-matching", r"p_t(x) = \int p_t(x|z) p(z) dz"),
]


def in_bold(tex: str) -> str:
    return re.sub(r"(?<![a-zA-Z\\])([xz])(?![a-zA-Z])", r"\\mathbf{\1}", tex)


def with_heights(tex: str) -> str:
    return re.sub(r"(?<![\\a-zA-Z])([(\[])", r"\\left\1", re.sub(r"(?<!\\)([)\]])", r"\\right\1", tex))


def in_colour(tex: str) -> str:
    return re.sub(r"\\epsilon|\\beta|\\phi", lambda m: rf"\textcolor{{red}}{{{m.group()}}}", tex)


DRESSES: list[Callable[[str], str]] = [
    in_bold,
    with_heights,
    in_colour,
    lambda tex: tex.replace("=", r"\; = \,\! ").replace("|", r" \mid "),
    lambda tex: re.sub(r"_([a-zA-Z0-9])", r"_{\1}", tex),
    lambda tex: re.sub(r"_\{", "_ { ", tex),
    lambda tex: tex.replace(r"\epsilon", r"\varepsilon").replace(r"\phi", r"\varphi"),
    lambda tex: tex.replace(r"\bar\alpha", r"\overline{\alpha}").replace(r"\mathbb E", r"\operatorname{\mathbb{E}}"),
    lambda tex: tex.replace("D_{KL}", r"\mathrm{KL}").replace(r"\|p", r"\,\Vert\,p"),
    lambda tex: rf"\boxed{{{tex}}}".replace(r"\boxed{", "").removesuffix("}") if "=" not in tex else tex + r"\tag{1}",
    lambda tex: tex + r" \quad (1.2)",
    lambda tex: tex + r".",
]


def terms(context: str, tex: str) -> list[tuple[object, str, object]]:
    """Every reading of the line, as terms."""
    (statement,) = [s for s in statements(tokenise(tex)) if s.relations]
    left, relation, right = next(statement.links)
    task = Task(left or (), relation.text, right, (context,), Settings(), Definitions())
    return [(r.lhs, r.relation, r.rhs) for r, _, _ in read(task)]


@pytest.mark.parametrize("number", range(len(DRESSES)))
@pytest.mark.parametrize(("context", "tex"), LINES)
def test_the_dress_of_a_line_changes_no_reading(context: str, tex: str, number: int) -> None:
    assert terms(context, DRESSES[number](tex)) == terms(context, tex)


@pytest.mark.parametrize("letter", ["s", "i", "j"])
def test_the_name_of_a_bound_index_changes_no_reading(letter: str) -> None:
    one, two = (terms("ddpm", rf"\bar\alpha_t = \prod_{{{n}=1}}^t (1-\beta_{n})") for n in ("s", letter))
    assert [str(a).replace(letter, "s") for a in two] == [str(a) for a in one]
