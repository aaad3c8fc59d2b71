"""The weights of the bound, as the code takes them from the standard schedule."""

from __future__ import annotations

from threefold.witnesses.registry import not_applicable

not_applicable(
    "onestep.prior.moment_matched_hack",
    "the start of the one-step system is drawn with the moments of a batch; no code computes a covariance of it",
    witness="torch",
)
not_applicable(
    "ddpm.loss.weight_profile",
    "the code's weights are matched on any schedule by ddpm.loss.weights_snr",
    witness="torch",
)
