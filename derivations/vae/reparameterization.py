"""Sampling as a function of noise: z = mu + sigma * eps, so that gradients pass through the sample.

Any k. The function f that is averaged is opaque: the log-likelihood of a decoder, or anything else.
"""

from __future__ import annotations

import sympy as sp

from derivations.notation import (
    diagonal_normal,
    eps,
    i,
    integrable,
    interchange_hypothesis,
    k,
    mu,
    obs,
    standard_normal,
    std,
    z,
)
from derivations.rules import (
    POSITIVE,
    REAL,
    AffineImage,
    Chain,
    Claim,
    Coord,
    D,
    Domain,
    Expect,
    Gradient,
    Hadamard,
    Inner,
    LogDensity,
    Statement,
    SumTo,
    algebra,
    by_claim,
    density,
    differentiation,
    identify,
    interchange,
    jacobian,
    push_forward,
    reparameterize,
    scalar,
    scalar_function,
    vector_function,
)

half = sp.Rational(1, 2)
ANY_K = {k: (sp.Integer(1), sp.oo)}
POSITIVE_SPREAD = Domain({"std": POSITIVE}, ANY_K)

noise = standard_normal(eps, k)
law = diagonal_normal(z, mu, std, k)
image = AffineImage(z, i, Coord(mu, i), Coord(std, i), noise, k)
z_i, m, s = Coord(z, i), Coord(mu, i), Coord(std, i)

location_scale = Claim(
    id="vae.reparameterization.location_scale",
    title="Reparameterised sampling",
    chapter="Reparameterisation",
    kind="identity",
    says=(Statement(LogDensity(image), "=", LogDensity(law)),),
    domain=POSITIVE_SPREAD,
    scope="any k, any mu, every sigma_i > 0; equal densities at every z, hence equal laws",
    sources=(
        "notes, eq 1.5",
        "journey, 1.3",
        "article, Reparameterization trick",
        "slides, Reparametrization trick",
        "staircase, The Anchor",
    ),
    words="Stretch standard normal noise by sigma and move it by mu, coordinate by coordinate: the result is the "
    "encoder's Gaussian. All randomness now sits in eps, which no parameter touches.",
)


@location_scale.proves()
def _(line: Chain) -> None:
    u = (z_i - m) / s
    line(LogDensity(image))
    line(
        SumTo(-sp.log(2 * sp.pi) / 2 - u**2 / 2 - sp.log(s), i, 1, k),
        by=jacobian,
        why="change of variable: eps_i = (z_i - mu_i) / sigma_i, and the density is divided by sigma_i",
    )
    line(
        SumTo(-sp.log(2 * sp.pi * s**2) / 2 - (z_i - m) ** 2 / (2 * s**2), i, 1, k),
        by=algebra,
        why="log sigma_i joins the normaliser as half of log sigma_i^2",
    )
    line(LogDensity(law), by=density, why="the density of N(mu, diag sigma^2)")


# --- expectations -----------------------------------------------------------------------------------------------------

f = scalar_function("f")
draw = vector_function("eps_draw", r"\epsilon")
n, L = sp.Symbol("n", integer=True, positive=True), sp.Symbol("L", integer=True, positive=True)

expectation = Claim(
    id="vae.reparameterization.expectation",
    title="Change of variables for the expectation",
    chapter="Reparameterisation",
    kind="identity",
    says=(
        Statement(Expect(law, f(z)), "=", Expect(noise, f(mu + Hadamard(std, eps)))),
        Statement(
            SumTo(Expect(standard_normal(draw(n), k), f(mu + Hadamard(std, draw(n)))), n, 1, L) / L,
            "=",
            Expect(law, f(z)),
            words="the average over L draws of noise is unbiased",
            domain=Domain({"std": POSITIVE}, {**ANY_K, L: (sp.Integer(1), sp.oo)}),
        ),
    ),
    domain=POSITIVE_SPREAD,
    hypotheses=(integrable,),
    scope="any k, any integrable f, any number L >= 1 of draws (their joint law does not matter for the mean)",
    sources=("notes, Prop 1.9", "notes, 1.2.3", "journey, 1.3"),
    words="To average over codes is to average over the noise that makes them. The second form is what is computed: a "
    "handful of draws, often one, whose average is right on average.",
)


@expectation.proves()
def _(line: Chain) -> None:
    line(Expect(law, f(z)))
    line(
        Expect(image, f(z)),
        by=identify(image, law, by_claim("vae.reparameterization.location_scale")),
        why="mu + sigma * eps has this very law",
    )
    line(Expect(noise, f(mu + Hadamard(std, eps))), by=push_forward, why="average over the noise instead")


@expectation.proves(1)
def _(line: Chain) -> None:
    line(SumTo(Expect(standard_normal(draw(n), k), f(mu + Hadamard(std, draw(n)))), n, 1, L) / L)
    line(
        SumTo(Expect(law, f(z)), n, 1, L) / L,
        by=reparameterize(draw(n), mu, std),
        why="the first statement, for each draw",
    )
    line(Expect(law, f(z)), by=algebra, why="L equal terms, divided by L")


# --- gradients --------------------------------------------------------------------------------------------------------

phi = scalar("phi", r"\phi", real=True)
location = vector_function("mu_of", r"\mu")(phi, obs)
spread = vector_function("std_of", r"\sigma")(phi, obs)
encoder = diagonal_normal(z, location, spread, k)
sample = location + Hadamard(spread, eps)
moved = D(location, phi) + Hadamard(D(spread, phi), eps)

gradient = Claim(
    id="vae.reparameterization.gradient",
    title="Pathwise gradient through the sample",
    chapter="Reparameterisation",
    kind="gradient",
    says=(Statement(D(Expect(encoder, f(z)), phi), "=", Expect(noise, Inner(Gradient(f, sample), moved))),),
    domain=Domain({"phi": REAL, "std_of": POSITIVE}, ANY_K),
    hypotheses=(integrable, interchange_hypothesis),
    scope="any k; phi is any one parameter of the encoder; f, mu and sigma > 0 differentiable, derivatives dominated",
    sources=(
        "notes, 1.2.3",
        "journey, 1.3",
        "slides, Reparametrization trick",
        "article, Reparameterization trick",
        "staircase, The Anchor",
    ),
    words="The noise does not depend on the parameter, so the derivative moves inside the mean and follows the sample: "
    "the gradient of f at z, times how z moves with the parameter while eps stays fixed.",
)


@gradient.proves()
def _(line: Chain) -> None:
    line(D(Expect(encoder, f(z)), phi))
    line(
        D(Expect(noise, f(sample)), phi),
        by=by_claim("vae.reparameterization.expectation", at={mu: location, std: spread}),
        why="write the sample as a function of noise",
    )
    line(
        Expect(noise, D(f(sample), phi)),
        by=interchange,
        why="the law of the noise has no parameter; dominated derivatives may pass under the mean",
    )
    line(
        Expect(noise, Inner(Gradient(f, sample), moved)),
        by=differentiation,
        why="chain rule: eps is held constant, mu and sigma move",
    )
