"""How a score is learned without knowing it: by regression on the noise, or by integration by parts."""

from __future__ import annotations

from derivations.flow.paths import PATH, level, on_path, signal
from derivations.notation import d, decay, eps, integrable, smooth
from derivations.rules import (
    Chain,
    Claim,
    Density,
    Div,
    Domain,
    Expect,
    Inner,
    Norm2,
    Statement,
    above,
    by_claim,
    by_parts,
    define,
    definition,
    given,
    identify,
    inner_mean,
    linearity,
    moments,
    tower,
    vector,
    vector_calculus,
    vector_function,
)
from derivations.score.functions import clean, corruption, law, noisy, score
from derivations.score.marginal import (
    DIFFERENTIATED,
    denoiser,
    joint,
    known_corruption,
    noised,
    of_corruption,
    posterior,
)

guess = vector_function("guess", r"\hat x_0")(noisy)  # any function of the noisy point
model = vector_function("score_model", r"s_\theta")(noisy)
predicted = vector("prediction", r"\hat\epsilon")
data = Density("q", clean)
score_of_noise = define("score_of_noise", "s", lambda s, e: -e / s, is_vector_valued=True)

# --- regression -------------------------------------------------------------------------------------------------------

pythagoras = Claim(
    id="regression.pythagoras",
    title="The best reachable loss: the conditional mean, and what it leaves",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            Expect(joint, Norm2(guess - clean)),
            "=",
            Expect(law, Norm2(guess - denoiser)) + Expect(joint, Norm2(clean - denoiser)),
            words="the loss is the distance to the conditional mean, and what no function of x can predict",
        ),
    ),
    hypotheses=(integrable,),
    scope="any dimensions, any joint law with second moments, any function of x; the second term has no parameter",
    sources=("Vincent 2011", "Lipman et al. 2023, theorem 2"),
    words="Squared error asks for a mean. Its least value is not 0 but the mean posterior variance, so a training loss "
    "that stops falling may be as good as any.",
)


@pythagoras.proves()
def _(line: Chain) -> None:
    near, left = guess - denoiser, denoiser - clean
    fit, rest = Expect(law, Norm2(near)), Expect(joint, Norm2(left))
    line(Expect(joint, Norm2(guess - clean)))
    line(
        Expect(joint, Norm2(near) + 2 * Inner(near, left) + Norm2(left)),
        why="go by way of the mean of x_0 given x: the square of a sum of two differences",
    )
    line(
        Expect(law, Norm2(near)) + 2 * Expect(joint, Inner(near, left)) + Expect(joint, Norm2(left)),
        by=(linearity, tower),
    )
    line(
        Expect(law, Norm2(near)) + 2 * Expect(law, Expect(posterior, Inner(near, left))) + Expect(joint, Norm2(left)),
        by=tower,
        why="average over x_0 given x first",
    )
    line(
        fit + 2 * Expect(law, Inner(near, Expect(posterior, left))) + rest,
        by=inner_mean,
        why="guess and mean are fixed where x is",
    )
    line(
        Expect(law, Norm2(guess - denoiser)) + Expect(joint, Norm2(clean - denoiser)),
        by=linearity,
        why="the deviation from a mean has mean zero",
    )


# --- denoising --------------------------------------------------------------------------------------------------------

dsm = Claim(
    id="score.dsm.theorem",
    title="Denoising score matching",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            Expect(joint, Norm2(model - of_corruption)),
            "=",
            Expect(law, Norm2(model - score)) + Expect(joint, Norm2(of_corruption - score)),
            words="to match the scores of the corruptions is to match the score of the noisy law; the rest, the mean "
            "conditional variance of the targets, has no parameter",
        ),
    ),
    hypotheses=DIFFERENTIATED,
    scope="any dimension, any smooth joint density of data and noisy data (so any corruption), any vector field s",
    sources=("staircase, Score Matching", "Vincent 2011"),
    words="The target that one can compute scatters around the one that one wants, and its mean is that one.",
)


@dsm.proves()
def _(line: Chain) -> None:
    near, left = model - score, score - of_corruption
    fit, rest = Expect(law, Norm2(near)), Expect(joint, Norm2(left))
    line(Expect(joint, Norm2(model - of_corruption)))
    line(
        Expect(joint, Norm2(near) + 2 * Inner(near, left) + Norm2(left)),
        why="go by way of the score of the noisy law: the square of a sum of two differences",
    )
    line(fit + 2 * Expect(joint, Inner(near, left)) + rest, by=(linearity, tower))
    line(
        fit + 2 * Expect(law, Expect(posterior, Inner(near, left))) + rest,
        by=tower,
        why="average over x_0 given x first",
    )
    line(fit + 2 * Expect(law, Inner(near, Expect(posterior, left))) + rest, by=inner_mean)
    line(fit + 2 * Expect(law, Inner(near, score - Expect(posterior, of_corruption))) + rest, by=linearity)
    line(
        fit + rest,
        by=(by_claim("score.fisher_identity"), linearity),
        why="the score of the noisy law is the mean of the others",
    )


spread = Expect(joint, Norm2(known_corruption))
information = Expect(law, Norm2(score))

dsm_constant = Claim(
    id="score.dsm.constant",
    title="What denoising adds to score matching",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            Expect(joint, Norm2(of_corruption - score)),
            "=",
            d / level**2 - information,
            words="the constant of denoising score matching: the information of the corruption, less that of x",
            name="information",
        ),
        Statement(
            Expect(joint, Norm2(of_corruption - score)),
            "=",
            signal**2 / level**4 * Expect(joint, Norm2(clean - denoiser)),
            words="which is the mean posterior variance of the data, in other units",
            name="variance",
        ),
        Statement(
            Expect(joint, Norm2(model + (noisy - signal * clean) / level**2)),
            "=",
            Expect(law, Norm2(model - score)) + d / level**2 - information,
            words="the loss that is trained, with nothing left out",
            name="loss",
        ),
    ),
    domain=Domain(PATH),
    hypotheses=(noised, *DIFFERENTIATED),
    scope="any dimension d, any data law, any signal a > 0 and noise level sigma > 0, any vector field s with "
    "finite mean square; sums over dimensions",
    sources=("Vincent 2011", "derived here"),
    words="The loss cannot fall below d / sigma^2 - J, whatever the network: at low noise that is huge.",
)


@dsm_constant.proves("information")
def _(line: Chain) -> None:
    cross, target = Inner(of_corruption, score), Expect(joint, Norm2(of_corruption))
    line(Expect(joint, Norm2(of_corruption - score)))
    line(
        Expect(joint, Norm2(of_corruption) - 2 * cross + Norm2(score)),
        why="the square of a difference: both squares, less twice the inner product",
    )
    line(target - 2 * Expect(joint, cross) + information, by=(linearity, tower))
    line(
        target - 2 * Expect(law, Expect(posterior, cross)) + information,
        by=tower,
    )
    line(
        target - 2 * Expect(law, Inner(Expect(posterior, of_corruption), score)) + information,
        by=inner_mean,
    )
    line(
        target - 2 * Expect(law, Inner(score, score)) + information,
        by=by_claim("score.fisher_identity"),
        why="the targets' mean given x is the score",
    )
    line(target - information, why="<s, s> = |s|^2: one such mean less two of it")
    line(spread - information, by=given(noised))
    line(Expect(data, Expect(Density("q", noisy, clean), Norm2(known_corruption))) - information, by=tower)
    line(
        Expect(data, Expect(corruption, Norm2(known_corruption))) - information,
        by=identify(Density("q", noisy, clean), corruption, given(noised)),
    )
    line(
        Expect(data, Expect(corruption, Norm2(noisy - signal * clean) / level**4)) - information,
        by=vector_calculus,
    )
    line(Expect(data, d / level**2) - information, by=moments, why="d coordinates of variance sigma^2")
    line(d / level**2 - information, by=linearity)


@dsm_constant.proves("variance")
def _(line: Chain) -> None:
    line(Expect(joint, Norm2(of_corruption - score)))
    line(Expect(joint, Norm2(known_corruption - score)), by=given(noised))
    line(
        Expect(joint, Norm2((signal * clean - noisy) / level**2 - score)),
        by=vector_calculus,
    )
    line(
        Expect(joint, Norm2((signal * clean - noisy) / level**2 - (signal * denoiser - noisy) / level**2)),
        by=by_claim("score.marginal_identity", part="score"),
    )
    line(Expect(joint, signal**2 / level**4 * Norm2(clean - denoiser)), why="x cancels")
    line(signal**2 / level**4 * Expect(joint, Norm2(clean - denoiser)), by=linearity)


@dsm_constant.proves("loss")
def _(line: Chain) -> None:
    line(Expect(joint, Norm2(model + (noisy - signal * clean) / level**2)))
    line(Expect(joint, Norm2(model - known_corruption)), by=vector_calculus)
    line(Expect(joint, Norm2(model - of_corruption)), by=given(noised))
    line(
        Expect(law, Norm2(model - score)) + Expect(joint, Norm2(of_corruption - score)),
        by=by_claim("score.dsm.theorem"),
    )
    line(Expect(law, Norm2(model - score)) + d / level**2 - information, by=above("information"))


# --- without the noise ------------------------------------------------------------------------------------------------

implicit = Claim(
    id="score.implicit_matching",
    title="Hyvärinen's identity",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            Expect(law, Norm2(model - score)) / 2,
            "=",
            Expect(law, Norm2(model) / 2 + Div(model, noisy)) + information / 2,
            words="the distance to an unknown score, up to a number, from samples alone",
        ),
    ),
    hypotheses=(smooth, decay, integrable),
    scope="any dimension, any smooth positive density on R^d, any smooth vector field s with no flux of q s at "
    "infinity",
    sources=("Hyvärinen 2005",),
    words="The score enters the loss once, and there integration by parts turns it into a divergence of the network. "
    "At an end of the data's range a flux is left: there the identity fails.",
)


@implicit.proves()
def _(line: Chain) -> None:
    line(Expect(law, Norm2(model - score)) / 2)
    line(Expect(law, Norm2(model - score) / 2), by=linearity)
    line(
        Expect(law, Norm2(model) / 2 - Inner(model, score) + Norm2(score) / 2),
        why="half the square of a difference: the factor 2 of the inner product is gone",
    )
    line(
        Expect(law, Norm2(model) / 2) - Expect(law, Inner(model, score)) + information / 2,
        by=linearity,
    )
    line(
        Expect(law, Norm2(model) / 2) + Expect(law, Div(model, noisy)) + information / 2,
        by=by_parts,
        why="the flux of q s at infinity is 0",
    )
    line(Expect(law, Norm2(model) / 2 + Div(model, noisy)) + information / 2, by=linearity)


# --- the noise as target ----------------------------------------------------------------------------------------------

eps_relation = Claim(
    id="score.eps_relation",
    title="A noise predictor is a scaled score",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            score_of_noise(level, Expect(posterior, (noisy - signal * clean) / level)),
            "=",
            score,
            words="the best noise predictor, over minus the noise level, is the score",
            name="best",
        ),
        Statement(
            -level * score_of_noise(level, predicted),
            "=",
            predicted,
            words="and back, for any predictor",
            name="back",
        ),
    ),
    domain=Domain(PATH),
    hypotheses=(noised, *DIFFERENTIATED),
    scope="any dimension d, any data law, any signal a > 0 and noise level sigma > 0",
    sources=("staircase, Score Matching, One Object", "Song and Ermon 2019"),
    words="Predicting the noise and learning the score are one task in two units.",
)


@eps_relation.proves("best")
def _(line: Chain) -> None:
    line(score_of_noise(level, Expect(posterior, (noisy - signal * clean) / level)))
    line(-Expect(posterior, (noisy - signal * clean) / level) / level, by=definition)
    line(score, by=by_claim("score.marginal_identity", part="noise"))


@eps_relation.proves("back")
def _(line: Chain) -> None:
    line(-level * score_of_noise(level, predicted))
    line(predicted, by=definition, why="divided by -sigma and multiplied by it")


target = -(on_path(signal, level, clean, eps) - signal * clean) / level**2

lsimple_dsm = Claim(
    id="score.lsimple_dsm",
    title="The simple loss is denoising score matching, weighted",
    chapter="Score",
    kind="identity",
    says=(
        Statement(
            Norm2(predicted - eps),
            "=",
            level**2 * Norm2(score_of_noise(level, predicted) - target),
            words="the squared error in the noise is sigma^2 times that in the score of the corruption",
        ),
    ),
    domain=Domain(PATH),
    scope="any dimension d, any signal a > 0 and noise level sigma > 0, any prediction, draw by draw",
    sources=("staircase, Score Matching", "Ho et al. 2020, section 3.2"),
    words="DDPM's training is score matching at all noise levels, each weighted by its own sigma^2.",
)


@lsimple_dsm.proves()
def _(line: Chain) -> None:
    line(Norm2(predicted - eps))
    line(
        level**2 * Norm2(-predicted / level + eps / level),
        why="varsigma comes out of the difference, and leaves the squared length as its square",
    )
    line(level**2 * Norm2(score_of_noise(level, predicted) + eps / level), by=definition)
    line(
        level**2 * Norm2(score_of_noise(level, predicted) - target),
        by=by_claim("score.conditional_gaussian", part=1),
        why="at x = a x_0 + sigma eps the score of the corruption is -eps / sigma",
    )
