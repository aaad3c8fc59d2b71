"""Who is trained by which term of a VQ-VAE: stop-gradients, the straight-through estimator and its bias, k-means."""

from __future__ import annotations

import sympy as sp

from derivations.notation import smooth
from derivations.rules import (
    POSITIVE,
    UNIT,
    Chain,
    Claim,
    D,
    Domain,
    Grad,
    Norm2,
    Statement,
    StopGradient,
    define,
    definition,
    differentiation,
    scalar,
    scalar_function,
    stop_gradient,
    vector,
    vector_calculus,
)

beta = scalar("commitment", r"\beta", positive=True)
code, codeword = vector("encoder_output", "z"), vector("codeword", "e")
decoder_loss = scalar_function("decoder_loss", r"\ell")
through = define("straight_through", "z_q", lambda z, e: z + StopGradient(e - z), is_vector_valued=True)
dictionary = define("dictionary_loss", r"L_e", lambda z, e: Norm2(StopGradient(z) - e), notation=False)
commitment = define("commitment_loss", r"L_z", lambda z, e: Norm2(z - StopGradient(e)), notation=False)
loss = define(
    "vq_loss",
    "L",
    lambda z, e, b: decoder_loss(through(z, e)) + dictionary(z, e) + b * commitment(z, e),
    notation=False,
)
TAKEN = [definition, vector_calculus, stop_gradient, vector_calculus]
slope = Grad(decoder_loss(codeword), codeword)

straight_through = Claim(
    id="vqvae.straight_through",
    title="The straight-through estimator: the codeword's value, the code's derivative",
    chapter="Vector quantisation",
    kind="gradient",
    says=(
        Statement(through(code, codeword), "=", codeword, name="value", words="forwards it is the codeword"),
        Statement(
            Grad(decoder_loss(through(code, codeword)), code),
            "=",
            slope,
            name="derivative",
            words="backwards it is the identity: the encoder gets the decoder's slope, taken at the codeword",
        ),
    ),
    hypotheses=(smooth,),
    scope="any dimension, any codeword; what is stopped keeps its value, and has no derivative",
    sources=("slides, VQ-VAE learning", "van den Oord et al. 2017, section 3.2", "Bengio et al. 2013"),
    words="Choosing the nearest codeword has derivative 0 almost everywhere. So the derivative of something else is "
    "taken, of a map that is not there.",
)


@straight_through.proves("value")
def _(line: Chain) -> None:
    line(through(code, codeword))
    line(code + StopGradient(codeword - code), by=definition)
    line(codeword, why="sg leaves the value as it is: z + (e - z) = e")


@straight_through.proves("derivative")
def _(line: Chain) -> None:
    line(Grad(decoder_loss(through(code, codeword)), code))
    line(slope, by=TAKEN, why="what is stopped does not move")


gradients = Claim(
    id="vqvae.loss.gradients",
    title="Who is trained by which term of the VQ-VAE loss",
    chapter="Vector quantisation",
    kind="gradient",
    says=(
        Statement(
            loss(code, codeword, beta),
            "=",
            decoder_loss(codeword) + (1 + beta) * Norm2(code - codeword),
            name="value",
            words="in value, one distance, 1 + beta times",
        ),
        Statement(
            Grad(loss(code, codeword, beta), code),
            "=",
            slope + 2 * beta * (code - codeword),
            name="encoder",
            words="the encoder gets the decoder's slope, taken at the codeword, and is held near it by beta",
        ),
        Statement(
            Grad(loss(code, codeword, beta), codeword),
            "=",
            2 * (codeword - code),
            name="codebook",
            words="the codeword gets the second term alone, with the weight 1 whatever beta is",
        ),
    ),
    domain=Domain({"commitment": POSITIVE}),
    hypotheses=(smooth,),
    scope="any dimension, any differentiable loss of the decoder, any beta > 0; for one code and its codeword",
    sources=("slides, VQ-VAE learning", "van den Oord et al. 2017, eq. 3"),
    words="Two terms that are the same number train different things. Exchange their stop-gradients, and beta would "
    "set the speed of the codebook.",
)


@gradients.proves("value")
def _(line: Chain) -> None:
    line(loss(code, codeword, beta))
    line(
        decoder_loss(code + StopGradient(codeword - code))
        + Norm2(StopGradient(code) - codeword)
        + beta * Norm2(code - StopGradient(codeword)),
        by=definition,
    )
    line(
        decoder_loss(codeword) + (1 + beta) * Norm2(code - codeword),
        why="sg leaves values as they are: the decoder sees e, and both distances are |z - e|^2",
    )


@gradients.proves("encoder")
def _(line: Chain) -> None:
    line(Grad(loss(code, codeword, beta), code))
    line(slope + 2 * beta * (code - codeword), by=TAKEN, why="the second term is stopped in z, and so is e - z")


@gradients.proves("codebook")
def _(line: Chain) -> None:
    line(Grad(loss(code, codeword, beta), codeword))
    line(2 * (codeword - code), by=TAKEN, why="the first and the third term are stopped in e")


# --- the bias ---------------------------------------------------------------------------------------------------------

p, f = scalar("bit_chance", "p"), scalar_function("of_a_bit", "f")
curvature, tilt, rest = scalar("bit_curvature", "c"), scalar("bit_tilt", "b"), scalar("bit_rest", "a")
quadratic = define("quadratic", "f", lambda x, c, b, a: c * x**2 + b * x + a)


def mean(one: sp.Expr, none: sp.Expr) -> sp.Expr:
    """Over a bit that is 1 with probability p."""
    return p * one + (1 - p) * none


def slope_at(x: sp.Expr) -> sp.Expr:
    return 2 * curvature * x + tilt


near = sp.Rational(9, 20)
parabola = define("parabola", "f", lambda x, centre: (x - centre) ** 2)
parabola_slope = define("parabola_slope", "f'", lambda x, centre: 2 * (x - centre))
straight = sp.Rational(1, 5) * parabola_slope(1, near) + sp.Rational(4, 5) * parabola_slope(0, near)


bias = Claim(
    id="vq.straight_through.bias",
    title="What the straight-through estimator estimates",
    chapter="Vector quantisation",
    kind="gradient",
    says=(
        Statement(
            D(mean(f(1), f(0)), p),
            "=",
            f(1) - f(0),
            name="true",
            words="the derivative of the mean is a difference",
        ),
        Statement(
            mean(slope_at(1), slope_at(0))
            - D(mean(quadratic(1, curvature, tilt, rest), quadratic(0, curvature, tilt, rest)), p),
            "=",
            (2 * p - 1) * curvature,
            name="bias",
            words="and straight through it is a mean of slopes, off by (2 p - 1) c for a quadratic: right for affine "
            "functions, and for fair bits",
        ),
        Statement(
            straight,
            "=",
            -sp.Rational(1, 2),
            name="example",
            words="for f(b) = (b - 0.45)^2 and p = 0.2 it is -0.5",
        ),
        Statement(
            D(mean(parabola(1, near), parabola(0, near)), p),
            "=",
            sp.Rational(1, 10),
            name="wrong sign",
            words="where the derivative is 0.1, at every p",
        ),
    ),
    domain=Domain({"bit_chance": UNIT}),
    scope="any function of a bit; the bias for any quadratic",
    sources=("Bengio et al. 2013", "derived here"),
    words="A function of a bit is known at two places only, and its slope there can be anything. The estimator reads "
    "the slope.",
)


@bias.proves("true")
def _(line: Chain) -> None:
    line(D(mean(f(1), f(0)), p))
    line(f(1) - f(0), by=differentiation)


@bias.proves("bias")
def _(line: Chain) -> None:
    line(
        mean(slope_at(1), slope_at(0))
        - D(mean(quadratic(1, curvature, tilt, rest), quadratic(0, curvature, tilt, rest)), p)
    )
    line(mean(slope_at(1), slope_at(0)) - D(mean(curvature + tilt + rest, rest), p), by=definition)
    line(mean(slope_at(1), slope_at(0)) - (curvature + tilt), by=differentiation)
    line((2 * p - 1) * curvature, why="p b + (1 - p) b - b = 0, and of c there is 2 p - 1")


@bias.proves("example")
def _(line: Chain) -> None:
    line(straight)
    line(-sp.Rational(1, 2), by=definition, why="2 (1/5 (1 - b) - 4/5 b) at the b of the example")


@bias.proves("wrong sign")
def _(line: Chain) -> None:
    line(D(mean(parabola(1, near), parabola(0, near)), p))
    line(D(mean((1 - near) ** 2, near**2), p), by=definition)
    line(sp.Rational(1, 10), by=differentiation)
