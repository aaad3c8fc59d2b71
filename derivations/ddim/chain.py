"""The family as a whole chain: along any steps it keeps the marginals, and run forwards it remembers x_0.

The visited steps are counted from the start, y_1, y_2, ..., y_N, each with its own level abar: any subsequence of the
chain's steps, or any levels whatever. sigma_n is the deviation of the fresh noise in y_{n+1}, bounded by what that
point may hold: sigma_n^2 < 1 - abar_{n+1}.
"""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.ddim.family import ANY_PAIR, PAIR, back, fresh, of_ddpm, rho, toward, x_0, x_t
from derivations.notation import abar, alpha, kernel, marginal, s, schedule, t, x
from derivations.refutation.laws import JointNormal
from derivations.refutation.matrices import Matrix
from derivations.refutation.worlds import World
from derivations.rules import (
    UNIT,
    Chain,
    Claim,
    Density,
    Domain,
    Expect,
    Hypothesis,
    LogDensity,
    Normal,
    Statement,
    below,
    composition,
    define,
    definition,
    density,
    given,
    identify,
    induction_hypothesis,
    log_p,
    scalar_function,
    total_probability,
    vector_function,
)
from derivations.score.functions import clean

n = sp.Symbol("n", integer=True, positive=True)
N = sp.Symbol("N", integer=True, positive=True)
visit = vector_function("visit", "y")
level = scalar_function("visited_level", r"\bar a", positive=True)
noise = scalar_function("visited_noise", r"\sigma", positive=True)

# --- along any steps --------------------------------------------------------------------------------------------------


def at(m: sp.Expr) -> Normal:
    """What the chain has at the level of the m-th visited step."""
    return Normal(visit(m), sp.sqrt(level(m)) * clean, 1 - level(m))


def onward(m: sp.Expr) -> Normal:
    """The family's kernel from the m-th visited step to the next."""
    direction = (visit(m) - sp.sqrt(level(m)) * clean) / sp.sqrt(1 - level(m))
    kept = sp.sqrt(1 - level(m + 1) - noise(m) ** 2)
    return Normal(visit(m + 1), sp.sqrt(level(m + 1)) * clean + kept * direction, noise(m) ** 2)


begins = Hypothesis(
    "begins with the marginal",
    "q(y_1 | x_0) = N(sqrt(abar_1) x_0, (1 - abar_1) I) at the first level that is visited",
    log_p("q", visit(1), clean),
    LogDensity(at(sp.S.One)),
)
member = Hypothesis(
    "member of the family",
    "q(y_{n+1} | y_n, x_0) is the family's kernel with a fresh noise of variance sigma_n^2",
    log_p("q", visit(n + 1), [visit(n), clean]),
    LogDensity(onward(n)),
    {n: (sp.S.One, N - 1)},
)


def _noisier(rng: Random, n: int) -> World | None:
    """Two visits, the second with more noise than the family's kernel has: the hypothesis on it is broken."""
    if n % 4 < 3:
        return None
    levels, more = (Fraction(9, 25), Fraction(16, 25)), Fraction(rng.randint(2, 9), 10)
    loadings = ((1, 0, 0), (Fraction(3, 5), Fraction(4, 5), 0), (Fraction(4, 5), Fraction(3, 5), more))
    rows = [[Fraction(v) for v in row] for row in loadings]
    covariance = [[sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0)) for v in rows] for u in rows]
    sizes: dict[Any, int] = {("clean",): 1, ("visit", 1): 1, ("visit", 2): 1}
    families: dict[str, Any] = {
        "visited_level": lambda m: levels[int(m) - 1],
        "visited_noise": lambda m: Fraction(1, 5),
    }
    law = JointNormal(sizes, [Fraction(0)] * 3, Matrix.of(covariance))
    return World(seed=n, numbers={"n": 2, "N": 2}, families=families, laws={"q": law})


subsequence = Claim(
    id="ddim.subsequence",
    title="Along any steps, with any amounts of noise, the marginals are kept",
    chapter="DDIM",
    kind="identity",
    says=(
        Statement(
            log_p("q", visit(n), clean),
            "=",
            LogDensity(at(n)),
            name="marginal",
            words="the n-th visited point has the law that the chain has at that level",
        ),
    ),
    domain=Domain(
        {"visited_level": UNIT, "visited_noise": UNIT},
        {N: (sp.S.One, sp.oo), n: (sp.S.One, N)},
        conditions=(below(noise(n) ** 2, 1 - level(n + 1), {n: (sp.S.One, N - 1)}),),
    ),
    hypotheses=(begins, member),
    scope="any dimension d, any number of visited steps, any levels abar_n in (0, 1) in any order, a different sigma_n "
    "at each of them with 0 < sigma_n^2 < 1 - abar_{n+1}; sigma_n = 0 is ddim.deterministic",
    sources=("Song et al. 2021 (DDIM), Lemma 1 and appendix C.1", "staircase, DDIM", "article, Generation"),
    worlds=(_noisier,),
    words="One step uses nothing of its start but that the law there is right. So the steps need not be the "
    "chain's, nor next to each other, nor all of one kind: respacing is free, as far as the network is exact.",
)


@subsequence.proves(induction_on=n, start=1)
def _(base: Chain, step: Chain) -> None:
    base(log_p("q", visit(1), clean))
    base(LogDensity(at(sp.S.One)), by=given(begins))

    def over(law: Density | Normal, inside: sp.Expr) -> sp.Expr:
        return sp.log(Expect(law, sp.exp(inside)))

    now = Density("q", visit(n), clean)
    kept = sp.sqrt(1 - level(n + 1) - noise(n) ** 2) / sp.sqrt(1 - level(n))
    step(log_p("q", visit(n + 1), clean))
    step(over(now, log_p("q", visit(n + 1), [visit(n), clean])), by=total_probability)
    step(over(now, LogDensity(onward(n))), by=given(member), why="the step is the family's")
    step(over(at(n), LogDensity(onward(n))), by=identify(now, at(n), induction_hypothesis), why="from the right law")
    step(
        LogDensity(
            Normal(
                visit(n + 1),
                (sp.sqrt(level(n + 1)) - kept * sp.sqrt(level(n))) * clean + kept * sp.sqrt(level(n)) * clean,
                noise(n) ** 2 + kept**2 * (1 - level(n)),
            )
        ),
        by=composition,
        why="old noise that is kept, and fresh noise: variances add",
    )
    step(LogDensity(at(n + 1)), why="sigma_n^2 + 1 - abar_{n+1} - sigma_n^2: sigma_n drops out")


# --- the family run forwards ------------------------------------------------------------------------------------------

weight = define(
    "weight_of_clean",
    "b",
    lambda r, m, k: sp.sqrt(abar(k)) - sp.sqrt((1 - r) * (1 - abar(k))) * sp.sqrt(abar(m)) / sp.sqrt(1 - abar(m)),
)
partner = define(
    "weight_of_clean_conjugate",
    "b^+",
    lambda r, m, k: sp.sqrt(abar(k)) + sp.sqrt((1 - r) * (1 - abar(k))) * sp.sqrt(abar(m)) / sp.sqrt(1 - abar(m)),
)

forward_non_markov = Claim(
    id="ddim.forward_non_markov",
    title="Run forwards, the family remembers x_0",
    chapter="DDIM",
    kind="identity",
    says=(
        Statement(
            LogDensity(back(rho, t, s)) + LogDensity(marginal(t)) - LogDensity(marginal(s)),
            "=",
            LogDensity(back(rho, s, t)),
            name="Bayes",
            words="the kernel forwards, by Bayes' rule, is the kernel backwards with t and s exchanged",
        ),
        Statement(
            toward(rho, s, t, x(s), x_0),
            "=",
            sp.sqrt((1 - rho) * (1 - abar(t))) / sp.sqrt(1 - abar(s)) * x(s) + weight(rho, s, t) * x_0,
            name="memory",
            words="its mean leans on x_0 besides x_s, with the weight b",
        ),
        Statement(
            weight(rho, s, t) * partner(rho, s, t),
            "=",
            abar(s) * (1 - abar(t)) / (1 - abar(s)) * (rho - (1 - abar(t) / abar(s)) / (1 - abar(t))),
            name="only there",
            words="and b vanishes at one share only, that of Bayes' rule: the other factors are above 0",
        ),
        Statement(
            LogDensity(back(of_ddpm, t - 1, t)),
            "=",
            LogDensity(kernel(t)),
            name="DDPM",
            domain=schedule(2),
            words="there it is DDPM's own step, which forgets x_0",
        ),
    ),
    domain=ANY_PAIR,
    scope=PAIR + "; statement 4: s = t - 1, any t >= 2",
    sources=("Song et al. 2021 (DDIM), eq. 8", "staircase, DDIM", "notes, 2.1"),
    words="The family was made by choosing the way back. The way there that belongs to it is a Markov chain for DDPM's "
    "amount of noise only: then 1 - rho = alpha_t (1 - abar_{t-1})/(1 - abar_t), and sigma^2 is beta_tilde.",
)


@forward_non_markov.proves("Bayes")
def _(line: Chain) -> None:
    line(LogDensity(back(rho, t, s)) + LogDensity(marginal(t)) - LogDensity(marginal(s)))
    line(
        LogDensity(back(rho, s, t)),
        by=(definition, density),
        why="the noises of x_s and x_t are two normal variables of covariance sqrt(1 - rho): neither comes first",
    )


@forward_non_markov.proves("memory")
def _(line: Chain) -> None:
    kept = sp.sqrt((1 - rho) * (1 - abar(t))) / sp.sqrt(1 - abar(s))
    line(toward(rho, s, t, x(s), x_0))
    line(sp.sqrt(abar(t)) * x_0 + kept * (x(s) - sp.sqrt(abar(s)) * x_0), by=definition)
    line(kept * x(s) + weight(rho, s, t) * x_0, by=definition, why="collect x_0")


@forward_non_markov.proves("only there")
def _(line: Chain) -> None:
    line(weight(rho, s, t) * partner(rho, s, t))
    line(abar(t) - (1 - rho) * (1 - abar(t)) * abar(s) / (1 - abar(s)), by=definition, why="(a - b)(a + b)")
    line(
        abar(s) * (1 - abar(t)) / (1 - abar(s)) * (rho - (1 - abar(t) / abar(s)) / (1 - abar(t))),
        why="what is left is linear in rho",
    )


@forward_non_markov.proves("DDPM")
def _(line: Chain) -> None:
    kept = sp.sqrt(alpha(t))
    line(LogDensity(back(of_ddpm, t - 1, t)))
    line(
        LogDensity(
            Normal(x_t, sp.sqrt(abar(t)) * x_0 + kept * (x(t - 1) - sp.sqrt(abar(t - 1)) * x_0), fresh(of_ddpm, t))
        ),
        by=definition,
        why="the noise that is kept has the weight sqrt(alpha_t)",
    )
    line(LogDensity(kernel(t)), by=definition, why="sqrt(alpha_t abar_{t-1}) = sqrt(abar_t): x_0 drops out")
