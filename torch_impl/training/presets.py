"""Presets: a data set, a system and a way to train it, as plain data under one name.

`preset("digits-ddpm")` is what `threefold train digits-ddpm` trains; `override` changes fields by name, as
the command line does.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_type_hints

from torch_impl.training.ema import ConstantDecay, PowerFunction, WarmupDecay
from torch_impl.training.fields import check_value, read_value
from torch_impl.training.systems.config import SystemConfig
from torch_impl.training.systems.ddpm import DDPMConfig
from torch_impl.training.systems.latent import LatentConfig
from torch_impl.training.systems.mixture import MixtureConfig
from torch_impl.training.systems.onestep import OneStepConfig
from torch_impl.training.systems.vae import VAESystemConfig
from torch_impl.training.systems.vqvae import VQVAESystemConfig
from torch_impl.training.trainer_config import TrainerConfig

__all__ = ["DataChoice", "Preset", "override", "preset", "preset_names", "read_field"]


@dataclass(frozen=True)
class DataChoice:
    """Which data: a name that `torch_impl.data.load` knows, and how to read it.

    `root` is where local files are; `label` the attribute that serves as class (faces); `flip` mirrors at random.
    """

    name: str
    image_size: int | None = None
    channels: int | None = None
    root: str | None = None
    label: str | None = None
    flip: bool = False
    workers: int = 0

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise ValueError(f"workers is {self.workers}; it must not be negative (0 reads in the main process)")

    @property
    def is_local(self) -> bool:
        """Whether it is read from files that the user has."""
        return self.name in _LOCAL


_LOCAL = ("mnist", "fashion-mnist", "cifar10", "folder", "celeba")


@dataclass(frozen=True)
class Preset:
    """A data set, a system and a way to train it."""

    name: str
    summary: str
    data: DataChoice
    system: SystemConfig
    trainer: TrainerConfig

    def to_json(self) -> dict[str, Any]:
        return {
            "preset": self.name,
            "data": dataclasses.asdict(self.data),
            "system": self.system.to_json(),
            "trainer": self.trainer.to_json(),
        }


# -- the table --------------------------------------------------------------------------------------------------------

# What each set is to the networks: side, channels, classes.  Sides and classes of a folder are found when it is read.
_SETS: dict[str, tuple[DataChoice, int, int, int | None, str]] = {
    "digits": (DataChoice("digits"), 8, 1, 10, "1,797 handwritten digits, 8x8, that come with scikit-learn"),
    "glyphs": (DataChoice("glyphs", 32, 3), 32, 3, 62, "letters and digits drawn on the fly, 32x32 or 64x64, endless"),
    "mnist": (DataChoice("mnist", 28), 28, 1, 10, "MNIST from local IDX files, 28x28"),
    "cifar10": (DataChoice("cifar10", flip=True, workers=2), 32, 3, 10, "CIFAR-10 from local files, 32x32"),
    "folder": (DataChoice("folder", 64, 3, flip=True, workers=2), 64, 3, None, "a folder of images, 64x64"),
}


def _vae(name: str, size: int, channels: int, classes: int | None) -> tuple[SystemConfig, TrainerConfig]:
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
        widths=(32, 64) if size < 32 else (32, 64, 128) if size < 64 else (32, 64, 128, 256),
    )
    return system, TrainerConfig(20_000, 128, lr=1e-3, warmup=500, clip=1000.0, validate_every=2000, preview_every=2000)


def _onestep(name: str, size: int, channels: int, classes: int | None) -> tuple[SystemConfig, TrainerConfig]:
    if name == "digits":
        system = OneStepConfig(size, channels, classes, alpha=0.3, widths=(32, 64))
        return system, TrainerConfig(
            3000, 128, lr=2e-3, warmup=100, log_every=100, validate_every=500, preview_every=1000
        )
    system = OneStepConfig(size, channels, classes, alpha=0.3, widths=(32, 64, 128)[: 2 if size < 32 else 3])
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


def _ddpm(name: str, size: int, channels: int, classes: int | None) -> tuple[SystemConfig, TrainerConfig]:
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
    system = DDPMConfig(
        size,
        channels,
        classes,
        conditional=conditional,
        widths=(128, 256, 256) if large else (64, 128, 128),
        attention=(size // 2, size // 4) if large else (size // 4,),
        head_channels=64,
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


def _vqvae(name: str, size: int, channels: int, classes: int | None) -> tuple[SystemConfig, TrainerConfig]:
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
    levels = 2 if size <= 32 else 3
    system = VQVAESystemConfig(
        size,
        channels,
        classes,
        widths=(64, 128, 256)[:levels],
        blocks=2,
        codes=512,
        code_dim=32,
        conditional=classes is not None,
        prior_width=256,
        prior_depth=6,
        prior_heads=8,
    )
    return system, TrainerConfig(50_000, 128, lr=3e-4, warmup=1000, validate_every=5000, preview_every=5000)


def _latent(name: str, size: int, channels: int, classes: int | None) -> tuple[SystemConfig, TrainerConfig]:
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
    levels = 1 if size < 32 else 2
    system = LatentConfig(
        size,
        channels,
        classes,
        conditional=conditional,
        latent_dim=4,
        compressor_widths=(64, 128)[:levels],
        compressor_blocks=2,
        compressor_steps=20_000,
        widths=(128, 256) if size >= 32 else (64, 128),
        attention=(size >> (levels + 1),),
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


_FAMILIES: dict[str, tuple[Callable[[str, int, int, int | None], tuple[SystemConfig, TrainerConfig]], str]] = {
    "vae": (_vae, "VAE and beta-VAE"),
    "onestep": (_onestep, "encoder-free one-step model"),
    "ddpm": (_ddpm, "U-Net diffusion, class-conditional where there are labels"),
    "vqvae": (_vqvae, "VQ-VAE with a prior over its codes"),
    "latent": (_latent, "latent diffusion: compressor first, then diffusion inside"),
}


def _mixture() -> Preset:
    trainer = TrainerConfig(
        4000,
        2048,
        lr=2e-3,
        warmup=200,
        ema=(WarmupDecay(0.999),),
        log_every=200,
        checkpoint_every=2000,
        preview_every=2000,
    )
    # v, not eps: x_0 = (x_T - sigma eps) / sqrt(alpha_bar_T) would multiply the network's error by 180 at t = T
    system = MixtureConfig(2, 2, None, timesteps=200, schedule="linear", prediction="v")
    return Preset(
        "mixture-ddpm",
        "diffusion on 2-D Gaussian mixtures with the exact oracle beside it",
        DataChoice("mixture:ring8"),
        system,
        trainer,
    )


def _celeba() -> Preset:
    system = VAESystemConfig(
        64, 3, 2, encoder="cnn", likelihood="bernoulli", latent_dim=128, widths=(32, 64, 128, 256), blocks=0
    )
    trainer = TrainerConfig(50_000, 128, lr=5e-4, warmup=500, clip=10_000.0, validate_every=5000, preview_every=5000)
    data = DataChoice("celeba", 64, 3, label="Smiling", flip=True, workers=2)
    return Preset(
        "celeba64-vae", "convolutional VAE, 128 latents, on 64x64 faces from a local folder", data, system, trainer
    )


def preset_names() -> list[str]:
    """Every preset, in the order of the table."""
    names = [f"{data}-{family}" for data in _SETS for family in _FAMILIES]
    names.insert(names.index("digits-vqvae"), "mixture-ddpm")
    return [*names, "celeba64-vae"]


def preset(name: str) -> Preset:
    """The preset of a name.

    Raises:
        ValueError: unknown; the message suggests the nearest.
    """
    if name not in preset_names():
        near = difflib.get_close_matches(name, preset_names(), n=2, cutoff=0.4)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"unknown preset {name!r}{hint} `threefold train --help` lists them all")
    if name == "mixture-ddpm":
        return _mixture()
    if name == "celeba64-vae":
        return _celeba()
    set_name, _, family = name.partition("-")
    data, size, channels, classes, what = _SETS[set_name]
    make, words = _FAMILIES[family]
    system, trainer = make(set_name, size, channels, classes)
    return Preset(name, f"{words}; {what}", data, system, trainer)


# -- overrides --------------------------------------------------------------------------------------------------------

# Written beside the fields: which average, and its decay.
_BESIDE: dict[str, Any] = {"ema": Literal["none", "constant", "warmup", "power"], "ema_decay": float}
_FROM_DATA = ("classes", "weights", "means", "variances")


def read_field(chosen: Preset, name: str, text: str) -> Any:
    """What `name=text` means for a field of this preset, as `override` takes it.

    Raises:
        ValueError: no such field, or a text that the field cannot be.
    """
    return read_value(name, text, _declared(chosen, name))


def override(chosen: Preset, changes: Mapping[str, Any]) -> Preset:
    """The preset with fields changed by name; a name is looked up in the system, then the trainer, then the data.

    `ema` takes none, constant, warmup or power; `ema_decay` its decay.  `image_size` and `channels` change data
    and system.

    Raises:
        ValueError: no such field in this preset, or a value or combination that cannot work.
    """
    changes = dict(changes)
    for name, value in changes.items():
        check_value(name, value, _declared(chosen, name))
        _refuse_what_data_says(chosen, name, value)
    groups: dict[str, dict[str, Any]] = {"system": {}, "trainer": {}, "data": {}}
    if "ema" in changes or "ema_decay" in changes:
        groups["trainer"]["ema"] = _ema(chosen, changes.pop("ema", None), changes.pop("ema_decay", None))
    for name in ("image_size", "channels"):
        if name in changes:
            groups["data"][name] = groups["system"][name] = changes.pop(name)
    for name, value in changes.items():
        groups[_group(chosen, name)][name] = value
    system = dataclasses.replace(chosen.system, **groups["system"])
    for name, with_what in system.unused().items():
        if groups["system"].get(name, getattr(chosen.system, name)) != getattr(chosen.system, name):
            raise ValueError(f"{_option(name)} has no meaning with {with_what}; leave out one of the two")
    return dataclasses.replace(
        chosen,
        system=system,
        trainer=dataclasses.replace(chosen.trainer, **groups["trainer"]),
        data=dataclasses.replace(chosen.data, **groups["data"]),
    )


def _group(chosen: Preset, name: str) -> str:
    """Which part of the preset has the field: system, trainer or data."""
    for group in ("system", "trainer", "data"):
        if name in {field.name for field in dataclasses.fields(getattr(chosen, group))}:
            return group
    raise ValueError(f"{chosen.name} has no {_option(name)}; {_who_has(name)}")


def _declared(chosen: Preset, name: str) -> Any:
    """The type of a field."""
    return _BESIDE[name] if name in _BESIDE else get_type_hints(type(getattr(chosen, _group(chosen, name))))[name]


def _refuse_what_data_says(chosen: Preset, name: str, value: Any) -> None:
    """Refuse a field that the data decides, so that no value is taken and then not used."""
    if name in _FROM_DATA:
        raise ValueError(f"{name} of {chosen.name} comes from its data and cannot be set; leave it out")
    if name in ("image_size", "channels") and isinstance(chosen.system, MixtureConfig):
        raise ValueError(f"{chosen.name} is of points, not of images; leave out {name}")
    if name == "image_size" and chosen.data.image_size is None:
        raise ValueError(
            f"the images of {chosen.name} have one size only ({chosen.system.image_size}); leave out image_size"
        )
    if name == "channels" and chosen.data.channels is None:
        raise ValueError(
            f"the channels of {chosen.name} are those of its data ({chosen.system.channels}); leave it out"
        )
    if name == "name" and not (isinstance(chosen.system, MixtureConfig) and value.startswith("mixture:")):
        raise ValueError(
            f"{chosen.name} is trained on {chosen.data.name}, not on {value}; choose the preset of that data"
        )


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _who_has(name: str) -> str:
    having = [
        known for known in preset_names() if name in {field.name for field in dataclasses.fields(preset(known).system)}
    ]
    return f"it belongs to {', '.join(having[:6])}" if having else "no preset has it"


def _ema(chosen: Preset, kind: str | None, decay: float | None) -> tuple[Any, ...]:
    present = chosen.trainer.ema[0] if chosen.trainer.ema else WarmupDecay()
    if kind is None:
        kind = "constant" if isinstance(present, ConstantDecay) else "warmup"
    if kind == "none":
        if decay is not None:
            raise ValueError("--ema none keeps no average, so --ema-decay has no meaning; leave out one of the two")
        return ()
    if kind == "power":
        if decay is not None:
            raise ValueError("--ema power has no decay: its width is chosen after training, with sample --ema-width")
        return (PowerFunction(0.05), PowerFunction(0.10))
    beta = decay if decay is not None else getattr(present, "beta", 0.999)
    return (ConstantDecay(beta),) if kind == "constant" else (WarmupDecay(beta),)
