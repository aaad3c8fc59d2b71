"""The trainer as a run has it, and diffusers' network in the loop of its training example."""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import nn

from on_gpu.clock import gflop
from torch_impl.data import Batches
from torch_impl.data.images import ImageArray
from torch_impl.systems.ddpm import DDPMConfig
from torch_impl.training import Trainer, TrainerConfig


def our_trainer(size: dict[str, Any], device: torch.device, compiled: bool, **changes: Any) -> Trainer:
    """The trainer as a run of a preset has it, on random images that live on the device as uint8."""
    system = DDPMConfig(
        size["side"],
        3,
        None,
        schedule="linear",
        stratified=False,
        widths=size["widths"],
        blocks=size["blocks"],
        attention=size["attention"],
        head_channels=size["heads"],
    ).build()
    images = torch.randint(0, 256, (128 * size["batch"], 3, size["side"], size["side"]), dtype=torch.uint8)
    batches = Batches(ImageArray("random", "train", images), size["batch"], device=device)
    compile_it: Literal["on", "off"] = "on" if compiled else "off"
    config = TrainerConfig(10**6, size["batch"], lr=1e-4, lr_shape="constant", compile=compile_it, **changes)
    trainer = Trainer(system, batches, config)
    trainer.system.train()
    with torch.no_grad():  # as after training: zeros would let gradients vanish, and kernels run faster on zeros
        for parameter in system.parameters():
            if not parameter.any():
                parameter.normal_(std=0.02)
    return trainer


class Peer:
    """diffusers' U-Net in the loop of its example for unconditional training; without a moving average."""

    def __init__(self, size: dict[str, Any], device: torch.device, channels_last: bool) -> None:
        from diffusers import DDPMScheduler, UNet2DModel

        levels = [size["side"] >> i in size["attention"] for i in range(len(size["widths"]))]
        net = UNet2DModel(
            sample_size=size["side"],
            in_channels=3,
            out_channels=3,
            layers_per_block=size["blocks"],
            block_out_channels=size["widths"],
            down_block_types=tuple("AttnDownBlock2D" if attends else "DownBlock2D" for attends in levels),
            up_block_types=tuple("AttnUpBlock2D" if attends else "UpBlock2D" for attends in reversed(levels)),
            norm_num_groups=8,
            attention_head_dim=size["heads"],
        )
        self.net = net.to(device)
        if channels_last:
            self.net = self.net.to(memory_format=torch.channels_last)
        self.scheduler = DDPMScheduler(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02)
        self.device = device
        self.x = torch.rand(size["batch"], 3, size["side"], size["side"], device=device) * 2 - 1
        if channels_last:
            self.x = self.x.contiguous(memory_format=torch.channels_last)
        self.optimizers: dict[bool, torch.optim.Optimizer] = {}

    def step(self, fused: bool) -> None:
        if fused not in self.optimizers:
            self.optimizers[fused] = torch.optim.AdamW(self.net.parameters(), lr=1e-4, fused=fused or None)
        noise = torch.randn_like(self.x)
        t = torch.randint(0, 1000, (len(self.x),), device=self.device)
        noisy = self.scheduler.add_noise(self.x, noise, t)
        with torch.autocast(self.device.type, torch.bfloat16):
            loss = F.mse_loss(self.net(noisy, t).sample.float(), noise)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizers[fused].step()
        self.optimizers[fused].zero_grad()

    def gflop(self) -> float:
        t = torch.zeros(1, dtype=torch.int64, device=self.device)
        return gflop(lambda: self.net(self.x[:1], t))
