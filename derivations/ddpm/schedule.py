"""What a noise schedule does to the signal: its power, its information, and the linear schedule in numbers."""

from __future__ import annotations

import sympy as sp

from derivations.notation import T, abar, alpha, forward_markov, integrable, q, s, schedule, snr, t, x
from derivations.rules import (
    KL,
    UNIT,
    Chain,
    Claim,
    Domain,
    Expect,
    ProductTo,
    Rounded,
    Statement,
    bayes,
    define,
    definition,
    gibbs,
    given,
    interval_arithmetic,
    linearity,
    log_p,
    positivity,
    scalar,
    tower,
)

# --- what noise destroys ----------------------------------------------------------------------------------------------

Information = define(
    "I",
    r"\mathrm I",
    lambda a, b: Expect(q(a), KL(q(b, a), q(b))),
    notation=False,
)

snr_monotone = Claim(
    id="ddpm.forward.snr_monotone",
    title="SNR falls with t, and information on x_0 never grows",
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
    line(snr(t - 1), why="this quotient is the SNR of the step before")


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
    line(last, by=definition, why="at t = T all of the way from the first to the last is gone")


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
    words="Nine tenths of the signal's power is left at t = 100, a thirteenth half-way, almost nothing at the end.",
)


def _value(part: int, n: int, digits: str) -> None:
    @abar_values.proves(part)
    def _(line: Chain) -> None:
        line(abar_linear(n))
        line(Rounded(digits), by=[definition, interval_arithmetic], why=f"the product of {n} exact fractions, enclosed")


for _part, (_n, _digits) in enumerate((n, digits) for n in VALUES for digits in VALUES[n]):
    _value(_part, _n, _digits)
