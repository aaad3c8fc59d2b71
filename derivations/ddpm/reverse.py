"""The step back that does not know the start: a mixture over all starts, and a Gaussian where the data are Gaussian."""

from __future__ import annotations

import sympy as sp

from derivations.notation import (
    abar,
    alpha,
    beta,
    beta_tilde,
    gaussian_forward,
    integrable,
    kernel,
    p,
    q,
    schedule,
    t,
    x,
)
from derivations.rules import (
    KL,
    POSITIVE,
    Chain,
    Claim,
    Density,
    Expect,
    Hypothesis,
    LogDensity,
    Normal,
    Statement,
    above,
    bayes,
    composition,
    define,
    definition,
    density,
    given,
    identify,
    induction_hypothesis,
    log_p,
    scalar,
    total_probability,
    tower,
)

x_0, x_t, before = x(0), x(t), x(t - 1)

intractable = Claim(
    id="ddpm.reverse.intractable",
    title="The step back averages over all starts",
    chapter="Posterior",
    kind="identity",
    says=(
        Statement(
            log_p("q", before, x_t),
            "=",
            sp.log(Expect(q(x_0, x_t), sp.exp(log_p("q", before, [x_t, x_0])))),
        ),
    ),
    domain=schedule(2),
    scope="any joint density of x_0, x_{t-1} and x_t, Markov or not, any t >= 2",
    sources=("notes, 2.3.2", "staircase, The Reverse Process"),
    words="Without the start, the step back is a mixture of the steps back from every start that could have led to "
    "x_t: as complicated as the data. This is why it is learned.",
)


@intractable.proves()
def _(line: Chain) -> None:
    line(log_p("q", before, x_t))
    line(sp.log(Expect(q(x_0, x_t), sp.exp(log_p("q", before, [x_t, x_0])))), by=total_probability)


redundant = Claim(
    id="ddpm.elbo.redundant_expectation",
    title="The state that a divergence integrates out need not be drawn",
    chapter="ELBO to loss",
    kind="identity",
    says=(
        Statement(
            Expect(q([x_t, before], x_0), KL(q(before, [x_t, x_0]), p(before, x_t))),
            "=",
            Expect(q(x_t, x_0), KL(q(before, [x_t, x_0]), p(before, x_t))),
        ),
    ),
    domain=schedule(2),
    hypotheses=(integrable,),
    scope="any densities, any t >= 2",
    sources=("notes, 2.3.1",),
    words="The divergence averages over x_{t-1} itself, so it is a function of x_t and x_0. Drawing x_{t-1} as well "
    "changes nothing.",
)


@redundant.proves()
def _(line: Chain) -> None:
    inside = KL(q(before, [x_t, x_0]), p(before, x_t))
    line(Expect(q([x_t, before], x_0), inside))
    line(Expect(q(x_t, x_0), inside), by=tower, why="x_{t-1} is bound in the divergence: outside of it nothing is left")


# --- Gaussian data ----------------------------------------------------------------------------------------------------

spread = scalar("data_variance", "v", positive=True)
gaussian_data = Hypothesis(
    "Gaussian data",
    "x_0 is N(0, v I)",
    log_p("q", x_0),
    LogDensity(Normal(x_0, 0, spread)),
)
total = define("V", "V", lambda n, v: abar(n) * v + 1 - abar(n))
WITH_DATA = schedule(2, data_variance=POSITIVE)


def law(n: sp.Expr) -> Normal:
    """q(x_n) of Gaussian data."""
    return Normal(x(n), 0, total(n, spread))


pull = sp.sqrt(alpha(t)) * total(t - 1, spread) / total(t, spread)
exact = beta(t) * total(t - 1, spread) / total(t, spread)
back = Normal(before, pull * x_t, exact)

gaussian_reverse = Claim(
    id="ddpm.ancestral.gaussian_variance",
    title="The exact step back for Gaussian data, and what beta and beta_tilde miss",
    chapter="Posterior",
    kind="identity",
    says=(
        Statement(
            log_p("q", x_t),
            "=",
            LogDensity(law(t)),
            words="the marginal of the chain",
            domain=schedule(1, data_variance=POSITIVE),
        ),
        Statement(log_p("q", before, x_t), "=", LogDensity(back), words="the step back"),
        Statement(
            beta(t) - exact,
            "=",
            beta(t) ** 2 * abar(t - 1) * (1 - spread) / total(t, spread),
            words="beta_t is the exact variance for data of unit variance, too large for narrower, too small for "
            "wider data",
        ),
        Statement(
            beta_tilde(t) - exact,
            "=",
            -(beta(t) ** 2) * abar(t - 1) * spread / ((1 - abar(t)) * total(t, spread)),
            words="beta_tilde_t is always too small: exact only for data that are one point",
        ),
    ),
    domain=WITH_DATA,
    hypotheses=(gaussian_forward, gaussian_data),
    scope="any dimension d, any t >= 2, any variance v > 0 of centred data; for a full covariance direction by "
    "direction, v an eigenvalue",
    sources=("Ho et al. 2020, section 3.2", "derived here"),
    words="The two usual choices of the reverse variance are the exact ones for two kinds of data: standard normal "
    "data and a single point. All other data lie elsewhere.",
)


@gaussian_reverse.proves(induction_on=t, start=1)
def _(base: Chain, step: Chain) -> None:
    def over(law: Density | Normal, inside: sp.Expr) -> sp.Expr:
        return sp.log(Expect(law, sp.exp(inside)))

    start = Normal(x_0, 0, spread)
    base(log_p("q", x(1)))
    base(over(q(x_0), log_p("q", x(1), x_0)), by=total_probability, why="average over where the chain began")
    base(
        over(start, LogDensity(kernel(1))),
        by=[given(gaussian_forward, t=1), identify(q(x_0), start, given(gaussian_data))],
        why="both are Gaussian",
    )
    base(
        LogDensity(Normal(x(1), 0, 1 - alpha(1) + alpha(1) * spread)),
        by=composition,
        why="shrunk data plus independent noise: variances add",
    )
    base(LogDensity(law(1)), by=definition, why="abar_1 = alpha_1")
    step(log_p("q", x(t + 1)))
    step(over(q(x_t), log_p("q", x(t + 1), x_t)), by=total_probability, why="average over where the chain is at t")
    step(
        over(law(t), LogDensity(kernel(t + 1))),
        by=[given(gaussian_forward, t=t + 1), identify(q(x_t), law(t), induction_hypothesis)],
        why="both are Gaussian",
    )
    step(
        LogDensity(Normal(x(t + 1), 0, 1 - alpha(t + 1) + alpha(t + 1) * total(t, spread))),
        by=composition,
        why="the state shrinks, and fresh noise comes on top",
    )
    step(LogDensity(law(t + 1)), by=definition, why="alpha_{t+1} abar_t = abar_{t+1}")


@gaussian_reverse.proves(1)
def _(line: Chain) -> None:
    line(log_p("q", before, x_t))
    line(
        log_p("q", x_t, before) + log_p("q", before) - log_p("q", x_t),
        by=bayes,
        why="turn the conditioning round",
    )
    line(
        LogDensity(kernel(t)) + LogDensity(law(t - 1)) - LogDensity(law(t)),
        by=[given(gaussian_forward), above(0, at={t: t - 1}), above(0)],
        why="all three are Gaussians",
    )
    line(LogDensity(back), by=[definition, density], why="complete the square; the normalisers match too")


@gaussian_reverse.proves(2)
def _(line: Chain) -> None:
    line(beta(t) - exact)
    line(beta(t) * (total(t, spread) - total(t - 1, spread)) / total(t, spread), why="one denominator")
    line(beta(t) ** 2 * abar(t - 1) * (1 - spread) / total(t, spread), by=definition, why="abar_t = alpha_t abar_{t-1}")


@gaussian_reverse.proves(3)
def _(line: Chain) -> None:
    line(beta_tilde(t) - exact)
    line(
        beta(t)
        * ((1 - abar(t - 1)) * total(t, spread) - (1 - abar(t)) * total(t - 1, spread))
        / ((1 - abar(t)) * total(t, spread)),
        by=definition,
        why="one denominator",
    )
    line(
        beta(t) * spread * (abar(t) - abar(t - 1)) / ((1 - abar(t)) * total(t, spread)),
        by=definition,
        why="write V out above: of the products only v abar_t and -v abar_{t-1} do not cancel",
    )
    line(
        -(beta(t) ** 2) * abar(t - 1) * spread / ((1 - abar(t)) * total(t, spread)),
        by=definition,
        why="abar_t = (1 - beta_t) abar_{t-1}: the difference is -beta_t abar_{t-1}",
    )
