"""What no code of the package computes of the data behind a noisy point, and how its oracle is held against them."""

from __future__ import annotations

from threefold.witnesses.registry import not_applicable

NOT_COMPUTED = {
    "denoiser.finite_data": "the oracle finds the nearest datum by a minimum, whose rounding is not analysed; "
    "tests/torch_impl compares it with sums over all data",
    "information.i_mmse": "the code takes the best denoiser's error, and no information",
    "ddpm.reverse.moments": "the code steps by the mean of a known datum: ddpm.posterior.mean",
    "weights.log_snr_form": "the losses are weighted over time; what weight that is over log-SNR no code computes",
    "vdm.refinement": "the bound is taken on the grid of the schedule alone",
}
for _claim, _reason in NOT_COMPUTED.items():
    not_applicable(_claim, _reason, witness="torch")
