"""Codes drawn often, codes in layers, codes in other units: what of it the code computes, and where that is matched."""

from __future__ import annotations

from threefold.witnesses.registry import not_applicable

NOT_COMPUTED = {
    "iwae.bounds": "`importance_weighted_bound` draws its codes from a Gaussian; tests/torch_impl compare it with the "
    "evidence and with one draw",
    "hvae.factors": "no model here has several layers of codes but diffusion, whose bound is matched by ddpm.elbo.*",
    "hvae.elbo": "no model here has several layers of codes but diffusion, whose bound is matched by ddpm.elbo.*",
    "ae.nonunique": "no code changes the codes of an autoencoder",
    "vae.beta.constrained": "about the maximiser, which training only comes near",
    "vae.limit.blur": "about the best decoder there is",
    "vae.loss.reduction_scale": "the code sums over pixels and averages over pictures; it has no other reduction",
}
for _claim, _reason in NOT_COMPUTED.items():
    not_applicable(_claim, _reason, witness="torch")
