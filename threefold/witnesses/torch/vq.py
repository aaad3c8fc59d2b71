"""Vector quantisation as `torch_impl` computes it: detached arguments, and what autograd makes of them."""

from __future__ import annotations

from threefold.witnesses.registry import not_applicable

NOT_COMPUTED = {
    "vqvae.straight_through": "the quantiser works on maps of features; tests/torch_impl compare its gradient",
    "vqvae.loss.gradients": "the quantiser averages over a map; tests/torch_impl compare who gets which gradient",
    "vq.straight_through.bias": "no code here draws bits",
    "vqvae.quantize.nearest": "`nearest_rows` gives the index of the nearest codeword, and no distance",
    "vqvae.codebook.kmeans": "no code sums over what is assigned to one codeword by itself",
    "vq.perplexity": "the quantiser gives the perplexity of a batch, whose shares are counts",
}
for _claim, _reason in NOT_COMPUTED.items():
    not_applicable(_claim, _reason, witness="torch")
