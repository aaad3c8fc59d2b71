"""Definitions: the code's own functions are matched by the claims that unfold them."""

from __future__ import annotations

from threefold.witnesses.registry import not_applicable

MATCHED_BY = {
    "ddpm.notation": "ddpm.loss.weights_snr and ddpm.posterior.variance, which unfold it",
    "ddpm.reverse.model_kernel": "ddpm.consistency.kl, which compares it with the encoder's own step",
    "ae.deterministic": "nothing: no deterministic autoencoder is trained here",
    "vae.elbo.objective": "vae.elbo.gaussian, for one datum",
    "vae.beta.objective": "vae.elbo.gaussian, and tests/torch_impl for other prices",
    "onestep.forward": "onestep.loss.equivalence, which unfolds it",
    "ddim.inference_kernel": "ddim.update and ddim.ddpm_recovery, which unfold it",
    "vqvae.loss": "tests/torch_impl, term by term",
}
for _claim, _by in MATCHED_BY.items():
    not_applicable(_claim, f"a definition; the code is matched by {_by}", witness="torch")
