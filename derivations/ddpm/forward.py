"""The forward chain: Gaussian steps, their closed form from x_0, covariances, and the information that is lost."""

from __future__ import annotations

import sympy as sp

from derivations.notation import (
    T,
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
    s,
    schedule,
    snr,
    t,
    x,
)
from derivations.rules import (
    KL,
    UNIT,
    Chain,
    Claim,
    Density,
    Domain,
    Expect,
    Inner,
    LogDensity,
    Norm2,
    Normal,
    ProductTo,
    Rounded,
    Statement,
    above,
    bayes,
    composition,
    define,
    definition,
    gibbs,
    given,
    identify,
    induction_hypothesis,
    interval_arithmetic,
    linearity,
    log_p,
    moments,
    positivity,
    reparameterize,
    scalar,
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
    line(abar(t) * (Sigma(0, u, v) - Inner(u, v)), why="collect")


# --- what noise destroys ----------------------------------------------------------------------------------------------

Information = define(
    "I",
    r"\mathrm I",
    lambda a, b: Expect(q(a), KL(q(b, a), q(b))),
    notation=False,
)

snr_monotone = Claim(
    id="ddpm.forward.snr_monotone",
    title="Information on x_0 decreases with t",
    chapter="Forward process",
    kind="inequality",
    says=(
        Statement(abar(t), "<", abar(t - 1), words="signal left", domain=schedule()),
        Statement(snr(t), "<", snr(t - 1), words="signal-to-noise ratio"),
        Statement(Information(x(0), x(t)), "<=", Information(x(0), x(t - 1)), words="mutual information, in nats"),
    ),
    domain=schedule(2),
    hypotheses=(forward_markov, integrable),
    scope="any schedule with beta_t in (0, 1); abar for t >= 1, the others for t >= 2 (at t = 0 they are infinite); "
    "the information for any Markov chain of densities, Gaussian or not",
    sources=("notes, Remark 2.6", "journey, 3.1", "article, Explanation"),
    words="Every step multiplies abar by alpha_t < 1. No step can add information on x_0: it sees x_{t-1} only.",
)


@snr_monotone.proves()
def _(line: Chain) -> None:
    line(abar(t))
    line(alpha(t) * abar(t - 1), why="one more factor")
    line.lt(abar(t - 1), by=positivity, why="alpha_t < 1 and abar_{t-1} > 0")


@snr_monotone.proves(1)
def _(line: Chain) -> None:
    line(snr(t))
    line(alpha(t) * abar(t - 1) / (1 - alpha(t) * abar(t - 1)), why="abar_t = alpha_t abar_{t-1}")
    line.lt(abar(t - 1) / (1 - abar(t - 1)), by=positivity, why="a/(1 - a) increases with a")
    line(snr(t - 1))


@snr_monotone.proves(2)
def _(line: Chain) -> None:
    def log_q(variables: object, given_these: object = ()) -> sp.Expr:
        return log_p("q", variables, given_these)

    def mean(body: sp.Expr) -> sp.Expr:
        return Expect(q([x(0), x(t - 1), x(t)]), body)

    lost = Expect(q([x(0), x(t)]), KL(q(x(t - 1), [x(t), x(0)]), q(x(t - 1), x(t))))
    flipped = log_q(x(t), x(0)) - log_q(x(t)) + log_q(x(t - 1), [x(t), x(0)]) - log_q(x(t - 1), x(t))
    line(Information(x(0), x(t)))
    line.le(Information(x(0), x(t)) + lost, by=gibbs, why="an average divergence is never negative")
    line(
        mean(flipped),
        by=[definition, bayes, linearity, tower],
        why="write both as averages of log-densities over x_0, x_{t-1}, x_t",
    )
    line(
        mean(flipped - (log_q(x(t), [x(t - 1), x(0)]) - log_q(x(t), x(t - 1)))),
        by=given(forward_markov),
        why="given x_{t-1}, the step to x_t does not depend on x_0: this adds 0",
    )
    line(mean(log_q(x(t - 1), x(0)) - log_q(x(t - 1))), by=bayes, why="everything about x_t cancels")
    line(Information(x(0), x(t - 1)), by=[definition, bayes, linearity, tower], why="x_t is mentioned no more")


# --- the linear schedule ----------------------------------------------------------------------------------------------

first, last = scalar("beta_1", r"\beta_1"), scalar("beta_T", r"\beta_T")
beta_linear = define(
    "beta_linear",
    r"\beta",
    lambda n, steps, low, high: low + (n - 1) / (steps - 1) * (high - low),
    notation=False,
)
linear = beta_linear(t, T, first, last)


def line_domain(from_step: int) -> Domain:
    return Domain({"beta_1": UNIT, "beta_T": UNIT}, {T: (sp.Integer(2), sp.oo), t: (sp.Integer(from_step), T)})


linear_schedule = Claim(
    id="ddpm.schedule.linear",
    title="Linear beta schedule",
    chapter="Forward process",
    kind="definition",
    says=(
        Statement(linear, "=", first + (t - 1) / (T - 1) * (last - first)),
        Statement(beta_linear(1, T, first, last), "=", first, words="starts at beta_1"),
        Statement(beta_linear(T, T, first, last), "=", last, words="ends at beta_T"),
        Statement(linear, ">", 0, words="a variance at every step between", domain=line_domain(2)),
        Statement(linear, "<", 1, words="some signal left after every step between", domain=line_domain(2)),
    ),
    domain=line_domain(1),
    scope="any T >= 2, any end points in (0, 1); the standard one has T = 1000, beta_1 = 1e-4, beta_T = 0.02",
    sources=("staircase, The Forward Process", "journey, 3.1"),
    words="beta_t walks from beta_1 to beta_T in equal steps; time counts from 1.",
)


@linear_schedule.proves()
def _(line: Chain) -> None:
    line(linear)
    line(first + (t - 1) / (T - 1) * (last - first), by=definition)


@linear_schedule.proves(1)
def _(line: Chain) -> None:
    line(beta_linear(1, T, first, last))
    line(first, by=definition, why="t - 1 = 0")


@linear_schedule.proves(2)
def _(line: Chain) -> None:
    line(beta_linear(T, T, first, last))
    line(first + (T - 1) / (T - 1) * (last - first), by=definition)
    line(last)


@linear_schedule.proves(3)
def _(line: Chain) -> None:
    line(linear)
    line(((T - t) * first + (t - 1) * last) / (T - 1), by=definition, why="a weighted mean of the two ends")
    line.gt(0, by=positivity, why="both ends are positive, t <= T, and t > 1")


@linear_schedule.proves(4)
def _(line: Chain) -> None:
    line(linear)
    line(((T - t) * first + (t - 1) * last) / (T - 1), by=definition, why="a weighted mean of the two ends")
    line.lt(1, by=positivity, why="both ends are below 1, so their weighted mean is")


abar_linear = define(
    "abar_linear",
    r"\bar\alpha",
    lambda n: ProductTo(1 - beta_linear(s, 1000, sp.Rational(1, 10**4), sp.Rational(2, 100)), s, 1, n),
    notation=False,
)
VALUES = {100: ("0.897018", "0.90"), 500: ("0.078587", "0.08"), 1000: ("4.03583e-5", "0.00004")}

abar_values = Claim(
    id="ddpm.schedule.abar_values",
    title="abar of the standard linear schedule",
    chapter="Forward process",
    kind="numeric",
    says=tuple(Statement(abar_linear(n), "=", Rounded(digits)) for n in VALUES for digits in VALUES[n]),
    scope="T = 1000, beta from 1e-4 to 0.02, time counted from 1; each value to the digits shown",
    sources=("staircase, The Forward Process",),
    words="Nine tenths of the signal's power is left at t = 100, a twelfth half-way, almost nothing at the end.",
)


def _value(part: int, n: int, digits: str) -> None:
    @abar_values.proves(part)
    def _(line: Chain) -> None:
        line(abar_linear(n))
        line(Rounded(digits), by=[definition, interval_arithmetic], why=f"the product of {n} exact fractions, enclosed")


for _part, (_n, _digits) in enumerate((n, digits) for n in VALUES for digits in VALUES[n]):
    _value(_part, _n, _digits)
