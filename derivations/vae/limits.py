"""What an autoencoder and a VAE cannot tell, trade or show: codes up to a bijection, a budget, an average."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import sympy as sp

from derivations.notation import integrable, obs, q, z
from derivations.refutation.worlds import World
from derivations.rules import (
    POSITIVE,
    REAL,
    Chain,
    Claim,
    Domain,
    Expect,
    Hypothesis,
    Inner,
    Norm2,
    Statement,
    at_most,
    define,
    definition,
    given,
    inner_mean,
    linearity,
    positivity,
    scalar,
    tower,
    vector_function,
)

# --- codes ------------------------------------------------------------------------------------------------------------

encode, decode = vector_function("encode", "E"), vector_function("decode", "D")
recode, recode_back = vector_function("recode", "A"), vector_function("recode_back", "A^{-1}")
code = encode(obs)
bijection = Hypothesis(
    "bijection of codes",
    "A^{-1} undoes A at the code of x",
    recode_back(recode(code)),
    code,
)


def affine_codes(rng: Random, n: int) -> World:
    """Codes that are shifted and stretched."""
    shift, stretch = Fraction(rng.randint(-9, 9), 4), Fraction(rng.randint(1, 9), 4)
    world = World(1 + n % 2, seed=n)
    world.families = {
        "recode": lambda c: tuple(stretch * v + shift for v in c),
        "recode_back": lambda c: tuple((v - shift) / stretch for v in c),
    }
    return world


nonunique = Claim(
    id="ae.nonunique",
    title="An autoencoder's codes are known up to a bijection",
    chapter="Autoencoders",
    kind="identity",
    says=(
        Statement(
            Norm2(obs - decode(recode_back(recode(encode(obs))))),
            "=",
            Norm2(obs - decode(encode(obs))),
            words="encode, and change the code by any bijection; undo that, and decode: the error is the same",
        ),
    ),
    hypotheses=(bijection,),
    worlds=(affine_codes,),
    scope="any encoder, any decoder, any bijection of the codes that the two networks can take in, any data",
    sources=("notes, 1.1",),
    words="The loss sees the code through decoder and encoder together only. So no code is the right one, and nothing "
    "can be read off a code by itself.",
)


@nonunique.proves()
def _(line: Chain) -> None:
    line(Norm2(obs - decode(recode_back(recode(encode(obs))))))
    line(Norm2(obs - decode(encode(obs))), by=given(bijection))


# --- a budget ---------------------------------------------------------------------------------------------------------

weight = scalar("beta_vae", r"\beta")
fit, cost = scalar("fit_of", "R"), scalar("cost_of", "K")
priced = define("priced", r"\mathrm{R}", lambda b, r, k: r - b * k, notation=False)
best_fit, best_cost = scalar("fit_best", "R_*"), scalar("cost_best", "K_*")


def on_a_budget(rng: Random, n: int) -> World:
    """A fit below the best one by as much as the price of what it saves, and more; log-likelihoods are negative."""
    beta, saved, worse = (Fraction(rng.randint(1, 20), 10) for _ in range(3))
    best, spent = Fraction(rng.randint(-50, 5), 10), Fraction(rng.randint(1, 50), 10)
    saved = saved if n % 3 else Fraction(0)
    worse = worse if n % 2 else Fraction(0)
    numbers = {"beta_vae": beta, "fit_best": best, "cost_best": spent}
    return World(numbers={**numbers, "cost_of": spent - saved, "fit_of": best - beta * saved - worse})


constrained = Claim(
    id="vae.beta.constrained",
    title="What a beta-VAE solves: the best fit within its own budget",
    chapter="Evidence lower bound",
    kind="inequality",
    says=(
        Statement(
            fit,
            "<=",
            best_fit,
            name="budget",
            words="whatever costs no more than the maximiser of R - beta K fits no better",
        ),
        Statement(
            (priced(weight, 0, 0) + priced(weight, 1, 2)) / 2 - priced(weight, sp.Rational(2, 5), 1),
            "=",
            sp.Rational(1, 10),
            name="unreachable",
            words="and not every budget has its beta: of (K, R) = (0, 0), (1, 2/5) and (2, 1) the middle one is best "
            "within K <= 1, but the mean of the other two beats it by 1/10 at every beta",
            domain=Domain({"beta_vae": REAL}),
        ),
    ),
    domain=Domain(
        {"beta_vae": POSITIVE},
        conditions=(
            at_most(fit - weight * cost, best_fit - weight * best_cost),
            at_most(cost, best_cost),
        ),
    ),
    worlds=(on_a_budget,),
    scope="any beta > 0 and any model class: no convexity; R is the reconstruction term, K the mean divergence from "
    "the prior",
    sources=("Higgins et al. 2017", "Alemi et al. 2018"),
    words="A beta is the price of a nat. Who maximises at that price has spent some budget, and spent it as well as "
    "can be. The converse needs the attainable pairs to be concave.",
)


@constrained.proves("budget")
def _(line: Chain) -> None:
    line(fit)
    line.le(best_fit, by=positivity, why="R - beta K is at most the best, and beta K at most beta K_*")


@constrained.proves("unreachable")
def _(line: Chain) -> None:
    line((priced(weight, 0, 0) + priced(weight, 1, 2)) / 2 - priced(weight, sp.Rational(2, 5), 1))
    line(((0 - weight * 0) + (1 - weight * 2)) / 2 - (sp.Rational(2, 5) - weight), by=definition)


# --- what squared error shows -----------------------------------------------------------------------------------------

pair, code_law, behind = q([obs, z]), q(z), q(obs, z)
shown = vector_function("shown", r"\hat x")(z)
average = Expect(behind, obs)

blur = Claim(
    id="vae.limit.blur",
    title="Squared error decodes to an average",
    chapter="Decoders",
    kind="identity",
    says=(
        Statement(
            Expect(pair, Norm2(shown - obs)),
            "=",
            Expect(code_law, Norm2(shown - average)) + Expect(pair, Norm2(average - obs)),
            name="split",
            words="what a decoder shows is as good as it is close to the mean of all data behind its code",
        ),
    ),
    hypotheses=(integrable,),
    scope="any joint law of data and codes with second moments, any function of the code; a Gaussian decoder of fixed "
    "spread whose mean is shown",
    sources=("notes, 1.2.4", "staircase, Why the single leap hurts"),
    words="Two sharp pictures behind one code decode to something between them. That trained VAEs look blurry is an "
    "observation; that squared error asks for the mean is this.",
)


@blur.proves("split")
def _(line: Chain) -> None:
    near, left = shown - average, average - obs
    fit_of, rest = Expect(code_law, Norm2(near)), Expect(pair, Norm2(left))
    line(Expect(pair, Norm2(shown - obs)))
    line(
        Expect(pair, Norm2(near) + 2 * Inner(near, left) + Norm2(left)),
        why="go by way of the mean of x given z: the square of a sum of two differences",
    )
    line(fit_of + 2 * Expect(pair, Inner(near, left)) + rest, by=(linearity, tower))
    line(fit_of + 2 * Expect(code_law, Expect(behind, Inner(near, left))) + rest, by=tower)
    line(fit_of + 2 * Expect(code_law, Inner(near, Expect(behind, left))) + rest, by=inner_mean)
    line(fit_of + rest, by=linearity, why="the deviation from a mean has mean zero")


# --- units ------------------------------------------------------------------------------------------------------------

values = define("value_count", "V", lambda n, c: n**2 * c, notation=False)  # of a picture of n x n in c colours
bce, latent, pixels = (
    scalar("summed_loss", "b"),
    scalar("latent_loss", "c"),
    scalar("pixels", "D"),
)

reduction = Claim(
    id="vae.loss.reduction_scale",
    title="A mean over pixels is a beta",
    chapter="The objective",
    kind="identity",
    says=(
        Statement(
            bce / pixels + weight * latent,
            "=",
            (bce + weight * pixels * latent) / pixels,
            name="mean",
            words="averaging the pixel losses and summing the latent term multiplies beta by the number of values",
        ),
        Statement(
            bce / values(64, 3) + latent,
            "=",
            (bce + 12288 * latent) / values(64, 3),
            name="celeba",
            words="for colour pictures of 64 x 64 a beta of 1 is one of 12288",
        ),
    ),
    domain=Domain({"pixels": POSITIVE}),
    scope="any pixel loss, any latent term, any beta, any number D of values",
    sources=("article, Assignment", "slides, VAE loss function"),
    words="The reduction is part of the objective. With a mean over pixels, beta = 1 is a beta of 12288, and the code "
    "collapses.",
)


@reduction.proves("mean")
def _(line: Chain) -> None:
    line(bce / pixels + weight * latent)
    line(
        (bce + weight * pixels * latent) / pixels,
        why="over one denominator: the second term gets the factor D above and below",
    )


@reduction.proves("celeba")
def _(line: Chain) -> None:
    line(bce / values(64, 3) + latent)
    line(bce / (64**2 * 3) + latent, by=definition)
    line((bce + 12288 * latent) / values(64, 3), by=definition)
