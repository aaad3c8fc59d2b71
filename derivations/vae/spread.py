"""The best spread of a Gaussian decoder: its variance is the mean squared error, and a fixed one is a beta."""

from __future__ import annotations

from fractions import Fraction
from random import Random
from typing import Any

import sympy as sp

from derivations.notation import d, integrable, mu_theta, obs, p, q, sigma_x, z
from derivations.refutation.laws import FiniteJoint
from derivations.refutation.worlds import World
from derivations.rules import (
    KL,
    POSITIVE,
    Chain,
    Claim,
    Domain,
    Expect,
    Hypothesis,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    above,
    density,
    given,
    linearity,
    log_tangent,
    monotone,
    scalar,
)

half = sp.Rational(1, 2)
sigma_best = scalar("sigma_best", r"\sigma_*", positive=True)
pair, price = q([obs, z]), Expect(q(obs), KL(q(z, obs), p(z)))
error = Expect(pair, Norm2(obs - mu_theta(z)))


def fit(sigma: sp.Expr) -> sp.Expr:
    """The mean log-likelihood, over data and their codes, under the decoder of that spread."""
    return Expect(pair, LogDensity(Normal(obs, mu_theta(z), sigma**2)))


def sharp_decoder(rng: Random, n: int) -> World | None:
    """A decoder that hardly errs: densities above 1, so that likelihoods of either sign occur."""
    if n % 2:
        return None
    bits, share = [(Fraction(b),) for b in (0, 1)], Fraction(rng.randint(1, 9), 10)
    coded: dict[Any, Any] = {(b, b): share if b == bits[0] else 1 - share for b in bits}
    prior: dict[Any, Any] = {(b,): Fraction(1, 2) for b in bits}
    off = Fraction(1, rng.randint(50, 200))
    return World(
        numbers={"sigma_best": off, "sigma_x": off * Fraction(rng.randint(2, 30), 10)},
        families={"mu_theta": lambda code: (code[0] + off,)},
        laws={"q": FiniteJoint((("x_obs",), ("z",)), coded), "p": FiniteJoint((("z",),), prior)},
        finite=frozenset({"x_obs", "z"}),
    )


mean_error = Hypothesis(
    "mean squared error",
    "sigma_*^2 is the mean squared error of a coordinate, and not 0",
    error,
    d * sigma_best**2,
)

optimal_variance = Claim(
    id="vae.decoder.optimal_variance",
    title="The best decoder variance is the mean squared error",
    chapter="Decoders",
    kind="inequality",
    says=(
        Statement(
            fit(sigma_x),
            "=",
            -d * (sp.log(2 * sp.pi * sigma_x**2) + sigma_best**2 / sigma_x**2) / 2,
            words="what the likelihood of a decoder knows of its network is the mean squared error",
        ),
        Statement(
            fit(sigma_best),
            "=",
            -d * (sp.log(2 * sp.pi * sigma_best**2) + 1) / 2,
            words="at the best spread the error costs half a nat a coordinate, however large it is",
        ),
        Statement(fit(sigma_x), "<=", fit(sigma_best), words="so no other spread does better"),
        Statement(
            sigma_x**2 * (fit(sigma_x) - price),
            "=",
            -error / 2 - sigma_x**2 * price - sigma_x**2 * d * sp.log(2 * sp.pi * sigma_x**2) / 2,
            words="half a sum of squares, with a beta of sigma^2: the bound with that variance, but for the normaliser",
        ),
    ),
    domain=Domain({"sigma_x": POSITIVE, "sigma_best": POSITIVE}),
    hypotheses=(integrable, mean_error),
    worlds=(sharp_decoder,),
    scope="any dimension d, any data law, any encoder q(z | x), any prior, any network mu_theta that makes an error; "
    "one variance for all coordinates",
    sources=("Rybkin et al. 2021 (sigma-VAE)",),
    words="The spread that maximises the bound is the root of the mean squared error. With it the bound rewards the "
    "logarithm of the error, which goes to minus infinity with it: without an error there is no best spread.",
)


@optimal_variance.proves()
def _(line: Chain) -> None:
    line(fit(sigma_x))
    line(
        Expect(pair, -d * sp.log(2 * sp.pi * sigma_x**2) / 2 - Norm2(obs - mu_theta(z)) / (2 * sigma_x**2)),
        by=density,
    )
    line(
        -d * sp.log(2 * sp.pi * sigma_x**2) / 2 - error / (2 * sigma_x**2),
        by=linearity,
        why="sigma depends on neither x nor z",
    )
    line(-d * sp.log(2 * sp.pi * sigma_x**2) / 2 - d * sigma_best**2 / (2 * sigma_x**2), by=given(mean_error))
    line(-d * (sp.log(2 * sp.pi * sigma_x**2) + sigma_best**2 / sigma_x**2) / 2, why="-d/2 comes out of both terms")


@optimal_variance.proves(1)
def _(line: Chain) -> None:
    line(fit(sigma_best))
    line(-d * (sp.log(2 * sp.pi * sigma_best**2) + 1) / 2, by=above(0, at={sigma_x: sigma_best}))


@optimal_variance.proves(2)
def _(line: Chain) -> None:
    ratio = sigma_best**2 / sigma_x**2
    normaliser = -d * sp.log(2 * sp.pi * sigma_best**2) / 2 - d * ratio / 2
    line(fit(sigma_x))
    line(-d * (sp.log(2 * sp.pi * sigma_x**2) + ratio) / 2, by=above(0))
    line(normaliser + d * sp.log(ratio) / 2, why="the spread in units of the best one")
    line.le(normaliser + d * (ratio - 1) / 2, by=monotone(log_tangent), why="log u <= u - 1")
    line(-d * (sp.log(2 * sp.pi * sigma_best**2) + 1) / 2, why="the ratio of the variances cancels; -d/2 comes out")
    line(fit(sigma_best), by=above(1))


@optimal_variance.proves(3)
def _(line: Chain) -> None:
    line(sigma_x**2 * (fit(sigma_x) - price))
    line(
        sigma_x**2
        * (Expect(pair, -d * sp.log(2 * sp.pi * sigma_x**2) / 2 - Norm2(obs - mu_theta(z)) / (2 * sigma_x**2)) - price),
        by=density,
    )
    line(
        sigma_x**2 * (-d * sp.log(2 * sp.pi * sigma_x**2) / 2 - error / (2 * sigma_x**2) - price),
        by=linearity,
    )
    line(
        -error / 2 - sigma_x**2 * price - sigma_x**2 * d * sp.log(2 * sp.pi * sigma_x**2) / 2,
        why="sigma^2 goes into the bracket, where it cancels below the error",
    )
