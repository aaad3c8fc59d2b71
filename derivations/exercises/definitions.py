"""Exercises on what letters stand for."""

from __future__ import annotations

from derivations.exercises import exercise
from derivations.notation import abar, schedule, snr, t
from derivations.rules import POSITIVE, Chain, Domain, Statement, definition, stop_gradient
from derivations.vq.objective import beta as commitment
from derivations.vq.objective import codeword, decoder_loss, loss

# --- how much noise ---------------------------------------------------------------------------------------------------

noise_of_snr = exercise(
    "definitions.noise_of_snr",
    "The variance of the noise from the signal-to-noise ratio",
    Statement(1 / (1 + snr(t)), "=", 1 - abar(t)),
    domain=schedule(),
)


@noise_of_snr.proves()
def _(line: Chain) -> None:
    line(1 / (1 + snr(t)))
    line(1 - abar(t), by=definition, why="multiply both by 1 - abar_t: above it is left, below there is 1")


# --- a code that is a codeword ----------------------------------------------------------------------------------------

on_a_codeword = exercise(
    "definitions.on_a_codeword",
    "The loss of a VQ-VAE where the encoder hits a codeword",
    Statement(loss(codeword, codeword, commitment), "=", decoder_loss(codeword)),
    domain=Domain({"commitment": POSITIVE}),
)


@on_a_codeword.proves()
def _(line: Chain) -> None:
    line(loss(codeword, codeword, commitment))
    line(
        decoder_loss(codeword),
        by=[definition, stop_gradient],
        why="both distances are 0, and straight through nothing is added",
    )
