"""Exercises on codebooks of moving averages."""

from __future__ import annotations

from derivations.exercises import exercise
from derivations.rules import Chain, Statement, above, definition
from derivations.vq.codebook import BOOK, assigned, batch_mean, codeword, count, decay, new_count, new_sum

# --- one batch twice --------------------------------------------------------------------------------------------------

twice = exercise(
    "codebooks.twice",
    "The same batch twice",
    Statement(
        new_sum(decay, new_sum(decay, count * codeword, assigned, batch_mean), assigned, batch_mean),
        "=",
        new_sum(decay**2, count * codeword, assigned, batch_mean),
        words="one update with the square of the decay",
    ),
    domain=BOOK,
)


@twice.proves()
def _(line: Chain) -> None:
    line(new_sum(decay, new_sum(decay, count * codeword, assigned, batch_mean), assigned, batch_mean))
    line(
        decay * (decay * count * codeword + (1 - decay) * assigned * batch_mean) + (1 - decay) * assigned * batch_mean,
        by=definition,
    )
    line(
        decay**2 * count * codeword + (1 - decay**2) * assigned * batch_mean,
        why="(1 - gamma)(1 + gamma) of the batch",
    )
    line(new_sum(decay**2, count * codeword, assigned, batch_mean), by=definition)


# --- a steady codeword ------------------------------------------------------------------------------------------------

steady = exercise(
    "codebooks.steady",
    "A codeword that gets as many vectors as its count says",
    Statement(new_count(decay, count, count), "=", count, words="the count stays"),
    Statement(
        new_sum(decay, count * codeword, count, batch_mean) / new_count(decay, count, count),
        "=",
        decay * codeword + (1 - decay) * batch_mean,
        words="and the codeword is itself a moving average of the batches' means",
    ),
    domain=BOOK,
)


@steady.proves()
def _(line: Chain) -> None:
    line(new_count(decay, count, count))
    line(decay * count + (1 - decay) * count, by=definition)
    line(count, why="gamma + (1 - gamma) = 1")


@steady.proves(1)
def _(line: Chain) -> None:
    line(new_sum(decay, count * codeword, count, batch_mean) / new_count(decay, count, count))
    line(
        (decay * count * codeword + (1 - decay) * count * batch_mean) / count,
        by=[above(), definition],
        why="the count stays, so it is divided by what it was",
    )
    line(decay * codeword + (1 - decay) * batch_mean, why="N cancels in both terms")
