"""Densities and codes counted in bits: bins and their probabilities, the offset of a grid, and bits that are free."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.notation import d, integrable, mu_theta, obs, p, sigma_x, z
from derivations.refutation.worlds import World
from derivations.rules import (
    KL,
    POSITIVE,
    Chain,
    Claim,
    Density,
    Domain,
    Expect,
    Hypothesis,
    Inner,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    SumTo,
    above,
    by_claim,
    constant_vector,
    define,
    definition,
    density,
    given,
    induction_hypothesis,
    jensen,
    last_term,
    linearity,
    moments,
    monotone,
    scalar,
    scalar_function,
    vector,
)
from derivations.vae.gaussian_kl import m_1, m_2, v_1, v_2

half = sp.Rational(1, 2)

# --- bins -------------------------------------------------------------------------------------------------------------

L, M, k = (sp.Symbol(name, integer=True, positive=True) for name in ("L_a", "L_b", "k"))
below = scalar_function("below_edge", "F")
bins = define("bin_chance", "P", lambda n: below(n) - below(n - 1), notation=False)
ends = (
    Hypothesis("open below", "the first bin reaches down to minus infinity", below(0), sp.S.Zero),
    Hypothesis("open above", "the last bin reaches up to infinity", below(L), sp.S.One),
)


def a_staircase(rng: Random, n: int) -> World:
    """A distribution function at the edges of one to five bins."""
    count = 1 + n % 5
    steps = [rng.randint(1, 9) for _ in range(count)]
    heights = [Fraction(sum(steps[:m]), sum(steps)) for m in range(count + 1)]
    families: dict[str, Any] = {"below_edge": lambda m: heights[int(m)] if 0 <= m <= count else Fraction(7, 8)}
    return World(seed=n, numbers={"L_a": count, "L_b": 1 + n % 2}, families=families)


normalised = Claim(
    id="decoder.discretized.normalised",
    title="A discretised decoder with open end bins is a probability",
    chapter="Decoders",
    kind="identity",
    says=(
        Statement(
            SumTo(bins(k), k, 1, M),
            "=",
            below(M),
            name="sum",
            words="neighbouring bins share an edge, so the first M of them hold what lies below the last one",
        ),
        Statement(
            SumTo(bins(k), k, 1, L),
            "=",
            1,
            name="whole",
            words="with the first bin open below and the last one open above nothing is lost",
        ),
    ),
    domain=Domain(indices={L: (sp.S.One, sp.oo), M: (sp.S.One, sp.oo)}),
    hypotheses=ends,
    worlds=(a_staircase,),
    scope="any distribution function F, Gaussian or logistic, any number of levels, any edges; a bin's chance is not "
    "negative because F does not fall",
    sources=("Salimans et al. 2017 (PixelCNN++)", "Ho et al. 2020, eq. 13"),
    words="With closed ends the sum is what F gains between the outermost edges: for N(0.9, 0.3^2) on 256 levels of "
    "[-1, 1] that is 0.6355, and the bound is none.",
)


@normalised.proves("sum", induction_on=M)
def _(base: Chain, step: Chain) -> None:
    base(SumTo(bins(k), k, 1, 1))
    base(below(1) - below(0), by=definition)
    base(below(1), by=given(ends[0]))
    step(SumTo(bins(k), k, 1, M + 1))
    step(SumTo(bins(k), k, 1, M) + bins(M + 1), by=last_term(M + 1))
    step(below(M) + bins(M + 1), by=induction_hypothesis)
    step(below(M + 1), by=definition)


@normalised.proves("whole")
def _(line: Chain) -> None:
    line(SumTo(bins(k), k, 1, L))
    line(below(L), by=above("sum", at={M: L}))
    line(1, by=given(ends[1]))


# --- the offset of a grid ---------------------------------------------------------------------------------------------

shift = vector("within_bin", "u")
height = scalar_function("model_height", "p", positive=True)
bin_width = scalar("bin_width", "w", positive=True)
uniform = Density("uniform", shift)
chance = define("bin_mass", "P", lambda w, mean: sp.exp(d * sp.log(w)) * mean, notation=False)
width_of = define("grid_width", "w", lambda levels: 2 / levels, notation=False)
mean_height = Expect(uniform, height(obs + shift))

offset = Claim(
    id="bits_per_dim.offset",
    title="Bits per dimension of dequantised data, and their offset",
    chapter="Likelihood",
    kind="inequality",
    says=(
        Statement(
            -sp.log(chance(bin_width, mean_height)) / d,
            "<=",
            -Expect(uniform, sp.log(height(obs + shift))) / d - sp.log(bin_width),
            name="bound",
            words="the code length of a bin is at most that of a density at a random point of it, and - log2 w more",
        ),
        Statement(
            -sp.log(width_of(256)),
            "=",
            7 * sp.log(2),
            name="256",
            words="7 bits, each of log 2 nats, on a grid of 2/256",
        ),
        Statement(
            -sp.log(width_of(255)),
            "=",
            7 * sp.log(2) - sp.log(sp.Rational(256, 255)),
            name="255",
            words="and on one of 2/255 by so much less: 0.00565 bits",
        ),
    ),
    domain=Domain({"bin_width": POSITIVE, "model_height": POSITIVE}),
    hypotheses=(integrable,),
    scope="any dimension d, any positive density, any law of the point within the bin (uniform, or learned), any width",
    sources=("Theis et al. 2016", "derived here"),
    words="A density of data in [-1, 1] is not yet a code length: the width of a bin comes in, in every dimension. "
    "Which width it is depends on how the pixels were scaled.",
)


@offset.proves("bound")
def _(line: Chain) -> None:
    line(-sp.log(chance(bin_width, mean_height)) / d)
    line(-sp.log(sp.exp(d * sp.log(bin_width)) * mean_height) / d, by=definition)
    line(
        -sp.log(mean_height) / d - sp.log(bin_width),
        why="the logarithm of a product; of e^{d log w} it is d log w, and d cancels",
    )
    line.le(
        -Expect(uniform, sp.log(height(obs + shift))) / d - sp.log(bin_width),
        by=monotone(jensen),
        why="the logarithm is concave",
    )


@offset.proves("256")
def _(line: Chain) -> None:
    line(-sp.log(width_of(256)))
    line(-sp.log(sp.Rational(2, 256)), by=definition)
    line(7 * sp.log(2), why="128 = 2^7")


@offset.proves("255")
def _(line: Chain) -> None:
    line(-sp.log(width_of(255)))
    line(-sp.log(sp.Rational(2, 255)), by=definition)
    line(7 * sp.log(2) - sp.log(sp.Rational(256, 255)), why="255/2 = 2^7/(256/255)")


# --- distance plus divergence -----------------------------------------------------------------------------------------

cost = scalar("cost_of", "K")
shown = Normal(obs, mu_theta(z), sigma_x**2)
distance = Norm2(obs - mu_theta(z))

slides_loss = Claim(
    id="vae.loss.slides",
    title="Distance plus divergence, and the decoder that it means",
    chapter="The objective",
    kind="identity",
    says=(
        Statement(
            distance + 2 * sigma_x**2 * cost,
            "=",
            2 * sigma_x**2 * (-LogDensity(shown) + cost - d * sp.log(sp.sqrt(2 * sp.pi) * sigma_x)),
            name="beta",
            words="a squared distance and a divergence times beta are a negative bound, for a Gaussian decoder with "
            "2 sigma^2 = beta: up to a factor and a constant",
        ),
        Statement(
            distance + cost,
            "=",
            -LogDensity(Normal(obs, mu_theta(z), half)) + cost - d * sp.log(sp.pi) / 2,
            name="plain",
            words="so the plain sum of both means a decoder of the variance 1/2",
        ),
    ),
    domain=Domain({"sigma_x": POSITIVE}),
    scope="any dimension d, any network, any latent term K, one code; sums over coordinates",
    sources=("slides, VAE loss function",),
    words="The scale of a distance is a choice of sigma, and so of the weight of the latent term. With sigma = 0.1 the "
    "plain sum weighs the latent term fifty times as much as the bound does.",
)


@slides_loss.proves("beta")
def _(line: Chain) -> None:
    constant = d * sp.log(sp.sqrt(2 * sp.pi) * sigma_x)
    line(distance + 2 * sigma_x**2 * cost)
    line(
        2 * sigma_x**2 * (constant + distance / (2 * sigma_x**2) + cost - constant),
        why="2 sigma^2 comes out of both terms",
    )
    line(2 * sigma_x**2 * (-LogDensity(shown) + cost - constant), by=by_claim("vae.decoder.gaussian"))


@slides_loss.proves("plain")
def _(line: Chain) -> None:
    line(distance + cost)
    line(-LogDensity(Normal(obs, mu_theta(z), half)) + cost - d * sp.log(sp.pi) / 2, by=density)


# --- what a decoder cannot show ---------------------------------------------------------------------------------------

way, prior = constant_vector("way", "w"), p(z)


def made(body: sp.Expr) -> sp.Expr:
    """Over what the model generates: a code, then a picture."""
    return Expect(prior, Expect(shown, body))


along, middle = Inner(way, obs), Inner(way, mu_theta(z))

mixture = Claim(
    id="vae.decoder.mixture_view",
    title="A Gaussian decoder shows a mixture that is never narrower than itself",
    chapter="Decoders",
    kind="identity",
    says=(
        Statement(
            made(along), "=", Expect(prior, middle), name="mean", words="the mean is that of the decoder's means"
        ),
        Statement(
            made(along**2) - made(along) ** 2,
            "=",
            Expect(prior, middle**2) - Expect(prior, middle) ** 2 + sigma_x**2 * Norm2(way),
            name="variance",
            words="and along any direction the decoder's own variance comes on top of that of its means",
        ),
    ),
    domain=Domain({"sigma_x": POSITIVE}),
    hypotheses=(integrable,),
    scope="any dimension d, any prior, any network with second moments, any sigma > 0",
    sources=("notes, 1.2.2", "derived here"),
    words="So with sigma fixed no network makes data that vary less than sigma: mixtures come near every law only if "
    "sigma may shrink.",
)


@mixture.proves("mean")
def _(line: Chain) -> None:
    line(made(along))
    line(Expect(prior, middle), by=moments)


@mixture.proves("variance")
def _(line: Chain) -> None:
    line(made(along**2) - made(along) ** 2)
    line(Expect(prior, middle**2 + sigma_x**2 * Norm2(way)) - made(along) ** 2, by=moments)
    line(Expect(prior, middle**2) + sigma_x**2 * Norm2(way) - made(along) ** 2, by=linearity)
    line(Expect(prior, middle**2) + sigma_x**2 * Norm2(way) - Expect(prior, middle) ** 2, by=above("mean"))


# --- a family that does not contain the posterior ---------------------------------------------------------------------

width = scalar("v_1", "v_1", positive=True)
centred, likelihood = Normal(z, 0, width), Normal(obs, z, 1)
bound_of_centred = Expect(centred, LogDensity(likelihood)) - KL(centred, Normal(z, 0, 1))

restriction = Claim(
    id="vae.elbo.parametric_restriction",
    title="A family without the posterior has a bound that stays below",
    chapter="Evidence lower bound",
    kind="identity",
    says=(
        Statement(
            LogDensity(Normal(obs, 0, 2)) - bound_of_centred,
            "=",
            Norm2(obs) / 4 + d * (2 * width - 1 - sp.log(2 * width)) / 2,
            name="gap",
            words="codes that may not leave the origin: at the best variance, 1/2, a quarter of |x|^2 is still missing",
        ),
        Statement(
            KL(centred, Normal(z, obs / 2, half)),
            "=",
            Norm2(obs) / 4 + d * (2 * width - 1 - sp.log(2 * width)) / 2,
            name="divergence",
            words="which is the divergence from the posterior N(x/2, 1/2)",
        ),
    ),
    domain=Domain({"v_1": POSITIVE}),
    scope="p(z) = N(0, I), p(x | z) = N(z, I), so p(x) = N(0, 2 I); encoders N(0, v I) of any v > 0, any dimension d",
    sources=("notes, 1.2.2", "derived here"),
    words="To maximise over the parameters of a family is to maximise over less. The two are the same exactly if the "
    "family contains the posterior of every x.",
)


@restriction.proves("gap")
def _(line: Chain) -> None:
    line(LogDensity(Normal(obs, 0, 2)) - bound_of_centred)
    line(
        LogDensity(Normal(obs, 0, 2)) - Expect(centred, LogDensity(likelihood)) + d * (width - 1 - sp.log(width)) / 2,
        by=by_claim("gaussian.kl.isotropic", at={m_1: 0, m_2: 0, v_1: width, v_2: 1}),
    )
    line(
        -d * sp.log(4 * sp.pi) / 2
        - Norm2(obs) / 4
        + d * sp.log(2 * sp.pi) / 2
        + Expect(centred, Norm2(obs - z)) / 2
        + d * (width - 1 - sp.log(width)) / 2,
        by=(density, moments),
    )
    line(
        -d * sp.log(4 * sp.pi) / 2
        - Norm2(obs) / 4
        + d * sp.log(2 * sp.pi) / 2
        + (Norm2(obs) + d * width) / 2
        + d * (width - 1 - sp.log(width)) / 2,
        by=moments,
    )
    line(
        Norm2(obs) / 4 + d * (2 * width - 1 - sp.log(2 * width)) / 2,
        why="log(4 pi) - log(2 pi) = log 2 joins log v_1, and the two v_1/2 make v_1",
    )


@restriction.proves("divergence")
def _(line: Chain) -> None:
    line(KL(centred, Normal(z, obs / 2, half)))
    line(
        Norm2(obs / 2) + d * (2 * width - 1 - sp.log(2 * width)) / 2,
        by=by_claim("gaussian.kl.isotropic", at={m_1: 0, m_2: obs / 2, v_1: width, v_2: half}),
    )
    line(Norm2(obs) / 4 + d * (2 * width - 1 - sp.log(2 * width)) / 2, why="|x/2|^2 is a quarter of |x|^2")
