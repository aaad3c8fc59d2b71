"""What draws leave behind, in the code that draws."""

from __future__ import annotations

from threefold.witnesses.registry import not_applicable

not_applicable("vae.sampling.ancestral", "VAE.sample draws a code and shows its decoder's mean", witness="torch")
not_applicable(
    "ddpm.sampling.sigma_beta",
    "the mean is matched by ddpm.sampling.respaced; the spread is a difference of logarithms in the code, whose "
    "rounding is not analysed",
    witness="torch",
)
not_applicable(
    "ddpm.training.data",
    "diffusion_loss is matched with the noise as its target: ddpm.training.noise",
    witness="torch",
)
