"""Latents, scales and averages: what of it the code computes, and where that is matched."""

from __future__ import annotations

from threefold.witnesses.registry import not_applicable

NOT_COMPUTED = {
    "noise.interpolation": "no code here interpolates noise",
    "cascade.factorization": "no cascade of two models is trained here",
    "ldm.compression.counts": "a count of shapes, which the code reads off its tensors",
    "ema.profile": "`PowerFunction` computes decays in Python numbers; tests/torch_impl compare its weights with a run",
    "edm.preconditioning": "the code's scales are matched by edm.units; here they are averaged over all data",
    "weights.min_snr": "the code keeps logarithms of weights; tests/torch_impl compare them with these",
    "vdm.continuous_bound": "the code sums the bound over steps, which is matched by ddpm.loss.*",
}
for _claim, _reason in NOT_COMPUTED.items():
    not_applicable(_claim, _reason, witness="torch")
