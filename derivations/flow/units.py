"""One error in six units: a squared error of data, noise, velocity, score or EDM's network in terms of the others."""

from __future__ import annotations

import sympy as sp

from derivations.flow.paths import PATH, clean_of_noise, level, on_path, signal, x_0
from derivations.notation import eps
from derivations.rules import (
    POSITIVE,
    Chain,
    Claim,
    Domain,
    Norm2,
    Statement,
    above,
    define,
    definition,
    scalar,
    vector,
)

answer = vector("answer", r"\hat o")  # what the network puts out, in the units at hand
spread = scalar("data_std", r"\sigma_{\mathrm{data}}", positive=True)
power = signal**2 + level**2
both = signal + level

x = on_path(signal, level, x_0, eps)
clean_of_v = define(
    "clean_of_v", r"\hat x_0^{v}", lambda a, s, noisy, v: (a * noisy - s * v) / (a**2 + s**2), is_vector_valued=True
)
clean_of_u = define(
    "clean_of_u", r"\hat x_0^{u}", lambda a, s, noisy, u: (noisy - s * u) / (a + s), is_vector_valued=True
)
clean_of_score = define(
    "clean_of_score", r"\hat x_0^{s}", lambda a, s, noisy, score: (noisy + s**2 * score) / a, is_vector_valued=True
)

v, u, conditional_score = signal * eps - level * x_0, eps - x_0, -eps / level

units = Claim(
    id="weights.units",
    title="One error in the units of every view",
    chapter="Paths",
    kind="identity",
    says=(
        Statement(
            Norm2(clean_of_noise(signal, level, x, answer) - x_0),
            "=",
            level**2 / signal**2 * Norm2(answer - eps),
            words="a network that answers with the noise",
        ),
        Statement(
            Norm2(clean_of_v(signal, level, x, answer) - x_0),
            "=",
            level**2 / power**2 * Norm2(answer - v),
            words="with v = a eps - sigma x_0",
        ),
        Statement(
            Norm2(clean_of_u(signal, level, x, answer) - x_0),
            "=",
            level**2 / both**2 * Norm2(answer - u),
            words="with eps - x_0, the velocity of the straight path",
        ),
        Statement(
            Norm2(clean_of_score(signal, level, x, answer) - x_0),
            "=",
            level**4 / signal**2 * Norm2(answer - conditional_score),
            words="with the score of x given x_0, -eps/sigma",
        ),
    ),
    domain=Domain(PATH),
    scope="any dimension d, any a, sigma > 0, any network; all made from the same x",
    sources=("derived here", "Salimans and Ho 2022 (v)", "Hang et al. 2023 (min-SNR)"),
    words="A loss on one output is a weighted loss on every other. The weight depends on a and sigma alone, so the "
    "choice of what to predict is a choice of weights, and of what the network need not learn.",
)


@units.proves()
def _(line: Chain) -> None:
    line(Norm2(clean_of_noise(signal, level, x, answer) - x_0))
    line(Norm2(level / signal * (eps - answer)), by=definition, why="the data cancel")
    line(level**2 / signal**2 * Norm2(answer - eps), why="a factor leaves the squared norm squared")


@units.proves(1)
def _(line: Chain) -> None:
    line(Norm2(clean_of_v(signal, level, x, answer) - x_0))
    line(
        Norm2((signal * x - level * answer) / power - (signal * x - level * v) / power),
        by=definition,
        why="write x_0, too, through x and v",
    )
    line(Norm2(level / power * (v - answer)), why="x cancels")
    line(
        level**2 / power**2 * Norm2(answer - v),
        why="a number leaves a squared length as its square; the difference's sign does not matter",
    )


@units.proves(2)
def _(line: Chain) -> None:
    line(Norm2(clean_of_u(signal, level, x, answer) - x_0))
    line(
        Norm2((x - level * answer) / both - (x - level * u) / both),
        by=definition,
        why="write x_0, too, through x and u",
    )
    line(Norm2(level / both * (u - answer)), why="x cancels")
    line(
        level**2 / both**2 * Norm2(answer - u),
        why="a number leaves a squared length as its square; the difference's sign does not matter",
    )


@units.proves(3)
def _(line: Chain) -> None:
    line(Norm2(clean_of_score(signal, level, x, answer) - x_0))
    line(
        Norm2((x + level**2 * answer) / signal - (x + level**2 * conditional_score) / signal),
        by=definition,
        why="write x_0, too, through x and the score",
    )
    line(Norm2(level**2 / signal * (answer - conditional_score)), why="x cancels")
    line(level**4 / signal**2 * Norm2(answer - conditional_score), why="a number leaves a squared length as its square")


# --- EDM --------------------------------------------------------------------------------------------------------------

skip = spread**2 / (level**2 + spread**2)
out = level * spread / sp.sqrt(level**2 + spread**2)
noisy = x_0 + level * eps
target = (x_0 - skip * noisy) / out

edm_units = Claim(
    id="edm.units",
    title="EDM's network, in the same units",
    chapter="Paths",
    kind="identity",
    says=(
        Statement(
            Norm2(skip * noisy + out * answer - x_0),
            "=",
            out**2 * Norm2(answer - target),
            words="the error of the denoiser is that of the network inside, times c_out^2",
        ),
        Statement(
            target,
            "=",
            (level * x_0 - spread**2 * eps) / (spread * sp.sqrt(level**2 + spread**2)),
            words="what that network is asked for",
        ),
        Statement(
            (level**2 + spread**2) / (level * spread) ** 2 * Norm2(skip * noisy + out * answer - x_0),
            "=",
            Norm2(answer - target),
            words="EDM's weight makes the loss of the network inside unweighted at every noise level",
        ),
    ),
    domain=Domain({"level": POSITIVE, "data_std": POSITIVE}),
    scope="any dimension d, any sigma, sigma_data > 0, any network; variance exploding, a = 1",
    sources=("Karras et al. 2022, eqs. 7, 8 and Table 1",),
    words="The skip connection carries what is known, the network adds the rest; weighted by 1/c_out^2, every noise "
    "level counts alike.",
)


@edm_units.proves()
def _(line: Chain) -> None:
    line(Norm2(skip * noisy + out * answer - x_0))
    line(Norm2(out * (answer - (x_0 - skip * noisy) / out)), why="take c_out out of the bracket")
    line(out**2 * Norm2(answer - target), why="a factor leaves the squared norm squared")


@edm_units.proves(1)
def _(line: Chain) -> None:
    line(target)
    line(
        (level**2 * x_0 - spread**2 * level * eps) / ((level**2 + spread**2) * out),
        why="1 - c_skip of the data are left",
    )
    line(
        (level * x_0 - spread**2 * eps) / (spread * sp.sqrt(level**2 + spread**2)),
        why="varsigma cancels above and below",
    )


@edm_units.proves(2)
def _(line: Chain) -> None:
    weight = (level**2 + spread**2) / (level * spread) ** 2
    line(weight * Norm2(skip * noisy + out * answer - x_0))
    line(Norm2(answer - target), by=above(0), why="the weight is 1 / c_out^2")
