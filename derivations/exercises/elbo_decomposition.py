"""Exercises on the bound of a chain."""

from __future__ import annotations

from derivations.ddpm.elbo import ANY_T, bound, log_encoder, log_model
from derivations.exercises import exercise
from derivations.notation import absolute_continuity, integrable, p, path, q, whole, x
from derivations.rules import KL, Chain, Entropy, Expect, Statement, bayes, definition, gibbs, linearity, log_p, tower

data, everything = q(x(0)), q(whole)
over_data = Expect(data, bound)
log_data = log_p("q", x(0))
GIVEN = (integrable, absolute_continuity)

# --- what the mean bound asks for -------------------------------------------------------------------------------------

whole_paths = exercise(
    "elbo_decomposition.whole_paths",
    "To raise the mean bound is to bring two laws of whole paths together",
    Statement(KL(everything, p(whole)), "=", -Entropy(data) - over_data),
    domain=ANY_T,
    hypotheses=GIVEN,
)


@whole_paths.proves()
def _(line: Chain) -> None:
    line(KL(everything, p(whole)))
    line(
        Expect(everything, log_p("q", whole) - log_model),
        by=definition,
        why="the divergence is the mean of log q - log p under q",
    )
    line(
        Expect(everything, log_data + log_encoder - log_model),
        by=bayes,
        why="draw the image, then the path from it",
    )
    line(
        Expect(data, Expect(q(path, x(0)), log_data + log_encoder - log_model)),
        by=tower,
        why="average over the paths first",
    )
    line(
        Expect(data, log_data) - Expect(data, Expect(q(path, x(0)), log_model - log_encoder)),
        by=linearity,
        why="the law of the data knows nothing of the path",
    )
    line(-Entropy(data) - over_data, by=definition, why="the second mean is the bound, the first minus the entropy")


# --- how high it can get ----------------------------------------------------------------------------------------------

ceiling = exercise(
    "elbo_decomposition.ceiling",
    "No model's mean bound exceeds minus the entropy of the data",
    Statement(over_data, "<=", -Entropy(data)),
    kind="inequality",
    domain=ANY_T,
    hypotheses=GIVEN,
)


@ceiling.proves()
def _(line: Chain) -> None:
    line(over_data)
    line(
        Expect(data, Expect(q(path, x(0)), log_model - log_encoder)),
        by=definition,
    )
    line(
        Expect(everything, log_model - log_encoder),
        by=tower,
        why="image and path together",
    )
    line(
        Expect(everything, log_data - (log_p("q", whole) - log_model)),
        by=bayes,
        why="the encoder's density is that of the whole path over that of the image",
    )
    line(Expect(everything, log_data) - Expect(everything, log_p("q", whole) - log_model), by=linearity)
    line(Expect(data, log_data) - KL(everything, p(whole)), by=[tower, definition])
    line.le(Expect(data, log_data), by=gibbs, why="a divergence is never negative")
    line(-Entropy(data), by=definition)
