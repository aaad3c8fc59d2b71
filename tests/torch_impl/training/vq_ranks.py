"""Train a VQ-VAE on digits for a few steps and write every rank's codebook and weights: `vq_ranks.py OUT`."""

from __future__ import annotations

import sys
from pathlib import Path

import safetensors.torch
import torch

from torch_impl.runs.open import open_run
from torch_impl.runs.presets import override, preset

SHAPE = {"widths": (16,), "codes": 16, "prior_width": 16, "prior_depth": 1, "prior_heads": 2}
TRAINING = {"steps": 6, "batch_size": 32, "log_every": 1, "checkpoint_every": 0, "warmup": 0, "validate_every": 0}


def train(out: Path) -> None:
    trainer = open_run(override(preset("digits-vqvae"), {**SHAPE, **TRAINING}), out)
    trainer.fit()
    state = {
        **{f"model/{name}": tensor for name, tensor in trainer.system.state_dict().items()},
        **{f"ema/{name}": tensor for name, tensor in trainer.emas[0].module.state_dict().items()},
    }
    folder = out / "ranks"
    folder.mkdir(exist_ok=True)
    path = folder / f"{trainer.processes.world}-{trainer.processes.rank}.safetensors"
    safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    trainer.processes.finish()


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(Path(sys.argv[1]))
