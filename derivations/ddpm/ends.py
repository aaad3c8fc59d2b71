"""Both ends of the noise: hardly any and nearly nothing else, in one step and in a chain."""

from __future__ import annotations

import sympy as sp

from derivations.ddpm.forward import noisy
from derivations.notation import abar, alpha, d, eps, integrable, schedule, t, x, z
from derivations.onestep import ONE_LEVEL, mixed, noise
from derivations.onestep import alpha as share
from derivations.rules import (
    Chain,
    Claim,
    Density,
    Expect,
    Inner,
    Norm2,
    Normal,
    Statement,
    above,
    constant_vector,
    define,
    definition,
    linearity,
    moments,
)

x_0 = x(0)

# --- nearly all is noise ----------------------------------------------------------------------------------------------

far = Expect(noise, Norm2(noisy(t, x_0, eps) - eps))

identity = Claim(
    id="ddpm.parameterization.high_noise_identity",
    title="At high noise the noisy point is nearly its noise",
    chapter="Forward process",
    kind="limit",
    says=(
        Statement(
            far,
            "=",
            abar(t) * (Norm2(x_0) + d * abar(t) / (1 + sp.sqrt(1 - abar(t))) ** 2),
            name="error",
            words="a network that answers with its input errs by this much: it vanishes with abar",
        ),
    ),
    domain=schedule(),
    scope="any dimension d, any datum, any schedule, any t",
    sources=("staircase, Two ways to say the same thing",),
    words="So the last steps of the chain teach little: the answer can be copied from the input. What they teach is "
    "the small rest, the mean of the data.",
)


@identity.proves("error")
def _(line: Chain) -> None:
    line(far)
    line(Expect(noise, Norm2(sp.sqrt(abar(t)) * x_0 + (sp.sqrt(1 - abar(t)) - 1) * eps)), by=definition)
    line(abar(t) * Norm2(x_0) + d * (1 - sp.sqrt(1 - abar(t))) ** 2, by=moments)
    line(
        abar(t) * (Norm2(x_0) + d * abar(t) / (1 + sp.sqrt(1 - abar(t))) ** 2),
        why="1 - sqrt(1 - a) = a/(1 + sqrt(1 - a))",
    )


# --- one step, at its ends --------------------------------------------------------------------------------------------

guess = constant_vector("constant_guess", "c")

nothing_to_see = Claim(
    id="onestep.alpha_one",
    title="Without noise in the input the noise cannot be predicted",
    chapter="One step",
    kind="limit",
    says=(
        Statement(
            Expect(noise, Norm2(eps - guess)),
            "=",
            d + Norm2(guess),
            name="loss",
            words="at alpha = 1 the input is x_0 and says nothing about the noise: whatever is answered, one a "
            "dimension is lost, and the least for the answer 0",
        ),
    ),
    scope="any dimension d, any answer that does not depend on the noise: at alpha = 1 a network has no other",
    sources=("journey, 2.4",),
    words="The target is not zero noise. It is the same standard normal noise as at any other level, and what vanishes "
    "is its trace in the input. The best network answers 0 and its loss stays at 1 a dimension.",
)


@nothing_to_see.proves("loss")
def _(line: Chain) -> None:
    line(Expect(noise, Norm2(eps - guess)))
    line(d + Norm2(guess), by=moments)


copied = Norm2(mixed(share, x_0, eps) - eps)
made = (mixed(share, x_0, eps) - sp.sqrt(1 - share) * mixed(share, x_0, eps)) / sp.sqrt(share)
restored_error = Norm2((mixed(share, x_0, eps) - sp.sqrt(1 - share) * z) / sp.sqrt(share) - x_0)

no_signal = Claim(
    id="onestep.alpha_zero",
    title="Without signal training succeeds and nothing can be made",
    chapter="One step",
    kind="limit",
    says=(
        Statement(
            Expect(noise, copied),
            "=",
            share * (Norm2(x_0) + d * share / (1 + sp.sqrt(1 - share)) ** 2),
            name="loss",
            words="who answers with the input is right about the noise, more and more so as alpha goes to 0",
        ),
        Statement(
            restored_error,
            "=",
            (1 - share) / share * Norm2(eps - z),
            name="amplified",
            words="but what it then says of the image is off by this many times its error, without bound",
        ),
        Statement(
            Expect(noise, Norm2(made)),
            "=",
            (1 - sp.sqrt(1 - share)) ** 2 / share * (share * Norm2(x_0) + d * (1 - share)),
            name="empty",
            words="the copied noise leaves an image whose square vanishes with alpha: nothing of x_0",
        ),
    ),
    domain=ONE_LEVEL,
    scope="any dimension d, any datum, any alpha in (0, 1)",
    sources=("journey, 2.4",),
    words="A loss near zero is no sign of a model: at alpha = 0 the noise is the input. The failure shows in what is "
    "generated, and nowhere else.",
)


@no_signal.proves("loss")
def _(line: Chain) -> None:
    line(Expect(noise, copied))
    line(Expect(noise, Norm2(sp.sqrt(share) * x_0 + (sp.sqrt(1 - share) - 1) * eps)), by=definition)
    line(share * (Norm2(x_0) + d * share / (1 + sp.sqrt(1 - share)) ** 2), by=moments)


@no_signal.proves("amplified")
def _(line: Chain) -> None:
    line(restored_error)
    line(Norm2(sp.sqrt(1 - share) / sp.sqrt(share) * (eps - z)), by=definition)
    line((1 - share) / share * Norm2(eps - z), why="a number leaves a squared length as its square: the roots are gone")


@no_signal.proves("empty")
def _(line: Chain) -> None:
    kept = (1 - sp.sqrt(1 - share)) / sp.sqrt(share)
    line(Expect(noise, Norm2(made)))
    line(Expect(noise, Norm2(kept * (sp.sqrt(share) * x_0 + sp.sqrt(1 - share) * eps))), by=definition)
    line((1 - sp.sqrt(1 - share)) ** 2 / share * (share * Norm2(x_0) + d * (1 - share)), by=moments)


# --- half and half ----------------------------------------------------------------------------------------------------

data = Density("p_data", x_0)
power = Expect(data, Norm2(x_0))
signal_power = Expect(data, Norm2(sp.sqrt(share) * x_0))
noise_power = Expect(noise, Norm2(sp.sqrt(1 - share) * eps))

half_way = Claim(
    id="onestep.alpha_half",
    title="Equal weights are equal power only for data of unit power",
    chapter="One step",
    kind="identity",
    says=(
        Statement(
            signal_power,
            "=",
            share / (1 - share) * power / d * noise_power,
            name="ratio",
            words="the power of the signal beside that of the noise: the mean square of the data comes in",
        ),
    ),
    domain=ONE_LEVEL,
    hypotheses=(integrable,),
    scope="any dimension d, any data law with a second moment, any alpha in (0, 1)",
    sources=("journey, 2.4",),
    words="At alpha = 1/2 the two coefficients are equal. Pixels in [0, 1] of dark pictures have a mean square near "
    "0.1, so there the noise is ten times as strong; in [-1, 1] it is near 0.9, and half and half is nearly right.",
)


@half_way.proves("ratio")
def _(line: Chain) -> None:
    line(signal_power)
    line(Expect(data, share * Norm2(x_0)), why="|sqrt(alpha) x_0|^2 = alpha |x_0|^2")
    line(share * power, by=linearity)
    line(share / (1 - share) * power / d * noise_power, by=moments)


# --- the trade-off ----------------------------------------------------------------------------------------------------

way = constant_vector("way", "w")


def drawn(body: sp.Expr) -> sp.Expr:
    """Over data and noise."""
    return Expect(data, Expect(noise, body))


along, clean_along = Inner(way, mixed(share, x_0, eps)), Inner(way, x_0)

tradeoff = Claim(
    id="onestep.tradeoff",
    title="How near one step of noise comes to the prior",
    chapter="One step",
    kind="identity",
    says=(
        Statement(
            drawn(along),
            "=",
            sp.sqrt(share) * Expect(data, clean_along),
            name="mean",
            words="along any direction w the mean of the data shrinks",
        ),
        Statement(
            drawn(along**2) - drawn(along) ** 2,
            "=",
            share * (Expect(data, clean_along**2) - Expect(data, clean_along) ** 2) + (1 - share) * Norm2(way),
            name="covariance",
            words="and the variance is mixed: alpha times that of the data, 1 - alpha times that of the prior",
        ),
    ),
    domain=ONE_LEVEL,
    hypotheses=(integrable,),
    scope="any dimension d, any direction, any data law with second moments, any alpha in (0, 1)",
    sources=("journey, 2.4", "journey, 2.6"),
    words="Mean and covariance become those of N(0, I) only as alpha goes to 0, where nothing of the data is left; "
    "unless the data have the mean 0 and the covariance I to begin with.",
)


@tradeoff.proves("mean")
def _(line: Chain) -> None:
    line(drawn(along))
    line(drawn(sp.sqrt(share) * clean_along + sp.sqrt(1 - share) * Inner(way, eps)), by=definition)
    line(Expect(data, sp.sqrt(share) * clean_along), by=moments, why="the noise has mean 0")
    line(sp.sqrt(share) * Expect(data, clean_along), by=linearity)


@tradeoff.proves("covariance")
def _(line: Chain) -> None:
    mean_square = share * Expect(data, clean_along**2) + (1 - share) * Norm2(way)
    line(drawn(along**2) - drawn(along) ** 2)
    line(
        drawn((sp.sqrt(share) * clean_along + sp.sqrt(1 - share) * Inner(way, eps)) ** 2) - drawn(along) ** 2,
        by=definition,
        why="write x_1 out in the square: sqrt(alpha) of the data and sqrt(1 - alpha) of the noise along w",
    )
    line(Expect(data, share * clean_along**2 + (1 - share) * Norm2(way)) - drawn(along) ** 2, by=moments)
    line(mean_square - drawn(along) ** 2, by=linearity)
    line(mean_square - share * Expect(data, clean_along) ** 2, by=above("mean"))
    line(
        share * (Expect(data, clean_along**2) - Expect(data, clean_along) ** 2) + (1 - share) * Norm2(way),
        why="alpha comes out of the data's mean square and of their squared mean",
    )


# --- two noises -------------------------------------------------------------------------------------------------------

fresh, before = eps, z
jump = define(
    "jump_noise",
    r"\bar\epsilon",
    lambda n, old, new: (
        (sp.sqrt(alpha(n)) * sp.sqrt(1 - abar(n - 1)) * old + sp.sqrt(1 - alpha(n)) * new) / sp.sqrt(1 - abar(n))
    ),
    is_vector_valued=True,
)
both = Normal(before, 0, 1)


def over_both(body: sp.Expr) -> sp.Expr:
    return Expect(both, Expect(noise, body))


reuse = Claim(
    id="ddpm.forward.symbol_reuse",
    title="The noise of a step is not the noise of the jump",
    chapter="Forward process",
    kind="identity",
    says=(
        Statement(
            sp.sqrt(alpha(t)) * noisy(t - 1, x_0, before) + sp.sqrt(1 - alpha(t)) * fresh,
            "=",
            noisy(t, x_0, jump(t, before, fresh)),
            name="same point",
            words="a step from where an earlier jump led is a jump too, with a noise that is mixed from both",
        ),
        Statement(
            over_both(Norm2(jump(t, before, fresh))),
            "=",
            d,
            name="power",
            words="the mixture has the power of standard normal noise",
        ),
        Statement(
            over_both(Inner(fresh, jump(t, before, fresh))) / d,
            "=",
            sp.sqrt((1 - alpha(t)) / (1 - abar(t))),
            name="correlation",
            words="and this is its correlation with the noise of the last step: 1 at no t but the first",
        ),
    ),
    domain=schedule(2),
    scope="any dimension d, any schedule, any t >= 2, any datum",
    sources=("journey, 3.1", "article, Forward process"),
    words="Texts write one epsilon in the formula of a step and in that of the jump. They are two variables: half-way "
    "down the usual chain their correlation is a tenth.",
)


@reuse.proves("same point")
def _(line: Chain) -> None:
    line(sp.sqrt(alpha(t)) * noisy(t - 1, x_0, before) + sp.sqrt(1 - alpha(t)) * fresh)
    line(
        sp.sqrt(alpha(t)) * (sp.sqrt(abar(t - 1)) * x_0 + sp.sqrt(1 - abar(t - 1)) * before)
        + sp.sqrt(1 - alpha(t)) * fresh,
        by=definition,
    )
    line(noisy(t, x_0, jump(t, before, fresh)), by=definition)


@reuse.proves("power")
def _(line: Chain) -> None:
    kept, new = sp.sqrt(alpha(t)) * sp.sqrt(1 - abar(t - 1)), sp.sqrt(1 - alpha(t))
    line(over_both(Norm2(jump(t, before, fresh))))
    line(over_both(Norm2((kept * before + new * fresh) / sp.sqrt(1 - abar(t)))), by=definition)
    line(Expect(both, (kept**2 * Norm2(before) + new**2 * d) / (1 - abar(t))), by=moments)
    line((kept**2 * d + new**2 * d) / (1 - abar(t)), by=moments)
    line(d, why="alpha_t abar_{t-1} = abar_t: above the bar stands d (1 - abar_t)")


@reuse.proves("correlation")
def _(line: Chain) -> None:
    kept, new = sp.sqrt(alpha(t)) * sp.sqrt(1 - abar(t - 1)), sp.sqrt(1 - alpha(t))
    line(over_both(Inner(fresh, jump(t, before, fresh))) / d)
    line(over_both(Inner(fresh, (kept * before + new * fresh) / sp.sqrt(1 - abar(t)))) / d, by=definition)
    line(Expect(both, new * d / sp.sqrt(1 - abar(t))) / d, by=moments)
    line(sp.sqrt((1 - alpha(t)) / (1 - abar(t))), by=moments)
