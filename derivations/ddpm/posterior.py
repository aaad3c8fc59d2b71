"""The encoder turned round: x_{t-1} given x_t and x_0 is Gaussian, with a mean and a variance in closed form."""

from __future__ import annotations

import sympy as sp

from derivations.notation import (
    T,
    abar,
    alpha,
    beta_tilde,
    d,
    forward_markov,
    gaussian_forward,
    kernel,
    marginal,
    mu_tilde,
    posterior_mean,
    q,
    schedule,
    t,
    x,
)
from derivations.rules import (
    Chain,
    Claim,
    Density,
    Domain,
    Expect,
    Inner,
    LogDensity,
    Mean,
    Norm2,
    Normal,
    Statement,
    Variance,
    bayes,
    by_claim,
    composition,
    definition,
    density,
    given,
    identify,
    log_p,
    moments,
    positivity,
)


def posterior(n: sp.Expr) -> Normal:
    """q(x_{n-1} | x_n, x_0) of DDPM (claim ddpm.posterior.law)."""
    return Normal(x(n - 1), mu_tilde(n, x(n), x(0)), beta_tilde(n))


before = q(x(t - 1), [x(t), x(0)])
step = Norm2(x(t) - sp.sqrt(alpha(t)) * x(t - 1)) / (1 - alpha(t))
earlier = Norm2(x(t - 1) - sp.sqrt(abar(t - 1)) * x(0)) / (1 - abar(t - 1))
later = Norm2(x(t) - sp.sqrt(abar(t)) * x(0)) / (1 - abar(t))

# --- the algebra ------------------------------------------------------------------------------------------------------

square_completion = Claim(
    id="ddpm.posterior.square_completion",
    title="Completing the square",
    chapter="Posterior",
    kind="identity",
    says=(
        Statement(step + earlier - later, "=", Norm2(x(t - 1) - mu_tilde(t, x(t), x(0))) / beta_tilde(t)),
        Statement(
            alpha(t) / (1 - alpha(t)) + 1 / (1 - abar(t - 1)),
            "=",
            1 / beta_tilde(t),
            words="precisions add: this is what multiplies |x_{t-1}|^2",
        ),
    ),
    domain=schedule(2),
    scope="any dimension d, any t >= 2; an identity between vectors, whatever they are; no remainder",
    sources=("notes, Lemma 2.5 proof", "staircase, The Reverse Process (Bayes on three Gaussians)"),
    words="Two squares that pull x_{t-1} to different places make one square around a place between them; what is "
    "left over is exactly the square between x_t and x_0.",
)


@square_completion.proves()
def _(line: Chain) -> None:
    toward = sp.sqrt(alpha(t)) / (1 - alpha(t)) * x(t) + sp.sqrt(abar(t - 1)) / (1 - abar(t - 1)) * x(0)
    rest = (
        Norm2(x(t)) * (1 / (1 - alpha(t)) - 1 / (1 - abar(t)))
        + Norm2(x(0)) * (abar(t - 1) / (1 - abar(t - 1)) - abar(t) / (1 - abar(t)))
        + 2 * sp.sqrt(abar(t)) / (1 - abar(t)) * Inner(x(t), x(0))
    )
    precision = alpha(t) / (1 - alpha(t)) + 1 / (1 - abar(t - 1))
    centre = mu_tilde(t, x(t), x(0))
    line(step + earlier - later)
    line(
        precision * Norm2(x(t - 1)) - 2 * Inner(x(t - 1), toward) + rest,
        why="expand the squares and sort them by x_{t-1}",
    )
    line(
        (Norm2(x(t - 1)) - 2 * Inner(x(t - 1), centre)) / beta_tilde(t) + rest,
        why="the precision is 1/beta_tilde, and beta_tilde times the pull is mu_tilde",
    )
    line(
        (Norm2(x(t - 1)) - 2 * Inner(x(t - 1), centre) + Norm2(centre)) / beta_tilde(t),
        why="the rest is the missing square, |mu_tilde|^2 / beta_tilde, to the last term",
    )
    line(Norm2(x(t - 1) - centre) / beta_tilde(t), why="the square of a difference, backwards")


@square_completion.proves(1)
def _(line: Chain) -> None:
    line(alpha(t) / (1 - alpha(t)) + 1 / (1 - abar(t - 1)))
    line((alpha(t) * (1 - abar(t - 1)) + 1 - alpha(t)) / ((1 - alpha(t)) * (1 - abar(t - 1))), why="common denominator")
    line((1 - abar(t)) / ((1 - alpha(t)) * (1 - abar(t - 1))), why="alpha_t abar_{t-1} = abar_t")
    line(1 / beta_tilde(t), why="beta_tilde_t, upside down")


# --- the law ----------------------------------------------------------------------------------------------------------

posterior_law = Claim(
    id="ddpm.posterior.law",
    title="The reverse encoder is Gaussian",
    chapter="Posterior",
    kind="identity",
    says=(Statement(LogDensity(before), "=", LogDensity(posterior(t))),),
    domain=schedule(2),
    hypotheses=(gaussian_forward, forward_markov),
    scope="any dimension d, any t >= 2, any schedule; the law of the data plays no part",
    sources=("notes, Lemma 2.5", "staircase, The Reverse Process (Bayes on three Gaussians)"),
    words="Given where the chain started and where it is now, its previous state is Gaussian. Bayes' rule makes its "
    "density a ratio of three known Gaussians, and the squares in their exponents combine into one.",
)


@posterior_law.proves()
def _(line: Chain) -> None:
    line(LogDensity(before))
    line(
        log_p("q", x(t), [x(t - 1), x(0)]) + log_p("q", x(t - 1), x(0)) - log_p("q", x(t), x(0)),
        by=bayes,
        why="turn the conditioning round, everything given x_0",
    )
    line(
        log_p("q", x(t), x(t - 1)) + log_p("q", x(t - 1), x(0)) - log_p("q", x(t), x(0)),
        by=given(forward_markov),
        why="the step from x_{t-1} to x_t does not look at x_0",
    )
    line(
        LogDensity(kernel(t)) + LogDensity(marginal(t - 1)) - LogDensity(marginal(t)),
        by=[
            given(gaussian_forward),
            by_claim("ddpm.forward.marginal", at={t: t - 1}),
            by_claim("ddpm.forward.marginal"),
        ],
        why="all three are known Gaussians",
    )
    half = sp.Rational(1, 2)
    variances = (1 - alpha(t)) * (1 - abar(t - 1)) / (1 - abar(t))
    line(
        -d * sp.log(2 * sp.pi * variances) / 2 + sp.Mul(-half, step + earlier - later, evaluate=False),
        by=density,
        why="one normaliser from three, one exponent from three",
    )
    line(
        -d * sp.log(2 * sp.pi * beta_tilde(t)) / 2 - Norm2(x(t - 1) - mu_tilde(t, x(t), x(0))) / (2 * beta_tilde(t)),
        by=by_claim("ddpm.posterior.square_completion"),
        why="complete the square",
    )
    line(LogDensity(posterior(t)), by=density, why="this is how a Gaussian looks")


posterior_is = identify(before, posterior(t), by_claim("ddpm.posterior.law"))

posterior_mean_claim = Claim(
    id="ddpm.posterior.mean",
    title="Reverse-encoder mean",
    chapter="Posterior",
    kind="identity",
    says=(Statement(Mean(before), "=", posterior_mean(x(0), x(t), t)),),
    domain=schedule(2),
    hypotheses=(gaussian_forward, forward_markov),
    scope="any dimension d, any t >= 2 (at t = 1 it is ddpm.posterior.t1); the law of the data plays no part",
    sources=("notes, Lemma 2.5", "staircase, The Reverse Process"),
    words="A weighted sum of the clean and the noisy image: the noisier the earlier state was, the more x_t counts.",
)


@posterior_mean_claim.proves()
def _(line: Chain) -> None:
    line(Mean(before))
    line(Mean(posterior(t)), by=posterior_is, why="Bayes' rule and one completed square")
    line(mu_tilde(t, x(t), x(0)), by=moments, why="the mean of a Gaussian is its centre")
    line(posterior_mean(x(0), x(t), t), why="mu_tilde, written out")


posterior_variance = Claim(
    id="ddpm.posterior.variance",
    title="Reverse-encoder variance",
    chapter="Posterior",
    kind="identity",
    says=(
        Statement(Variance(before), "=", (1 - alpha(t)) * (1 - abar(t - 1)) / (1 - abar(t))),
        Statement(
            (1 - alpha(t)) * (1 - abar(t - 1)) / (1 - abar(t)),
            "<",
            1 - alpha(t),
            words="knowing x_0 helps: beta_tilde_t is below beta_t",
        ),
    ),
    domain=schedule(2),
    hypotheses=(gaussian_forward, forward_markov),
    scope="any dimension d (the covariance is this number times the identity), any t >= 2",
    sources=("notes, Lemma 2.5, Remark 2.8", "staircase, The Reverse Process"),
    words="The variance does not depend on x_t or x_0: the schedule alone fixes it.",
)


@posterior_variance.proves()
def _(line: Chain) -> None:
    line(Variance(before))
    line(Variance(posterior(t)), by=posterior_is, why="Bayes' rule and one completed square")
    line(beta_tilde(t), by=moments)
    line((1 - alpha(t)) * (1 - abar(t - 1)) / (1 - abar(t)), why="beta_tilde, written out")


@posterior_variance.proves(1)
def _(line: Chain) -> None:
    line((1 - alpha(t)) * (1 - abar(t - 1)) / (1 - abar(t)))
    line.lt(1 - alpha(t), by=positivity, why="abar_t < abar_{t-1}, so the last fraction is below 1")


# --- t = 1 ------------------------------------------------------------------------------------------------------------

posterior_t1 = Claim(
    id="ddpm.posterior.t1",
    title="Reverse encoder at t = 1",
    chapter="Posterior",
    kind="limit",
    says=(
        Statement(mu_tilde(1, x(1), x(0)), "=", x(0)),
        Statement(beta_tilde(1), "=", 0),
    ),
    domain=Domain(schedule().intervals, {T: (sp.Integer(1), sp.oo)}, schedule().products),
    scope="the formulas of t >= 2 read at t = 1 with abar_0 = 1",
    sources=("notes, 2.4, Remark 2.8",),
    words="Before the first step there is only x_0: the formulas collapse to a point mass. Its variance 0 may be used "
    "to sample (add no noise at the end), but not as a variance sigma_1^2 in the bound, which divides by it.",
    errata=("N3",),
)


@posterior_t1.proves()
def _(line: Chain) -> None:
    line(mu_tilde(1, x(1), x(0)))
    line(posterior_mean(x(0), x(1), sp.Integer(1)), why="mu_tilde_t at t = 1, written out")
    line(x(0), why="abar_0 = 1 and abar_1 = alpha_1: the weight of x_1 is 0, and that of x_0 a number over itself")


@posterior_t1.proves(1)
def _(line: Chain) -> None:
    line(beta_tilde(1))
    line((1 - alpha(1)) * (1 - abar(0)) / (1 - abar(1)), why="beta_tilde_t at t = 1, written out")
    line(0, why="abar_0 = 1")


# --- consistency ------------------------------------------------------------------------------------------------------

marginal_consistency = Claim(
    id="ddpm.posterior.marginal_consistency",
    title="Averaging the reverse encoder gives the previous marginal",
    chapter="Posterior",
    kind="identity",
    says=(
        Statement(
            Expect(q(x(t), x(0)), sp.exp(LogDensity(before))),
            "=",
            sp.exp(LogDensity(Normal(x(t - 1), sp.sqrt(abar(t - 1)) * x(0), 1 - abar(t - 1)))),
        ),
    ),
    domain=schedule(2),
    hypotheses=(gaussian_forward, forward_markov),
    scope="any dimension d, any t >= 2",
    sources=("notes, Lemma 2.5", "staircase, The Reverse Process"),
    words="Given x_0, one step forward and one reverse step leave the law of x_{t-1} as it was. So a sampler that "
    "knows x_0, and whose single steps have this mean and variance, reproduces every marginal given x_0: this is what "
    "sampler tests compare with.",
)


@marginal_consistency.proves()
def _(line: Chain) -> None:
    def over(law: Density | Normal, inside: Density | Normal) -> sp.Expr:
        return Expect(law, sp.exp(LogDensity(inside)))

    line(over(q(x(t), x(0)), before))
    line(
        over(marginal(t), posterior(t)),
        by=[identify(q(x(t), x(0)), marginal(t), by_claim("ddpm.forward.marginal")), posterior_is],
        why="both laws are Gaussian",
    )
    a = sp.sqrt(abar(t - 1)) * (1 - alpha(t)) / (1 - abar(t))
    b = sp.sqrt(alpha(t)) * (1 - abar(t - 1)) / (1 - abar(t))
    merged = Normal(x(t - 1), (a + b * sp.sqrt(abar(t))) * x(0), beta_tilde(t) + b**2 * (1 - abar(t)))
    line(
        sp.exp(LogDensity(merged)),
        by=[definition, composition],
        why="mu_tilde is linear in x_t: the noise of x_t, scaled by its weight b, adds to the variance beta_tilde",
    )
    line(
        sp.exp(LogDensity(marginal(t - 1))),
        why="a + b sqrt(abar_t) = sqrt(abar_{t-1}) and beta_tilde_t + b^2 (1 - abar_t) = 1 - abar_{t-1}",
    )
