"""How the notation is read: the corpus behind the table of `docs/check/index.md`. Run it to write the table anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from derivations import printing
from threefold.check import sde
from threefold.check.admissible import read, shown
from threefold.check.contexts.base import Settings
from threefold.check.contexts.detect import CONTEXTS
from threefold.check.definitions import Definitions
from threefold.check.display import statements
from threefold.check.parse import Choices
from threefold.check.parses import parse_side
from threefold.check.read import Reader, settle
from threefold.check.tasks import Task
from threefold.check.tokens import NotRead, tokenise

PAGE = Path(__file__).parents[2] / "docs" / "check" / "index.md"
START, END = "<!-- table of readings: begin -->", "<!-- table of readings: end -->"

# (context, LaTeX): the eighteen expressions that a checker of this field must read, others, what must not be read.
CORPUS = [
    ("vae", r"\mathbb{E}_{q_\phi(z|x)}[\log p_\theta(x|z)]"),
    ("vae", r"D_{\mathrm{KL}}(q_\phi(z\mid x)\,\|\,p(z))"),
    ("ddpm", r"\mathrm{KL}\left(q(x_{t-1}|x_t,x_0)\,\|\,p_\theta(x_{t-1}|x_t)\right)"),
    ("ddpm", r"\mathcal{N}(x_t;\sqrt{\bar\alpha_t}x_0,(1-\bar\alpha_t)\mathbf I)"),
    ("ddpm", r"\bar\alpha_t=\prod_{s=1}^t(1-\beta_s)"),
    (
        "ddpm",
        r"\tilde\mu_t(x_t,x_0)=\frac{\sqrt{\bar\alpha_{t-1}}\beta_t}{1-\bar\alpha_t}x_0"
        r"+\frac{\sqrt{\alpha_t}(1-\bar\alpha_{t-1})}{1-\bar\alpha_t}x_t",
    ),
    ("ddpm", r"\|\epsilon-\epsilon_\theta(\sqrt{\bar\alpha_t}x_0+\sqrt{1-\bar\alpha_t}\epsilon,t)\|^2"),
    ("ddpm", r"\nabla_{x_t}\log q(x_t|x_0)=-\frac{\epsilon}{\sqrt{1-\bar\alpha_t}}"),
    ("vae", r"\log p_\theta(x)\ge\mathbb E_q\left[\log\frac{p_\theta(x,z)}{q(z|x)}\right]"),
    ("ddpm", r"p_\theta(x_{0:T})=p(x_T)\prod_{t=1}^Tp_\theta(x_{t-1}|x_t)"),
    ("vae", r"x^\top\Sigma^{-1}x"),
    ("vae", r"(\mu_q-\mu_p)^\top\Sigma_q^{-1}(\mu_q-\mu_p)"),
    ("vae", r"\tfrac12\left(\mathrm{tr}(\Sigma_q^{-1}\Sigma_p)-k+\log\frac{|\Sigma_q|}{|\Sigma_p|}\right)"),
    ("vae", r"z=\mu_\phi(x)+\sigma_\phi(x)\odot\epsilon,\quad\epsilon\sim\mathcal N(0,I)"),
    ("score-sde", r"dx=-\tfrac12\beta(t)x\,dt+\sqrt{\beta(t)}\,dw"),
    ("score-sde", r"dx=\left[f(x,t)-\tfrac12g(t)^2\nabla_x\log p_t(x)\right]dt"),
    ("ddpm", r"\hat\epsilon=(1+w)\epsilon_\theta(x_t,c)-w\,\epsilon_\theta(x_t,\varnothing)"),
    ("flow-matching", r"u_t(x|x_1)=\frac{x_1-x}{1-t}"),
    ("ddpm", r"a=b=c"),
    ("flow-matching", r"\|u_t^\theta(x)-u_t(x|z)\|^2"),
    ("ddim", r"\sqrt{\alpha_{t-1}}x_0+\sqrt{1-\alpha_{t-1}-\sigma_t^2}\,\epsilon_\theta^{(t)}(x_t)"),
    ("ddim", r"f_\theta^{(t)}(x_t)"),
    ("vq", r"\|\text{sg}[z_e(x)]-e_k\|_2^2"),
    ("vae", r"\log p(x) \cdot q(z|x)"),
    ("vae", r"\log p(x|z)\, p(z)"),
    ("ddpm", r"\sum_{t>1} \log \sigma_t"),
    ("ddpm", r"\sqrt{\bar\alpha_{t-1}}"),
    ("ddpm", r"x_T"),
    ("ddpm", r"\mathbb{E}[x_0|x_t]"),
    ("ddpm", r"\mathbb{E}[\epsilon|x_t]=-\sqrt{1-\bar\alpha_t}\nabla_{x_t}\log q(x_t)"),
    ("ddpm", r"\mathrm{Cov}(x_t)=\bar\alpha_t\mathrm{Cov}(x_0)+(1-\bar\alpha_t)I"),
    ("ddpm", r"\sum_{i=1}^t\beta_i\prod_{j=i+1}^t\alpha_j"),
    ("ddpm", r"log p(x_T)"),
    ("vae", r"\mathbb{E}\_{q(z|x)}[\log p(x|z)] <= \log p(x)"),
    ("vae", r"\sum_z p(x|z)p(z)"),
    ("vae", r"p(x|z"),
    ("vae", r"\log_2 p(x)"),
    ("vae", r"\sqrt[3]{2}"),
    ("vae", r"\mathbb E[x | z]"),
    ("ddpm", r"q_\sigma(x_{t-1}|x_t,x_0)"),
    ("ddpm", r"\|x_0\|_1"),
    ("ddpm", r"x_t + 1"),
    ("ddpm", r"x_0 x_1 x_2"),
    ("vae", r"\begin{cases} 1 & x > 0 \\ 0 & x \le 0 \end{cases}"),
    ("vae", r"a \pm b"),
    ("vae", r"3 \text{ apples}"),
    ("vae", r"\text{KL}"),
]


def reading(context: str, tex: str) -> str:
    """Our print of what is read, or why it is not."""
    try:
        found = statements(tokenise(tex))
        if context == "score-sde" and tex.startswith("dx="):
            return differential(found[0].sides[1] or ())
        if found and found[0].relations:
            left, relation, right = next(found[0].links)
            task = Task(left or (), relation.text, right, (context,), Settings(), Definitions())
            made = read(task)[0][0]
            return shown(printing.relation_text(made.lhs, made.relation, made.rhs))
        node, _, _ = parse_side(found[0].sides[0] or () if found else (), Choices())
        reader = Reader(CONTEXTS[context], Settings(), Definitions())
        value = printing.text(settle(reader.value(node)))
        made_up = sorted(reader.opaque.guesses.values()) if reader.opaque else []
        return shown(value) + (f" (with {', '.join(made_up)} undeclared)" if made_up else "")
    except NotRead as reason:
        return f"not read: {reason.message}"


def differential(right: Any) -> str:
    """Drift and diffusion of an equation for dx."""
    node, _, _ = parse_side(right, Choices())
    made = sde.read(node, 0)
    assert made is not None
    reader = Reader(CONTEXTS["score-sde"], Settings(), Definitions())
    parts = [f"drift {printing.text(reader.value(made.drift))}"] if made.drift is not None else []
    parts += [f"diffusion {printing.text(reader.value(made.diffusion))}"] if made.diffusion is not None else []
    return ", ".join(parts)


def table() -> str:
    """The rows of the page."""
    rows = ["| context | LaTeX | read as |", "|---|---|---|"]
    for context, tex in CORPUS:
        shown = tex.replace("|", "\\|")
        said = reading(context, tex).replace("|", "\\|")
        rows.append(f"| {context} | `{shown}` | {said if said.startswith('not read') else f'`{said}`'} |")
    return "\n".join(rows)


def page(text: str) -> str:
    """The page with the table put in."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
