"""Pictures and captions in one space: what the symmetric contrastive loss of a batch of pairs is. Nats."""

from __future__ import annotations

import sympy as sp

from derivations.rules import (
    POSITIVE,
    REAL,
    Chain,
    Claim,
    D,
    Domain,
    Statement,
    SumTo,
    differentiation,
    exponents,
    scalar,
    scalar_function,
)

N, i, k = (sp.Symbol(name, integer=True, positive=True) for name in ("N_c", "i_c", "k_c"))
score = scalar_function("pair_score", "s")
own, rest = scalar("own_score", "u"), scalar("other_weights", "R")

row, column = SumTo(sp.exp(score(i, k)), k, 1, N), SumTo(sp.exp(score(k, i)), k, 1, N)
surprises = SumTo(-sp.log(sp.exp(score(i, i)) / row) - sp.log(sp.exp(score(i, i)) / column), i, 1, N)

contrastive = Claim(
    id="clip.loss.symmetric",
    title="The symmetric contrastive loss",
    chapter="Latents",
    kind="identity",
    says=(
        Statement(
            surprises / (2 * N),
            "=",
            SumTo(sp.log(row) + sp.log(column), i, 1, N) / (2 * N) - SumTo(score(i, i), i, 1, N) / N,
            name="logs",
            words="half the surprise at the right caption of each picture, half that at the right picture of each "
            "caption: logarithms of sums of exponentials, less the mean score of the pairs that belong together",
        ),
        Statement(
            sp.log(SumTo(sp.exp(own), k, 1, N)) - own,
            "=",
            sp.log(N),
            name="alike",
            words="where all scores are alike, so that nothing is told apart, each surprise is log N",
        ),
        Statement(
            D(sp.log(sp.exp(own) + rest) - own, own),
            "=",
            -rest / (sp.exp(own) + rest),
            name="pull",
            words="the score of the right pair is pulled up by the chance that is left to all others",
        ),
    ),
    domain=Domain({"pair_score": REAL, "own_score": REAL, "other_weights": POSITIVE}, {N: (1, sp.oo)}),
    scope="any number N of pairs, any scores: inner products of unit vectors times a scale, in training",
    sources=("Radford et al. 2021 (CLIP), figure 3", "van den Oord et al. 2018 (InfoNCE), eq. 4"),
    words="Of N pairs the wrong ones serve as examples of what does not belong together. So the loss of another batch "
    "size is another number: log N is what a model that knows nothing has.",
)


@contrastive.proves("logs")
def _(line: Chain) -> None:
    line(surprises / (2 * N))
    line(
        SumTo(sp.log(row) + sp.log(column), i, 1, N) / (2 * N) - SumTo(score(i, i), i, 1, N) / N,
        why="the logarithm of a quotient, in each term; the own score stands in both halves",
    )


@contrastive.proves("alike")
def _(line: Chain) -> None:
    line(sp.log(SumTo(sp.exp(own), k, 1, N)) - own)
    line(sp.log(N * sp.exp(own)) - own, why="N equal terms")
    line(sp.log(N), by=exponents, why="the logarithm of the exponential is the score, which cancels")


@contrastive.proves("pull")
def _(line: Chain) -> None:
    line(D(sp.log(sp.exp(own) + rest) - own, own))
    line(sp.exp(own) / (sp.exp(own) + rest) - 1, by=differentiation)
    line(-rest / (sp.exp(own) + rest), why="on one denominator")
