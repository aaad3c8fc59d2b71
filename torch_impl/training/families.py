"""The families of models: which network and which training suit images of a side, for every data set.

Levels and attention follow the side: it is halved as often as it is even, down to 16 pixels or fewer for a U-Net, and
attention stands where at most 32 pixels are left.
"""

from __future__ import annotations

from collections.abc import Callable

from torch_impl.training.ema import WarmupDecay
from torch_impl.training.systems.config import SystemConfig
from torch_impl.training.systems.ddpm import DDPMConfig
from torch_impl.training.systems.latent import LatentConfig
from torch_impl.training.systems.onestep import OneStepConfig
from torch_impl.training.systems.vae import VAESystemConfig
from torch_impl.training.systems.vqvae import VQVAESystemConfig
from torch_impl.training.trainer_config import TrainerConfig

__all__ = ["FAMILIES", "unet_levels", "vae_widths"]

Made = tuple[SystemConfig, TrainerConfig]


# -- levels for a side ------------------------------------------------------------------------------------------------


def _halvings(size: int, wanted: int) -> int:
    """How often a side is to be halved: as often as wanted, where it is even so often.

    Raises:
        ValueError: it is odd.
    """
    possible = (size & -size).bit_length() - 1 if size > 0 else 0
    if possible == 0:
        near = f"{size // 4 * 4} or {size // 4 * 4 + 4}" if size >= 4 else "8"
        raise ValueError(
            f"image_size is {size}, which the networks here cannot halve; choose --image-size {near} (a file of arrays "
            "is not scaled: crop or pad its images)"
        )
    return min(wanted, possible)


def unet_levels(size: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Widths of a U-Net's levels, and the sides at which it has attention, for images of a side."""
    if size < 32:
        levels = _halvings(size, 2) + 1
        return (64, 128, 128)[:levels], (size >> (levels - 1),)
    wanted = 2
    while size >> wanted > 16 and wanted < 4:
        wanted += 1
    levels = _halvings(size, wanted) + 1
    widths = {2: (128, 256), 3: (128, 256, 256), 4: (128, 128, 256, 256), 5: (128, 128, 256, 256, 512)}[levels]
    return widths, tuple(size >> level for level in range(1, levels) if size >> level <= 32)


def vae_widths(name: str, size: int) -> tuple[int, ...]:
    """Widths of the levels of a convolutional VAE; the fully connected one of MNIST has no use for them."""
    wanted = 2 if size < 32 else 3 if size < 64 else 4 if size < 256 else 5
    return (32, 64, 128, 256, 256)[: wanted if name == "mnist" else _halvings(size, wanted)]


# -- families ---------------------------------------------------------------------------------------------------------


def _vae(name: str, size: int, channels: int, classes: int | None) -> Made:
    if name == "digits":
        system = VAESystemConfig(size, channels, classes, latent_dim=8, hidden=(256, 128), widths=(32, 64))
        return system, TrainerConfig(
            3000, 128, lr=2e-3, warmup=100, clip=100.0, log_every=100, validate_every=500, preview_every=1000
        )
    colour = channels == 3
    system = VAESystemConfig(
        size,
        channels,
        classes,
        encoder="mlp" if name == "mnist" else "cnn",
        likelihood="gaussian" if colour else "bernoulli",
        latent_dim=32 if name == "mnist" else 64,
        hidden=(512, 256),
        widths=vae_widths(name, size),
    )
    return system, TrainerConfig(20_000, 128, lr=1e-3, warmup=500, clip=1000.0, validate_every=2000, preview_every=2000)


def _onestep(name: str, size: int, channels: int, classes: int | None) -> Made:
    if name == "digits":
        system = OneStepConfig(size, channels, classes, alpha=0.3, widths=(32, 64))
        return system, TrainerConfig(
            3000, 128, lr=2e-3, warmup=100, log_every=100, validate_every=500, preview_every=1000
        )
    system = OneStepConfig(
        size, channels, classes, alpha=0.3, widths=(32, 64, 128)[: _halvings(size, 2 if size < 32 else 3)]
    )
    return system, TrainerConfig(20_000, 128, lr=1e-3, warmup=500, validate_every=2000, preview_every=2000)


# On 1,259 images the held-out loss is least after some 2,000 steps; longer runs learn the images by heart.
_DIGITS_DIFFUSION = TrainerConfig(
    3000,
    128,
    lr=1e-3,
    warmup=200,
    ema=(WarmupDecay(0.999),),
    log_every=100,
    validate_every=500,
    preview_every=1000,
)


def _ddpm(name: str, size: int, channels: int, classes: int | None) -> Made:
    conditional = classes is not None
    if name == "digits":
        system = DDPMConfig(
            size,
            channels,
            classes,
            timesteps=500,
            prediction="v",
            sigma_min=0.04,
            conditional=True,
            widths=(32, 64),
            attention=(4,),
            head_channels=32,
            dropout=0.1,
        )
        return system, _DIGITS_DIFFUSION
    large = size >= 32
    widths, attention = unet_levels(size)
    system = DDPMConfig(
        size,
        channels,
        classes,
        conditional=conditional,
        widths=widths,
        attention=attention,
        head_channels=64,
        patch=2 if size <= 64 or size % 4 else 4 if size <= 128 or size % 8 else 8,
        dropout=0.1 if name == "cifar10" else 0.0,
    )
    trainer = TrainerConfig(
        200_000 if large else 50_000,
        128,
        lr=2e-4,
        warmup=5000 if large else 1000,
        lr_shape="constant",
        ema=(WarmupDecay(0.9999),),
        log_every=100,
        validate_every=5000,
        preview_every=5000,
        checkpoint_every=5000,
    )
    return system, trainer


def _vqvae(name: str, size: int, channels: int, classes: int | None) -> Made:
    if name == "digits":
        system = VQVAESystemConfig(
            size,
            channels,
            classes,
            widths=(64,),
            codes=64,
            code_dim=8,
            conditional=True,
            prior_width=64,
            prior_dropout=0.3,
        )
        return system, TrainerConfig(
            3000, 128, lr=2e-3, warmup=100, log_every=100, validate_every=500, preview_every=1000
        )
    levels = _halvings(size, 2 if size <= 32 else 3 if size <= 128 else 4)
    system = VQVAESystemConfig(
        size,
        channels,
        classes,
        widths=(64, 128, 256, 256)[:levels],
        blocks=2,
        codes=512,
        code_dim=32,
        conditional=classes is not None,
        prior_width=256,
        prior_depth=6,
        prior_heads=8,
    )
    return system, TrainerConfig(50_000, 128, lr=3e-4, warmup=1000, validate_every=5000, preview_every=5000)


def _latent(name: str, size: int, channels: int, classes: int | None) -> Made:
    conditional = classes is not None
    if name == "digits":
        system = LatentConfig(
            size,
            channels,
            classes,
            conditional=conditional,
            latent_dim=3,
            compressor_widths=(64,),
            compressor_steps=2500,
            widths=(32, 64),
            head_channels=32,
            dropout=0.1,
        )
        return system, _DIGITS_DIFFUSION
    levels = _halvings(size, 1 if size < 32 else 2 if size <= 128 else 3)
    while levels > 1 and (size >> levels) % 2:
        levels -= 1
    side = size >> levels
    widths = (128, 256) if size >= 32 else (64, 128)
    system = LatentConfig(
        size,
        channels,
        classes,
        conditional=conditional,
        latent_dim=4,
        compressor_widths=(64, 128, 128)[:levels],
        compressor_blocks=2,
        compressor_steps=20_000,
        widths=widths[1:] if side % 2 else widths,
        attention=tuple(at for at in ((side,) if side % 2 else (side // 2,)) if at <= 32),
        patch=1 if side % 2 else 2,
        head_channels=64,
    )
    trainer = TrainerConfig(
        100_000,
        128,
        lr=3e-4,
        warmup=2000,
        ema=(WarmupDecay(0.9999),),
        log_every=100,
        validate_every=5000,
        preview_every=5000,
        checkpoint_every=5000,
    )
    return system, trainer


FAMILIES: dict[str, tuple[Callable[[str, int, int, int | None], Made], str]] = {
    "vae": (_vae, "VAE and beta-VAE"),
    "onestep": (_onestep, "encoder-free one-step model"),
    "ddpm": (_ddpm, "U-Net diffusion, class-conditional where there are labels"),
    "vqvae": (_vqvae, "VQ-VAE with a prior over its codes"),
    "latent": (_latent, "latent diffusion: compressor first, then diffusion inside"),
}
