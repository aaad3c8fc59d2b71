"""The exact step of the probability flow: variation of constants, and what freezing the prediction makes of it.

Along a trajectory lambda = log(a/sigma) grows by h; xbar = x/a, varsigma = sigma/a = e^{-lambda}, and m(lambda) is what
the network says the data are, read along the exact trajectory.
"""

from __future__ import annotations

import sympy as sp

from derivations.rules import (
    POSITIVE,
    Chain,
    Claim,
    D,
    Domain,
    IntegralTo,
    Statement,
    fundamental_theorem,
    integration,
    rate,
    rates,
    scalar,
    smoothness,
    vector,
    vector_function,
)

lam = scalar("lam", r"\lambda")
h = scalar("lam_step", "h", positive=True)
u = scalar("inside", "u")
m = vector_function("m_along", "m")
y = vector_function("xbar_along", r"\bar x")
start, guess = vector("xbar_now", r"\bar x"), vector("clean_along", r"\hat x_0")
noise = vector("noise_along", r"\hat\epsilon")
varsigma = scalar("varsigma", r"\varsigma", positive=True)

STEP = Domain({"lam_step": POSITIVE, "varsigma": POSITIVE})


def exact(step: sp.Expr) -> sp.Expr:
    """What the predictions along the way add to x/a during a step in lambda."""
    return IntegralTo(sp.exp(-(step - u)) * m(lam + u), u, 0, step)


solution = sp.exp(-h) * start + exact(h)
seen = IntegralTo(sp.exp(-(h - u)) * (rate(y(u)) + y(u)), u, 0, h)

variation = Claim(
    id="solver.exact.variation_of_constants",
    title="The exact step, by variation of constants",
    chapter="Solvers",
    kind="identity",
    says=(
        Statement(
            D(solution, h),
            "=",
            m(lam + h) - solution,
            name="flow",
            words="it follows the flow: x/a is pulled towards the predicted data",
        ),
        Statement(
            y(h) - sp.exp(-h) * y(0),
            "=",
            seen,
            name="only",
            words="so does every curve: whatever it is pulled towards, its velocity plus itself, is all it is made of",
        ),
        Statement(
            sp.exp(-h) * (guess + varsigma * noise) + IntegralTo(sp.exp(-(h - u)) * guess, u, 0, h),
            "=",
            guess + varsigma * noise + (sp.exp(-h) * varsigma - varsigma) * noise,
            name="frozen",
            words="with the prediction frozen it is DDIM: Euler's step of size varsigma_s - varsigma_t along the noise",
        ),
    ),
    domain=STEP,
    hypotheses=(
        smoothness(m, 0, "an integral of predictions that jump is no longer differentiable at the jump"),
        smoothness(y, 1, "a curve without a velocity follows no flow"),
    ),
    scope="any dimension d, any differentiable path with a, sigma > 0 (VP, VE, sub-VP, straight), any step",
    sources=("Lu et al. 2022 (DPM-Solver), Proposition 3.1", "Lu et al. 2022b (DPM-Solver++), eq. 9"),
    words="The linear part of the flow is solved exactly, so that only the change of the prediction during the step is "
    "left to approximate. In these variables no schedule is left: h is all that a step knows of it.",
)


@variation.proves("flow")
def _(line: Chain) -> None:
    line(D(solution, h))
    line(
        m(lam + h) - solution,
        by=(rates, integration),
        why="the range grows at its upper end, and all that was there before decays",
    )


@variation.proves("only")
def _(line: Chain) -> None:
    line(y(h) - sp.exp(-h) * y(0))
    line(
        sp.exp(-h) * IntegralTo(D(sp.exp(u) * y(u), u), u, 0, h),
        by=fundamental_theorem,
        why="e^u x/a is a constant and what was added since",
    )
    line(seen, by=(rates, integration), why="the product rule")


@variation.proves("frozen")
def _(line: Chain) -> None:
    line(sp.exp(-h) * (guess + varsigma * noise) + IntegralTo(sp.exp(-(h - u)) * guess, u, 0, h))
    line(
        sp.exp(-h) * (guess + varsigma * noise) + sp.exp(-h) * IntegralTo(D(sp.exp(u), u), u, 0, h) * guess,
        by=(rates, integration),
    )
    line(
        sp.exp(-h) * (guess + varsigma * noise) + (1 - sp.exp(-h)) * guess,
        by=fundamental_theorem,
    )
    line(
        guess + varsigma * noise + (sp.exp(-h) * varsigma - varsigma) * noise,
        why="e^{-h} varsigma_t is varsigma_s",
    )
