"""Readings that go too fast: what of it the code computes, and where that is matched."""

from __future__ import annotations

from threefold.witnesses.registry import not_applicable

NOT_COMPUTED = {
    "vae.encoder.trivial": "about an encoder that nobody would train",
    "ddpm.forward.joint_law": "the code jumps to one step at a time, and draws no two states of one walk",
    "lenses.affine": "the views of the code are matched by ddpm.parameterization.* and score.eps_relation",
}
for _claim, _reason in NOT_COMPUTED.items():
    not_applicable(_claim, _reason, witness="torch")
