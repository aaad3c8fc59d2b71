"""What a decoder's network means: the log-likelihood of real data under a Gaussian, of bits under a Bernoulli law.

Nats, summed over the d coordinates of x. The network's output is opaque: any function of z.
"""

from __future__ import annotations

import sympy as sp

from derivations.kernel.terms import LATEX
from derivations.notation import d, i, j, mu_theta, obs, sigma_x, z
from derivations.rules import (
    POSITIVE,
    UNIT,
    BernoulliProduct,
    Chain,
    Claim,
    Coord,
    D,
    Domain,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    SumTo,
    algebra,
    define,
    density,
    differentiation,
    vector,
    vector_function,
)

half = sp.Rational(1, 2)

# --- Gaussian ---------------------------------------------------------------------------------------------------------

gaussian = Normal(obs, mu_theta(z), sigma_x**2)
error = Norm2(obs - mu_theta(z))

gaussian_decoder = Claim(
    id="vae.decoder.gaussian",
    title="Gaussian decoder log-likelihood",
    chapter="Decoders",
    kind="identity",
    says=(
        Statement(
            LogDensity(gaussian),
            "=",
            -d * sp.log(sp.sqrt(2 * sp.pi) * sigma_x) - error / (2 * sigma_x**2),
        ),
        Statement(
            LogDensity(Normal(obs, mu_theta(z), 1)),
            "=",
            -d * sp.log(2 * sp.pi) / 2 - error / 2,
            words="at sigma = 1: half the sum (not the mean) of squares, and a constant",
        ),
    ),
    domain=Domain({"sigma_x": POSITIVE}),
    scope="any dimension d, any sigma > 0, any network mu_theta",
    sources=("notes, 1.2.2, eq 1.3", "journey, 1.4"),
    words="Squared error is the log-likelihood of a Gaussian whose spread is fixed: sigma sets the price of an error. "
    "The first term is a constant only while sigma is; a learned sigma needs it.",
)


@gaussian_decoder.proves()
def _(line: Chain) -> None:
    line(LogDensity(gaussian))
    line(
        -d * sp.log(2 * sp.pi * sigma_x**2) / 2 - error / (2 * sigma_x**2),
        by=density,
        why="d independent coordinates of variance sigma^2, their squares summed into the norm",
    )
    line(
        -d * sp.log(sp.sqrt(2 * sp.pi) * sigma_x) - error / (2 * sigma_x**2),
        by=algebra,
        why="half the log of a number is the log of its square root, and sigma > 0",
    )


@gaussian_decoder.proves(1)
def _(line: Chain) -> None:
    line(LogDensity(Normal(obs, mu_theta(z), 1)))
    line(-d * sp.log(2 * sp.pi) / 2 - error / 2, by=density)


# --- Bernoulli --------------------------------------------------------------------------------------------------------

sigmoid = define("sigm", r"\operatorname{sigm}", lambda a: 1 / (1 + sp.exp(-a)))
LATEX["pi_theta"] = r"\pi_\theta"
probability = Coord(vector_function("pi_theta", r"\pi_\theta")(z), i)
logits = vector("logit", "a")
bit, logit = Coord(obs, i), Coord(logits, i)
bernoulli = BernoulliProduct(obs, i, probability, d)
by_logits = BernoulliProduct(obs, i, sigmoid(logit), d)
bit_j, logit_j = Coord(obs, j), Coord(logits, j)
cross_entropy = SumTo(bit * sp.log(sigmoid(logit)) + (1 - bit) * sp.log(1 - sigmoid(logit)), i, 1, d)
stable = SumTo(bit * logit - sp.log(1 + sp.exp(logit)), i, 1, d)

bernoulli_decoder = Claim(
    id="vae.decoder.bernoulli",
    title="Bernoulli decoder log-likelihood",
    chapter="Decoders",
    kind="identity",
    says=(
        Statement(
            LogDensity(bernoulli),
            "=",
            SumTo(bit * sp.log(probability) + (1 - bit) * sp.log(1 - probability), i, 1, d),
        ),
        Statement(
            LogDensity(by_logits),
            "=",
            stable,
            words="with pi = sigm(a): the form that neither overflows nor takes the log of 0",
        ),
        Statement(
            D(LogDensity(by_logits), logit_j),
            "=",
            bit_j - sigmoid(logit_j),
            words="its derivative in a logit: the error of the prediction",
            domain=Domain(indices={j: (sp.Integer(1), d)}),
        ),
    ),
    domain=Domain({"pi_theta": UNIT}),
    scope="any d, x in {0,1}^d, every pi_i strictly between 0 and 1 (at 0 or 1 a wrong bit costs infinitely much); the "
    "cross-entropy loss is minus this",
    sources=("notes, Remark 1.8", "journey, 1.4"),
    words="Each bit is an independent coin whose bias the network gives. In terms of logits the derivative is what one "
    "would wish: predicted minus observed, with the sign of ascent.",
)


@bernoulli_decoder.proves()
def _(line: Chain) -> None:
    line(LogDensity(bernoulli))
    line(
        SumTo(bit * sp.log(probability) + (1 - bit) * sp.log(1 - probability), i, 1, d),
        by=density,
        why="a bit x has probability pi^x (1 - pi)^(1 - x); bits are independent given z",
    )


@bernoulli_decoder.proves(1)
def _(line: Chain) -> None:
    line(LogDensity(by_logits))
    line(cross_entropy, by=density)
    line(
        SumTo(
            bit * (logit - sp.log(1 + sp.exp(logit))) - (1 - bit) * sp.log(1 + sp.exp(logit)),
            i,
            1,
            d,
        ),
        by=algebra,
        why="sigm(a) = exp(a) / (1 + exp(a)) and 1 - sigm(a) = 1 / (1 + exp(a))",
    )
    line(stable, by=algebra, why="the logarithms that carry x cancel")


@bernoulli_decoder.proves(2)
def _(line: Chain) -> None:
    line(D(LogDensity(by_logits), logit_j))
    line(D(cross_entropy, logit_j), by=density)
    line(D(stable, logit_j), by=algebra, why="the same sum, written with the logits")
    line(
        bit_j - sp.exp(logit_j) / (1 + sp.exp(logit_j)),
        by=differentiation,
        why="only the term i = j depends on a_j",
    )
    line(bit_j - sigmoid(logit_j), by=algebra, why="e^a/(1 + e^a) is the sigmoid of a")
