"""A U-Net as the `UNet2DModel` of the library `diffusers`: the same function, in its names, its layout and its time.

Block by block the two networks are one; two things are translated.  The attention's joint projection is cut into three.
And time: networks here are told t = 1..T, those of `diffusers` t - 1.  The sinusoidal embedding of t is a rotation of
that of t - 1, and the layer after it is linear, so the rotation goes into its weights, and the exported network gives
at t - 1 what the original gives at t (`unet.time_embedding.relative`).  Networks of continuous time keep it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from torch_impl.files import write_atomically
from torch_impl.networks import UNet, UNetConfig
from torch_impl.networks.embedding import Conditioning
from torch_impl.process.schedule import NoiseSchedule
from torch_impl.training.system import System
from torch_impl.training.tensors import save_tensors

__all__ = ["scheduler_config", "to_diffusers", "unet_config", "unet_weights"]

_VERSION = "0.30.0"  # the oldest in which all that is written here exists


def unet_config(config: UNetConfig) -> dict[str, Any]:
    """The `config.json` of the `UNet2DModel` with the shape of a U-Net here.

    Raises:
        ValueError: the first width is odd, for which `diffusers` has another embedding of time.
    """
    if config.channels[0] % 2:
        raise ValueError(
            f"the U-Net's first width is {config.channels[0]}; diffusers embeds time in an even number of entries: "
            "train with an even first width to export it"
        )
    attends = [config.image_size >> level in config.attention for level in range(len(config.channels))]
    return {
        "_class_name": "UNet2DModel",
        "_diffusers_version": _VERSION,
        "sample_size": config.image_size,
        "in_channels": config.in_channels,
        "out_channels": config.in_channels * (2 if config.learned_variance else 1),
        "block_out_channels": list(config.channels),
        "layers_per_block": config.blocks_per_level,
        "down_block_types": ["AttnDownBlock2D" if attend else "DownBlock2D" for attend in attends],
        "up_block_types": ["AttnUpBlock2D" if attend else "UpBlock2D" for attend in reversed(attends)],
        "add_attention": attends[-1],
        "attention_head_dim": config.head_channels,
        "norm_num_groups": config.groups,
        "norm_eps": 1e-5,
        "act_fn": "silu",
        "dropout": config.dropout,
        "downsample_padding": 1,
        "mid_block_scale_factor": 1,
        "center_input_sample": False,
        "time_embedding_type": "positional",
        "flip_sin_to_cos": False,
        "freq_shift": 0,
        "resnet_time_scale_shift": "default",
        "num_class_embeds": None if config.num_classes is None else config.num_classes + 1,
    }


def unet_weights(network: UNet, earlier: bool = True) -> dict[str, Tensor]:
    """The network's weights under the names of `UNet2DModel`; `earlier`: for times 0..T-1 in place of 1..T."""
    return {name: tensor.detach().float().cpu().clone() for name, tensor in _renamed(network, earlier)}


def _renamed(network: UNet, earlier: bool) -> Iterator[tuple[str, Tensor]]:
    embedding = network.conditioning
    weight = embedding.linear_1.weight
    yield "time_embedding.linear_1.weight", _one_step_earlier(weight) if earlier else weight
    yield "time_embedding.linear_1.bias", embedding.linear_1.bias
    yield from _both("time_embedding.linear_2", embedding.linear_2)
    if embedding.num_classes is not None:
        yield "class_embedding.weight", embedding.classes.weight
    yield from _both("conv_in", network.conv_in)
    for i, level in enumerate(network.down):
        yield from _stages(f"down_blocks.{i}", level.stages)
        if level.downsample is not None:
            yield from _both(f"down_blocks.{i}.downsamplers.0.conv", level.downsample)
    yield from _stages("mid_block", network.middle)
    for i, level in enumerate(network.up):
        yield from _stages(f"up_blocks.{i}", level.stages)
        if level.upsample is not None:
            yield from _both(f"up_blocks.{i}.upsamplers.0.conv", level.upsample)
    yield from _both("conv_norm_out", network.norm_out)
    yield from _both("conv_out", network.conv_out)


def _both(name: str, module: Any) -> Iterator[tuple[str, Tensor]]:
    yield f"{name}.weight", module.weight
    yield f"{name}.bias", module.bias


def _stages(name: str, stages: Any) -> Iterator[tuple[str, Tensor]]:
    names = {"norm_1": "norm1", "conv_1": "conv1", "condition": "time_emb_proj", "norm_2": "norm2", "conv_2": "conv2"}
    for j, stage in enumerate(stages):
        for ours, theirs in names.items():
            yield from _both(f"{name}.resnets.{j}.{theirs}", getattr(stage.block, ours))
        if stage.block.skip is not None:
            yield from _both(f"{name}.resnets.{j}.conv_shortcut", stage.block.skip)
        if stage.attention is not None:
            yield from _attention(f"{name}.attentions.{j}", stage.attention)


def _attention(name: str, attention: Any) -> Iterator[tuple[str, Tensor]]:
    yield from _both(f"{name}.group_norm", attention.norm)
    weights, biases = attention.qkv.weight[:, :, 0, 0].chunk(3), attention.qkv.bias.chunk(3)
    for part, weight, bias in zip("qkv", weights, biases, strict=True):
        yield f"{name}.to_{part}.weight", weight
        yield f"{name}.to_{part}.bias", bias
    yield f"{name}.to_out.0.weight", attention.out.weight[:, :, 0, 0]
    yield f"{name}.to_out.0.bias", attention.out.bias


def _one_step_earlier(weight: Tensor) -> Tensor:
    """W R, where tau(t) = R tau(t - 1) for the embedding tau = (sines, cosines): a rotation by each frequency.

    sin(w t) = cos(w) sin(w (t-1)) + sin(w) cos(w (t-1)),  cos(w t) = cos(w) cos(w (t-1)) - sin(w) sin(w (t-1)).
    """
    sines, cosines = weight.detach().double().chunk(2, dim=1)
    half = sines.shape[1]
    turn = torch.exp(-math.log(10_000.0) / half * torch.arange(half, dtype=torch.float64, device=weight.device))
    return torch.cat((sines * turn.cos() - cosines * turn.sin(), sines * turn.sin() + cosines * turn.cos()), dim=1)


_PREDICTIONS = {"eps": "epsilon", "x0": "sample", "v": "v_prediction"}
_VARIANCES = {"posterior": "fixed_small", "beta": "fixed_large", "learned": "learned_range"}


def scheduler_config(schedule: NoiseSchedule, prediction: str, variance: str, clip: bool) -> dict[str, Any]:
    """The `scheduler_config.json` of a `DDPMScheduler` that walks the same chain.

    Raises:
        ValueError: the network predicts the score, which `diffusers` does not know.
    """
    if prediction not in _PREDICTIONS:
        raise ValueError(
            f"the network predicts {prediction!r}, and diffusers knows {', '.join(_PREDICTIONS)} only: train with "
            "--prediction eps, x0 or v to export it"
        )
    return {
        "_class_name": "DDPMScheduler",
        "_diffusers_version": _VERSION,
        "num_train_timesteps": schedule.T,
        "trained_betas": schedule.betas.tolist(),
        "prediction_type": _PREDICTIONS[prediction],
        "variance_type": _VARIANCES[variance],
        "clip_sample": clip,
        "clip_sample_range": 1.0,
        "timestep_spacing": "trailing",
    }


def to_diffusers(system: System, folder: Path) -> None:
    """Write a model on pixels with a U-Net as a folder that `diffusers` loads.

    `unet/` is written for every such model, for `UNet2DModel.from_pretrained(folder, subfolder="unet")`; a conditional
    one is given `class_labels`, the last one being no class.  `scheduler/` is written for diffusion models, whose U-Net
    is then told t - 1 as it is there; flows, score models and the like have none, and their U-Net is told what it was
    trained with (`network_time` of the system).  `model_index.json`, for `DDPMPipeline.from_pretrained(folder)`, is
    written for unconditional diffusion models only, since that pipeline knows no classes.

    Raises:
        ValueError: the model's network or chain has no counterpart in `diffusers`; nothing is written.
    """
    network, config = getattr(system, "model", None), getattr(system, "config", None)
    diffusion = getattr(system, "diffusion", None)
    if not isinstance(network, UNet):
        what = type(network).__name__ if network is not None else type(system).__name__
        raise ValueError(
            f"{what} has no counterpart in diffusers; of the models here U-Nets do: export the others with --to "
            "plain or --to program"
        )
    if type(network).stage is not UNet.stage:
        raise ValueError(
            "this U-Net reads captions by a text encoder of its own, and UNet2DModel reads none; export it with --to "
            "plain or --to program"
        )
    if not isinstance(network.conditioning, Conditioning):
        raise ValueError(
            "this U-Net is told two times, a time and a span, and those of diffusers are told one; export it with --to "
            "plain or --to program"
        )
    if hasattr(system, "compressor"):
        raise ValueError(
            "the compressor of this latent model has no counterpart in diffusers, and its U-Net alone makes no images; "
            "export it with --to plain or --to program"
        )
    unet = unet_config(network.config)
    described = {"unet/config.json": unet}
    if diffusion is not None:
        described["scheduler/scheduler_config.json"] = scheduler_config(
            diffusion.schedule, diffusion.prediction, diffusion.variance, clip=True
        )
    for name, content in described.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / name, _json(content))
    weights = unet_weights(network, earlier=diffusion is not None)
    save_tensors(folder / "unet" / "diffusion_pytorch_model.safetensors", weights)
    if diffusion is not None and not getattr(config, "conditional", False):
        index = {
            "_class_name": "DDPMPipeline",
            "_diffusers_version": _VERSION,
            "scheduler": ["diffusers", "DDPMScheduler"],
            "unet": ["diffusers", "UNet2DModel"],
        }
        write_atomically(folder / "model_index.json", _json(index))


def _json(data: Any) -> bytes:
    return (json.dumps(data, indent=2) + "\n").encode()
