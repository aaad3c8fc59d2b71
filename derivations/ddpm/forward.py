"""The forward chain: Gaussian steps, their closed form from x_0, and the covariances they leave."""

from __future__ import annotations

import sympy as sp

from derivations.notation import (
    abar,
    alpha,
    beta,
    d,
    eps,
    forward_markov,
    gaussian_forward,
    integrable,
    kernel,
    marginal,
    q,
    schedule,
    t,
    x,
)
from derivations.rules import (
    Chain,
    Claim,
    Density,
    Expect,
    Inner,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    above,
    composition,
    define,
    definition,
    given,
    identify,
    induction_hypothesis,
    linearity,
    log_p,
    moments,
    reparameterize,
    scalar_function,
    total_probability,
    tower,
    vector,
)

f = scalar_function("f")  # any function with finite expectations
noise = Normal(eps, 0, 1)


def step(n: sp.Expr) -> sp.Expr:
    """x_n made from x_{n-1} and fresh noise."""
    return sp.sqrt(alpha(n)) * x(n - 1) + sp.sqrt(1 - alpha(n)) * eps


def jump(n: sp.Expr) -> sp.Expr:
    """x_n made from x_0 in one go."""
    return sp.sqrt(abar(n)) * x(0) + sp.sqrt(1 - abar(n)) * eps


noisy = define(
    "noisy", "x", lambda n, clean, e: sp.sqrt(abar(n)) * clean + sp.sqrt(1 - abar(n)) * e, is_vector_valued=True
)


# --- one step ---------------------------------------------------------------------------------------------------------

forward_kernel = Claim(
    id="ddpm.forward.kernel",
    title="Forward transition",
    chapter="Forward process",
    kind="definition",
    says=(
        Statement(log_p("q", x(t), x(t - 1)), "=", LogDensity(Normal(x(t), sp.sqrt(1 - beta(t)) * x(t - 1), beta(t)))),
        Statement(
            Expect(q(x(t), x(t - 1)), f(x(t))),
            "=",
            Expect(noise, f(step(t))),
            words="to draw x_t is to shrink x_{t-1} and to add fresh noise: every f has the same average under both",
        ),
        Statement(
            Expect(q(x(t), x(t - 1)), Norm2(x(t))),
            "=",
            alpha(t) * Norm2(x(t - 1)) + (1 - alpha(t)) * d,
            words="mean squared length after one step",
        ),
    ),
    domain=schedule(),
    hypotheses=(gaussian_forward, integrable),
    scope="any dimension d, any T, any t in 1..T, any schedule with beta_t in (0, 1)",
    sources=(
        "notes, eq 2.4",
        "journey, 3.1",
        "article, Forward process",
        "slides, Diffusion (forward process)",
        "staircase, The Forward Process",
    ),
    words="Each step shrinks the signal by sqrt(1 - beta_t) and adds Gaussian noise of variance beta_t, "
    "independent of everything before.",
)


@forward_kernel.proves()
def _(line: Chain) -> None:
    line(log_p("q", x(t), x(t - 1)))
    line(LogDensity(kernel(t)), by=given(gaussian_forward), why="this is what the transition is defined to be")
    line(LogDensity(Normal(x(t), sp.sqrt(1 - beta(t)) * x(t - 1), beta(t))), why="alpha_t = 1 - beta_t")


@forward_kernel.proves(1)
def _(line: Chain) -> None:
    line(Expect(q(x(t), x(t - 1)), f(x(t))))
    line(Expect(kernel(t), f(x(t))), by=identify(q(x(t), x(t - 1)), kernel(t), given(gaussian_forward)))
    line(Expect(noise, f(step(t))), by=reparameterize(eps), why="x_t = mean + sqrt(variance) noise")


@forward_kernel.proves(2)
def _(line: Chain) -> None:
    line(Expect(q(x(t), x(t - 1)), Norm2(x(t))))
    line(
        Expect(kernel(t), Norm2(x(t))),
        by=identify(q(x(t), x(t - 1)), kernel(t), given(gaussian_forward)),
        why="the transition is that Gaussian",
    )
    line(
        alpha(t) * Norm2(x(t - 1)) + (1 - alpha(t)) * d,
        by=moments,
        why="the squared length of the mean, plus the variance once for each coordinate",
    )


# --- t steps at once --------------------------------------------------------------------------------------------------

forward_marginal = Claim(
    id="ddpm.forward.marginal",
    title="Closed-form forward marginal",
    chapter="Forward process",
    kind="identity",
    says=(
        Statement(log_p("q", x(t), x(0)), "=", LogDensity(marginal(t))),
        Statement(
            Expect(q(x(t), x(0)), f(x(t))),
            "=",
            Expect(noise, f(jump(t))),
            words="x_t can be drawn from x_0 in one go: every f has the same average under both",
        ),
    ),
    domain=schedule(),
    hypotheses=(gaussian_forward, forward_markov),
    scope="any dimension d, any t >= 1, any schedule with beta_t in (0, 1)",
    sources=(
        "notes, Lemma 2.4, eq 2.5",
        "journey, 3.1, 3.3",
        "article, Directly to any step",
        "slides, Diffusion (forward process)",
        "staircase, The Forward Process",
    ),
    words="However many steps there are, x_t is x_0 shrunk by sqrt(abar_t) plus one Gaussian of variance 1 - abar_t: "
    "in every step the old noise, shrunk, and the new noise merge into one.",
)


@forward_marginal.proves(induction_on=t, start=1)
def _(base: Chain, step: Chain) -> None:
    base(log_p("q", x(1), x(0)))
    base(LogDensity(kernel(1)), by=given(gaussian_forward, t=1), why="one step is the transition itself")
    base(LogDensity(marginal(1)), why="abar_1 = alpha_1")

    def over(law: Density | Normal, inside: sp.Expr) -> sp.Expr:
        return sp.log(Expect(law, sp.exp(inside)))

    now, onward = q(x(t), x(0)), kernel(t + 1)
    step(log_p("q", x(t + 1), x(0)))
    step(
        over(now, log_p("q", x(t + 1), [x(t), x(0)])),
        by=total_probability,
        why="average the last step over where the chain may be at t",
    )
    step(over(now, log_p("q", x(t + 1), x(t))), by=given(forward_markov, t=t + 1), why="the last step forgets x_0")
    step(over(now, LogDensity(onward)), by=given(gaussian_forward, t=t + 1), why="and it is Gaussian")
    step(over(marginal(t), LogDensity(onward)), by=identify(now, marginal(t), induction_hypothesis))
    merged = alpha(t + 1) * (1 - abar(t)) + 1 - alpha(t + 1)
    step(
        LogDensity(Normal(x(t + 1), sp.sqrt(alpha(t + 1)) * sp.sqrt(abar(t)) * x(0), merged)),
        by=composition,
        why="the old noise, shrunk by sqrt(alpha_{t+1}), and the new noise are independent: variances add",
    )
    step(LogDensity(marginal(t + 1)), why="alpha_{t+1} abar_t = abar_{t+1}")


@forward_marginal.proves(1)
def _(line: Chain) -> None:
    line(Expect(q(x(t), x(0)), f(x(t))))
    line(Expect(marginal(t), f(x(t))), by=identify(q(x(t), x(0)), marginal(t), above(0)))
    line(Expect(noise, f(jump(t))), by=reparameterize(eps), why="x_t = mean + sqrt(variance) noise")


# --- covariances ------------------------------------------------------------------------------------------------------

u, v = vector("u"), vector("v")  # fixed directions; unit vectors e_i, e_j give the entries of a matrix
Sigma = define(
    "Sigma",
    r"\Sigma",
    lambda n, a, b: (
        Expect(q(x(n)), Inner(a, x(n)) * Inner(b, x(n)))
        - Expect(q(x(n)), Inner(a, x(n))) * Expect(q(x(n)), Inner(b, x(n)))
    ),
    notation=False,
)

covariance_recursion = Claim(
    id="ddpm.forward.covariance",
    title="Covariance recursion",
    chapter="Forward process",
    kind="identity",
    says=(
        Statement(Sigma(t, u, v), "=", alpha(t) * Sigma(t - 1, u, v) + (1 - alpha(t)) * Inner(u, v)),
        Statement(Sigma(t, u, v), "=", abar(t) * Sigma(0, u, v) + (1 - abar(t)) * Inner(u, v), words="solved"),
        Statement(
            Sigma(t, u, v) - Inner(u, v),
            "=",
            abar(t) * (Sigma(0, u, v) - Inner(u, v)),
            words="the distance to the identity shrinks by abar_t, so data of identity covariance keep it for ever",
        ),
    ),
    domain=schedule(),
    hypotheses=(gaussian_forward, integrable),
    scope="any data law with finite second moments, any dimension d, any t >= 1",
    sources=(
        "notes, 2.3.1",
        "staircase, The Forward Process",
        "slides, Diffusion (forward process)",
    ),
    words="Sigma_t(u, v) = u^T Sigma_t v is the covariance of the coordinates of x_t along u and v: the matrix, read "
    "along any two directions. Signal is lost and noise is added in amounts that balance, alpha_t + (1 - alpha_t) = 1.",
)


@covariance_recursion.proves()
def _(line: Chain) -> None:
    def covariance(outer: Density, inner: Density | Normal) -> sp.Expr:
        def twice(body: sp.Expr) -> sp.Expr:
            return Expect(outer, Expect(inner, body))

        return twice(Inner(u, x(t)) * Inner(v, x(t))) - twice(Inner(u, x(t))) * twice(Inner(v, x(t)))

    before, transition = q(x(t - 1)), q(x(t), x(t - 1))
    line(Sigma(t, u, v))
    line(
        Expect(q(x(t)), Inner(u, x(t)) * Inner(v, x(t)))
        - Expect(q(x(t)), Inner(u, x(t))) * Expect(q(x(t)), Inner(v, x(t))),
        by=definition,
    )
    line(covariance(before, transition), by=tower, why="first draw x_{t-1}, then x_t from it")
    line(covariance(before, kernel(t)), by=identify(transition, kernel(t), given(gaussian_forward)))
    along_u, along_v, root = Inner(u, x(t - 1)), Inner(v, x(t - 1)), sp.sqrt(alpha(t))
    line(
        Expect(before, alpha(t) * along_u * along_v + (1 - alpha(t)) * Inner(u, v))
        - Expect(before, root * along_u) * Expect(before, root * along_v),
        by=moments,
        why="second moment = product of the means + variance; the mean is sqrt(alpha_t) x_{t-1}",
    )
    line(
        alpha(t) * (Expect(before, along_u * along_v) - Expect(before, along_u) * Expect(before, along_v))
        + (1 - alpha(t)) * Inner(u, v),
        by=linearity,
        why="constants leave the average",
    )
    line(alpha(t) * Sigma(t - 1, u, v) + (1 - alpha(t)) * Inner(u, v), by=definition)


@covariance_recursion.proves(1, induction_on=t, start=1)
def _(base: Chain, step: Chain) -> None:
    base(Sigma(1, u, v))
    base(alpha(1) * Sigma(0, u, v) + (1 - alpha(1)) * Inner(u, v), by=above(0, at={t: 1}))
    base(abar(1) * Sigma(0, u, v) + (1 - abar(1)) * Inner(u, v), why="abar_1 = alpha_1")
    step(Sigma(t + 1, u, v))
    step(alpha(t + 1) * Sigma(t, u, v) + (1 - alpha(t + 1)) * Inner(u, v), by=above(0, at={t: t + 1}))
    step(
        alpha(t + 1) * (abar(t) * Sigma(0, u, v) + (1 - abar(t)) * Inner(u, v)) + (1 - alpha(t + 1)) * Inner(u, v),
        by=induction_hypothesis,
    )
    step(abar(t + 1) * Sigma(0, u, v) + (1 - abar(t + 1)) * Inner(u, v), why="alpha_{t+1} abar_t = abar_{t+1}")


@covariance_recursion.proves(2)
def _(line: Chain) -> None:
    line(Sigma(t, u, v) - Inner(u, v))
    line(abar(t) * Sigma(0, u, v) + (1 - abar(t)) * Inner(u, v) - Inner(u, v), by=above(1))
    line(abar(t) * (Sigma(0, u, v) - Inner(u, v)), why="the plain inner products cancel, and abar_t comes out")
