"""What noise tells: the score of noisy data is a posterior mean, its Jacobian a posterior covariance (Tweedie)."""

from __future__ import annotations

import sympy as sp

from derivations.flow.paths import PATH, level, noise_of_clean, signal
from derivations.notation import integrable, interchange_hypothesis
from derivations.rules import (
    Chain,
    Claim,
    Density,
    Domain,
    Expect,
    Grad,
    Hypothesis,
    Inner,
    Jvp,
    LogDensity,
    Statement,
    Vjp,
    above,
    bayes,
    by_claim,
    given,
    inner_mean,
    linearity,
    log_p,
    mean_derivative,
    vector_calculus,
)
from derivations.score.functions import another_way, clean, corruption, noisy, one_way, score

posterior = Density("q", clean, noisy)
joint = Density("q", [clean, noisy])
of_corruption = Grad(log_p("q", noisy, clean), noisy)
of_posterior = Grad(log_p("q", clean, noisy), noisy)
known_corruption = Grad(LogDensity(corruption), noisy)
denoiser = Expect(posterior, clean)

noised = Hypothesis(
    "Gaussian corruption",
    "q(x | x_0) = N(a x_0, sigma^2 I)",
    log_p("q", noisy, clean),
    LogDensity(corruption),
)
DIFFERENTIATED = (interchange_hypothesis, integrable)

# --- the marginal score -----------------------------------------------------------------------------------------------

fisher_identity = Claim(
    id="score.fisher_identity",
    title="A marginal score is a posterior mean of conditional scores",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            score,
            "=",
            Expect(posterior, of_corruption),
            words="average the scores of all corruptions that may have led to x",
        ),
    ),
    hypotheses=DIFFERENTIATED,
    scope="any dimension, any smooth joint density of data and noisy data, so any corruption whatever",
    sources=("Fisher 1925", "Vincent 2011"),
    words="The derivative of the logarithm of an average is the average of derivatives of logarithms, under the "
    "posterior.",
)


@fisher_identity.proves()
def _(line: Chain) -> None:
    line(score)
    line(
        score + Grad(Expect(posterior, sp.S.One), noisy),
        by=(linearity, vector_calculus),
        why="a density integrates to 1 wherever it is conditioned, so that has no gradient",
    )
    line(
        score + Expect(posterior, of_posterior),
        by=(mean_derivative, vector_calculus),
        why="the law that is averaged over moves with x: that adds its score",
    )
    line(Expect(posterior, score + of_posterior), by=linearity)
    line(
        Expect(posterior, of_corruption),
        by=(bayes, vector_calculus),
        why="log q(x) + log q(x_0 | x) = log q(x | x_0) + log q(x_0), and the last does not depend on x",
    )


marginal_identity = Claim(
    id="score.marginal_identity",
    title="The score of noisy data, its best denoiser and its expected noise",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            score,
            "=",
            (signal * denoiser - noisy) / level**2,
            words="so the best denoiser gives the score",
            name="score",
        ),
        Statement(
            denoiser,
            "=",
            (noisy + level**2 * score) / signal,
            words="and the score the best denoiser",
            name="denoiser",
        ),
        Statement(
            Expect(posterior, noise_of_clean(signal, level, noisy, clean)),
            "=",
            -level * score,
            words="the noise that one must expect is the score, times minus its level",
            name="noise",
        ),
    ),
    domain=Domain(PATH),
    hypotheses=(noised, *DIFFERENTIATED),
    scope="any dimension d, any data law, any signal a > 0 and noise level sigma > 0",
    sources=("staircase, Score Matching", "Robbins 1956", "Efron 2011"),
    words="One draw of the noise does not give the score of the noisy law, its average over everything that may have "
    "been blurred into x does.",
)


@marginal_identity.proves("score")
def _(line: Chain) -> None:
    line(score)
    line(Expect(posterior, of_corruption), by=by_claim("score.fisher_identity"))
    line(Expect(posterior, known_corruption), by=given(noised))
    line(Expect(posterior, -(noisy - signal * clean) / level**2), by=vector_calculus)
    line((signal * denoiser - noisy) / level**2, by=linearity)


@marginal_identity.proves("denoiser")
def _(line: Chain) -> None:
    line(denoiser)
    line((noisy + level**2 * score) / signal, by=above("score"))


@marginal_identity.proves("noise")
def _(line: Chain) -> None:
    line(Expect(posterior, noise_of_clean(signal, level, noisy, clean)))
    line((noisy - signal * denoiser) / level, by=linearity)
    line(
        -level * ((signal * denoiser - noisy) / level**2),
        why="the sign comes out: the bracket is now the score times varsigma^2",
    )
    line(-level * score, by=above("score"))


# --- the second order -------------------------------------------------------------------------------------------------

along, against = Inner(clean, one_way), Inner(clean, another_way)
covariance = Expect(posterior, along * against) - Expect(posterior, along) * Expect(posterior, against)
bend = Inner(Jvp(score, noisy, another_way), one_way)

tweedie = Claim(
    id="score.tweedie",
    title="Tweedie's formula, first and second order",
    chapter="Score",
    kind="identity",
    says=(
        Statement(denoiser, "=", (noisy + level**2 * score) / signal, words="the posterior mean", name="mean"),
        Statement(
            Inner(Jvp(denoiser, noisy, another_way), one_way),
            "=",
            signal / level**2 * covariance,
            words="the Jacobian of the best denoiser is the posterior covariance, in any two directions",
            name="Jacobian",
        ),
        Statement(
            covariance,
            "=",
            level**2 / signal**2 * (Inner(one_way, another_way) + level**2 * bend),
            words="so the posterior covariance is the identity and the Hessian of log q",
            name="covariance",
        ),
        Statement(
            Vjp(denoiser, noisy, one_way),
            "=",
            Jvp(denoiser, noisy, one_way),
            words="the best denoiser's Jacobian is symmetric: its answer is a gradient",
            name="symmetry",
        ),
    ),
    domain=Domain(PATH),
    hypotheses=(noised, *DIFFERENTIATED),
    scope="any dimension d, any data law, any signal a > 0 and noise level sigma > 0, any two directions u and w",
    sources=("Robbins 1956", "Efron 2011", "Meng et al. 2021"),
    words="Where the score bends, the data behind x are uncertain. A network that denoises as well as can be knows "
    "that uncertainty: it is its Jacobian.",
)


@tweedie.proves("mean")
def _(line: Chain) -> None:
    line(denoiser)
    line((noisy + level**2 * score) / signal, by=by_claim("score.marginal_identity", part="denoiser"))


@tweedie.proves("Jacobian")
def _(line: Chain) -> None:
    pull = Inner(of_posterior, another_way)
    line(Inner(Jvp(denoiser, noisy, another_way), one_way))
    line(
        Inner(Expect(posterior, clean * pull), one_way),
        by=(mean_derivative, vector_calculus),
        why="only the law depends on x",
    )
    line(Expect(posterior, along * pull), by=inner_mean)
    line(
        Expect(posterior, along * Inner(of_corruption - score, another_way)),
        by=(bayes, vector_calculus),
        why="log q(x_0 | x) = log q(x | x_0) - log q(x) + log q(x_0)",
    )
    line(Expect(posterior, along * Inner(known_corruption - score, another_way)), by=given(noised))
    line(Expect(posterior, along * Inner((signal * clean - noisy) / level**2 - score, another_way)), by=vector_calculus)
    line(
        Expect(
            posterior,
            along * Inner((signal * clean - noisy) / level**2 - (signal * denoiser - noisy) / level**2, another_way),
        ),
        by=by_claim("score.marginal_identity", part="score"),
    )
    line(
        Expect(posterior, signal / level**2 * (along * against - along * Inner(denoiser, another_way))),
        why="x cancels",
    )
    line(
        Expect(posterior, signal / level**2 * (along * against - along * Expect(posterior, against))),
        by=inner_mean,
    )
    line(signal / level**2 * covariance, by=linearity)


@tweedie.proves("covariance")
def _(line: Chain) -> None:
    line(covariance)
    line(level**2 / signal * Inner(Jvp(denoiser, noisy, another_way), one_way), by=above("Jacobian"))
    line(
        level**2 / signal * Inner(Jvp((noisy + level**2 * score) / signal, noisy, another_way), one_way),
        by=above("mean"),
    )
    line(
        level**2 / signal**2 * (Inner(one_way, another_way) + level**2 * bend),
        by=vector_calculus,
        why="differentiate the first order once more",
    )


@tweedie.proves("symmetry")
def _(line: Chain) -> None:
    line(Vjp(denoiser, noisy, one_way))
    line(Vjp((noisy + level**2 * score) / signal, noisy, one_way), by=above("mean"))
    line(Jvp((noisy + level**2 * score) / signal, noisy, one_way), by=vector_calculus, why="a Hessian is symmetric")
    line(Jvp(denoiser, noisy, one_way), by=above("mean"))
