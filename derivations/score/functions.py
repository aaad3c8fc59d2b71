"""The score: the gradient of a log-density. Its normaliser drops out, and its moments are those of nothing but d."""

from __future__ import annotations

import sympy as sp

from derivations.flow.paths import PATH, level, on_path, signal
from derivations.notation import d, decay, eps, integrable, smooth
from derivations.rules import (
    POSITIVE,
    Chain,
    Claim,
    Density,
    Domain,
    Expect,
    Grad,
    Hypothesis,
    Inner,
    Jvp,
    Laplacian,
    LogDensity,
    Norm2,
    Normal,
    Statement,
    by_parts,
    definition,
    density,
    given,
    log_p,
    scalar,
    scalar_function,
    vector,
    vector_calculus,
)

noisy, clean = vector("noisy_point", "x"), vector("clean", "x_0")
one_way, another_way = vector("one_way", "u"), vector("another_way", "w")
energy = scalar_function("log_weight", "f")
partition = scalar("partition", "Z", positive=True)

log_q = log_p("q", noisy)
score = Grad(log_q, noisy)
corruption = Normal(noisy, signal * clean, level**2)
law = Density("q", noisy)

unnormalised = Hypothesis(
    "unnormalised density",
    "q(x) is e^f(x) / Z, with a Z that does not depend on x",
    energy(noisy),
    log_q + sp.log(partition),
)

# --- definition -------------------------------------------------------------------------------------------------------

partition_function = Claim(
    id="score.partition_function",
    title="The normalising constant drops out of the score",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            Grad(energy(noisy), noisy),
            "=",
            score,
            words="the gradient of an unnormalised log-density is the score",
        ),
    ),
    domain=Domain({"partition": POSITIVE}),
    hypotheses=(unnormalised, smooth),
    scope="any dimension, any smooth positive density known up to a factor",
    sources=("staircase, Score Matching", "Hyvärinen 2005, section 2"),
    words="To know a density one has to know its integral; to know its score one need not. That is why a network may "
    "put out any vector field and be compared with a score.",
)


@partition_function.proves()
def _(line: Chain) -> None:
    line(Grad(energy(noisy), noisy))
    line(Grad(log_q + sp.log(partition), noisy), by=given(unnormalised), why="q = e^f / Z")
    line(score, by=vector_calculus, why="log Z does not move with x")


conditional_gaussian = Claim(
    id="score.conditional_gaussian",
    title="Score of the corruption",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            Grad(LogDensity(corruption), noisy),
            "=",
            -(noisy - signal * clean) / level**2,
            words="it points from the noisy point back to the data that were blurred",
        ),
        Statement(
            -(on_path(signal, level, clean, eps) - signal * clean) / level**2,
            "=",
            -eps / level,
            words="at x = a x_0 + sigma eps it is the noise, over minus its level",
        ),
        Statement(
            Laplacian(LogDensity(corruption), noisy),
            "=",
            -d / level**2,
            words="and its divergence is the same everywhere",
        ),
    ),
    domain=Domain(PATH),
    scope="any dimension d, any signal a > 0 and noise level sigma > 0; in DDPM a = sqrt(abar_t), sigma = "
    "sqrt(1 - abar_t)",
    sources=("staircase, Score Matching", "Vincent 2011"),
    words="The one score that everybody can compute: that of a Gaussian whose mean is known.",
)


@conditional_gaussian.proves()
def _(line: Chain) -> None:
    line(Grad(LogDensity(corruption), noisy))
    line(
        Grad(-d * sp.log(2 * sp.pi * level**2) / 2 - Norm2(noisy - signal * clean) / (2 * level**2), noisy),
        by=density,
        why="the normaliser does not depend on x",
    )
    line(-(noisy - signal * clean) / level**2, by=vector_calculus, why="the gradient of |x - m|^2 is 2 (x - m)")


@conditional_gaussian.proves(1)
def _(line: Chain) -> None:
    line(-(on_path(signal, level, clean, eps) - signal * clean) / level**2)
    line(-eps / level, by=definition, why="x - a x_0 is sigma times the noise")


@conditional_gaussian.proves(2)
def _(line: Chain) -> None:
    line(Laplacian(LogDensity(corruption), noisy))
    line(-d / level**2, by=vector_calculus, why="div x = d")


# --- moments ----------------------------------------------------------------------------------------------------------


def curvature(along: sp.Expr, towards: sp.Expr) -> sp.Expr:
    """u^T (Hessian of log q) w, with the Hessian as the Jacobian of the score."""
    return Inner(Jvp(score, noisy, towards), along)


moments_of_score = Claim(
    id="score.moments",
    title="Mean, Fisher and Stein identities of a score",
    chapter="Score",
    kind="identity",
    says=(
        Statement(Expect(law, score), "=", 0, words="a score has mean zero", name="mean"),
        Statement(
            Expect(law, Inner(score, one_way) * Inner(score, another_way)),
            "=",
            -Expect(law, curvature(one_way, another_way)),
            words="its covariance is minus the mean Hessian of log q, in any two directions",
            name="Fisher",
        ),
        Statement(
            Expect(law, Norm2(score)),
            "=",
            -Expect(law, Laplacian(log_q, noisy)),
            words="the Fisher information is minus the mean Laplacian",
            name="information",
        ),
        Statement(
            Expect(law, Inner(noisy, one_way) * Inner(score, another_way)),
            "=",
            -Inner(one_way, another_way),
            words="Stein: against x itself it is minus the identity",
            name="Stein",
        ),
        Statement(Expect(law, Inner(noisy, score)), "=", -d, words="summed over coordinates", name="trace"),
    ),
    domain=Domain(),
    hypotheses=(smooth, decay, integrable),
    scope="any dimension d, any smooth density on R^d whose score, and whose score times x, have no flux at infinity: "
    "so every law to which Gaussian noise was added, if its mean is finite",
    sources=("Stein 1981", "Hyvärinen 2005"),
    words="Whatever the data: a trained network of the score can be tested by these averages without knowing it.",
)


@moments_of_score.proves("mean")
def _(line: Chain) -> None:
    line(Expect(law, score))
    line(0, by=by_parts, why="the integral of the gradient of q is a flux at infinity")


@moments_of_score.proves("Fisher")
def _(line: Chain) -> None:
    line(Expect(law, Inner(score, one_way) * Inner(score, another_way)))
    line(
        -Expect(law, curvature(one_way, another_way)),
        by=(by_parts, vector_calculus),
        why="<grad q, u> is integrated, <score, w> differentiated along u; a Hessian is symmetric",
    )


@moments_of_score.proves("information")
def _(line: Chain) -> None:
    line(Expect(law, Norm2(score)))
    line(Expect(law, Inner(score, score)), why="a squared length is an inner product with itself")
    line(-Expect(law, Laplacian(log_q, noisy)), by=by_parts, why="the divergence of the score is the Laplacian")


@moments_of_score.proves("Stein")
def _(line: Chain) -> None:
    line(Expect(law, Inner(noisy, one_way) * Inner(score, another_way)))
    line(-Inner(one_way, another_way), by=by_parts, why="div(<x, u> w) = <u, w>")


@moments_of_score.proves("trace")
def _(line: Chain) -> None:
    line(Expect(law, Inner(noisy, score)))
    line(-d, by=by_parts, why="div x = d")
