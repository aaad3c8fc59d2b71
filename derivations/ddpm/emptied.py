"""Levels of signal: three of them in digits, and a schedule rescaled so that its last one is empty."""

from __future__ import annotations

import sympy as sp

from derivations.rules import (
    POSITIVE,
    Chain,
    Claim,
    Domain,
    Rounded,
    Statement,
    below,
    define,
    definition,
    interval_arithmetic,
    scalar,
)

half, tenth, nine = sp.Rational(1, 2), sp.Rational(1, 10), sp.Rational(9, 10)

# --- three digits -----------------------------------------------------------------------------------------------------

kept, added = define("signal_weight_of", "a", sp.sqrt), define("noise_weight_of", r"\sigma", lambda a: sp.sqrt(1 - a))

sweep = Claim(
    id="onestep.alpha_sweep.coefficients",
    title="Weights of signal and noise at three values of alpha",
    chapter="One step",
    kind="numeric",
    says=(
        Statement(kept(nine), "=", Rounded("0.949"), words="alpha = 0.9: signal"),
        Statement(added(nine), "=", Rounded("0.316"), words="and noise; 0.32 in two digits, not 0.31"),
        Statement(kept(half), "=", Rounded("0.707"), words="alpha = 0.5: both alike"),
        Statement(kept(tenth), "=", Rounded("0.316"), words="alpha = 0.1: signal"),
        Statement(added(tenth), "=", Rounded("0.949"), words="and noise"),
    ),
    scope="three digits",
    sources=("journey, 2.6",),
    words="Roots, not shares: with nine tenths of the power the signal is three times as large as the noise.",
)

for _part, _statement in enumerate(sweep.says):

    @sweep.proves(_part)
    def _(line: Chain, s: Statement = _statement) -> None:
        line(s.lhs)
        line(s.rhs, by=[definition, interval_arithmetic], why="a root, enclosed")


# --- no signal at the end ---------------------------------------------------------------------------------------------

first, end, here, later = (
    scalar(name, tex, positive=True)
    for name, tex in (("root_first", "r_1"), ("root_last", "r_T"), ("root_here", "r_t"), ("root_later", "r_s"))
)
emptied = define("emptied", "r'", lambda r, one, last: one * (r - last) / (one - last))

zero_terminal = Claim(
    id="schedule.zero_terminal_snr",
    title="Rescaling to no signal at the end keeps the first level",
    chapter="Forward process",
    kind="identity",
    says=(
        Statement(emptied(first, first, end), "=", first, name="first", words="r = sqrt(abar): the first level stays"),
        Statement(emptied(end, first, end), "=", 0, name="last", words="and the last one is emptied"),
        Statement(
            1 - (emptied(end, first, end) / emptied(here, first, end)) ** 2,
            "=",
            1,
            name="beta",
            words="so the last step takes everything, wherever the chain was before: beta_T = 1",
        ),
        Statement(
            emptied(here, first, end) - emptied(later, first, end),
            "=",
            first / (first - end) * (here - later),
            name="order",
            words="levels stay in order, a little farther apart",
        ),
        Statement(
            here - emptied(here, first, end),
            "=",
            end * (first - here) / (first - end),
            name="less",
            words="and every level but the first loses signal, the later the more",
        ),
    ),
    domain=Domain(
        {name: POSITIVE for name in ("root_first", "root_last", "root_here", "root_later")},
        conditions=(below(end, first), below(end, here)),
    ),
    scope="any schedule, r_T < r_t <= r_1; T >= 2",
    sources=("Lin et al. 2024, algorithm 1",),
    words="The noise is no longer asked for at the end: x_T is noise and says nothing of x_0. A network must answer "
    "with v or the data there.",
)


@zero_terminal.proves("first")
def _(line: Chain) -> None:
    line(emptied(first, first, end))
    line(first, by=definition, why="a number over itself")


@zero_terminal.proves("last")
def _(line: Chain) -> None:
    line(emptied(end, first, end))
    line(0, by=definition)


@zero_terminal.proves("beta")
def _(line: Chain) -> None:
    line(1 - (emptied(end, first, end) / emptied(here, first, end)) ** 2)
    line(1, by=definition)


@zero_terminal.proves("order")
def _(line: Chain) -> None:
    line(emptied(here, first, end) - emptied(later, first, end))
    line(first * (here - end) / (first - end) - first * (later - end) / (first - end), by=definition)
    line(first / (first - end) * (here - later), why="one denominator: the two r_T cancel")


@zero_terminal.proves("less")
def _(line: Chain) -> None:
    line(here - emptied(here, first, end))
    line(here - first * (here - end) / (first - end), by=definition)
    line(end * (first - here) / (first - end), why="over r_1 - r_T: the two r_1 r_t cancel, and r_T comes out")
