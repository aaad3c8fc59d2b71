"""Guidance in terms of scores: the gradient of a classifier is what tilts one noise level, and how it enters a step."""

from __future__ import annotations

import sympy as sp

from derivations.guidance.classifier_free import condition, guidance, guided
from derivations.notation import smooth
from derivations.rules import (
    POSITIVE,
    REAL,
    UNIT,
    Chain,
    Claim,
    Domain,
    Grad,
    Statement,
    bayes,
    define,
    definition,
    log_p,
    scalar,
    vector,
    vector_calculus,
)
from derivations.score.functions import noisy, partition, score

step_alpha = scalar("step_alpha", r"\alpha", positive=True)
noise_level = scalar("level", r"\varsigma", positive=True)
variance = scalar("step_variance", r"\sigma^2", positive=True)
predicted = vector("prediction", r"\hat\epsilon")
slope = Grad(log_p("q", condition, noisy), noisy)  # of the classifier, at the noisy point
of_condition = Grad(log_p("q", noisy, condition), noisy)

steered = define("steered_noise", r"\tilde\epsilon", lambda w, s, e, g: e - w * s * g, is_vector_valued=True)
step_mean = define(
    "step_mean", r"\mu", lambda alpha, s, at, e: (at - (1 - alpha) / s * e) / sp.sqrt(alpha), is_vector_valued=True
)

log_tilted = log_p("q", noisy) + guidance * log_p("q", condition, noisy) - sp.log(partition)

classifier = Claim(
    id="guidance.classifier",
    title="Classifier guidance",
    chapter="Guidance",
    kind="identity",
    says=(
        Statement(
            score + slope,
            "=",
            of_condition,
            words="Bayes: the classifier's gradient makes the conditional score of the unconditional one",
            name="Bayes",
        ),
        Statement(
            -steered(guidance, noise_level, -noise_level * score, slope) / noise_level,
            "=",
            score + guidance * slope,
            words="taken from the best noise prediction, w sigma times the gradient adds w times it to the score",
            name="noise",
        ),
        Statement(
            step_mean(step_alpha, noise_level, noisy, steered(guidance, noise_level, predicted, slope)),
            "=",
            step_mean(step_alpha, noise_level, noisy, predicted)
            + guidance * (1 - step_alpha) / sp.sqrt(step_alpha) * slope,
            words="and moves the mean of a step by w beta / sqrt(alpha) times the gradient",
            name="step",
        ),
        Statement(
            step_mean(step_alpha, noise_level, noisy, predicted)
            + guidance * variance * slope
            - step_mean(step_alpha, noise_level, noisy, steered(guidance, noise_level, predicted, slope)),
            "=",
            guidance * (variance - (1 - step_alpha) / sp.sqrt(step_alpha)) * slope,
            words="the other recipe, w sigma_t^2 times the gradient, is the same step only for sigma_t^2 = beta / "
            "sqrt(alpha), which is neither beta nor beta_tilde",
            name="recipes",
        ),
    ),
    domain=Domain({"level": POSITIVE, "step_alpha": UNIT, "step_variance": POSITIVE, "guidance": REAL}),
    hypotheses=(smooth,),
    scope="any dimension, any smooth joint density of noisy data and condition, any w; the classifier must have been "
    "trained on noisy data",
    sources=("Dhariwal and Nichol 2021, algorithms 1 and 2", "slides, Conditional generation"),
    words="The gradient belongs to the score. In the noise it has the opposite sign and the noise level as its factor.",
)


@classifier.proves("Bayes")
def _(line: Chain) -> None:
    line(score + slope)
    line(of_condition, by=(bayes, vector_calculus), why="log q(c) does not depend on x")


@classifier.proves("noise")
def _(line: Chain) -> None:
    line(-steered(guidance, noise_level, -noise_level * score, slope) / noise_level)
    line(-(-noise_level * score - guidance * noise_level * slope) / noise_level, by=definition)
    line(score + guidance * slope, why="the noise level cancels in each term")


@classifier.proves("step")
def _(line: Chain) -> None:
    beta = 1 - step_alpha
    line(step_mean(step_alpha, noise_level, noisy, steered(guidance, noise_level, predicted, slope)))
    line(
        (noisy - beta / noise_level * (predicted - guidance * noise_level * slope)) / sp.sqrt(step_alpha),
        by=definition,
    )
    line(
        step_mean(step_alpha, noise_level, noisy, predicted) + guidance * beta / sp.sqrt(step_alpha) * slope,
        why="the noise level cancels",
    )


@classifier.proves("recipes")
def _(line: Chain) -> None:
    beta, plain = 1 - step_alpha, step_mean(step_alpha, noise_level, noisy, predicted)
    line(
        plain
        + guidance * variance * slope
        - step_mean(step_alpha, noise_level, noisy, steered(guidance, noise_level, predicted, slope))
    )
    line(
        plain + guidance * variance * slope - (plain + guidance * beta / sp.sqrt(step_alpha) * slope),
        why="the guided mean is the plain one and w (1 - alpha)/sqrt(alpha) times the gradient; the plain cancels",
    )
    line(guidance * (variance - beta / sp.sqrt(step_alpha)) * slope, why="w times the gradient comes out of both terms")


tilted_score = Claim(
    id="guidance.classifier_free.tilted_score",
    title="The guided score is the score of the tilted law, at one noise level",
    chapter="Guidance",
    kind="identity",
    says=(
        Statement(
            guided(guidance, score, of_condition),
            "=",
            score + guidance * slope,
            words="the mixture of two scores holds a classifier that nobody trained",
            name="implicit",
        ),
        Statement(
            Grad(log_tilted, noisy),
            "=",
            guided(guidance, score, of_condition),
            words="and is the score of q(x) q(c | x)^w / Z",
            name="tilted",
        ),
    ),
    domain=Domain({"guidance": REAL, "partition": POSITIVE}),
    hypotheses=(smooth,),
    scope="any dimension, any smooth joint density of noisy data and condition, any w, at each noise level by itself",
    sources=(
        "Ho and Salimans 2022, section 3.2",
        "article, Classifier-Free Guidance",
        "slides, Conditional generation",
    ),
    words="At one noise level guidance is exact, for a law that is sharper than the conditional one. The tilted laws "
    "of two noise levels are not one law with more and with less noise: no sampler draws from the tilted data.",
)


@tilted_score.proves("implicit")
def _(line: Chain) -> None:
    line(guided(guidance, score, of_condition))
    line(score + guidance * (of_condition - score), by=definition)
    line(score + guidance * slope, by=(bayes, vector_calculus), why="log q(x | c) - log q(x) = log q(c | x) - log q(c)")


@tilted_score.proves("tilted")
def _(line: Chain) -> None:
    line(Grad(log_tilted, noisy))
    line(score + guidance * slope, by=vector_calculus, why="Z does not depend on x")
    line(score + guidance * (of_condition - score), by=(bayes, vector_calculus))
    line(guided(guidance, score, of_condition), by=definition)
