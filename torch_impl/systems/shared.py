"""What the configs of several systems share: a U-Net on pixels, and a law of points with an MLP."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

from torch_impl.networks import UNetConfig
from torch_impl.systems.config import SystemConfig
from torch_impl.systems.levels import unet_levels
from torch_impl.training.fields import option

__all__ = ["OnPoints", "WithUNet"]


@dataclass(frozen=True)
class WithUNet(SystemConfig):
    """A plain U-Net that is told the class or not: `conditional` and `label_drop` say so."""

    conditional: bool = option(False, "Tell the model the class, or not.", flag="--conditional/--unconditional")
    label_drop: float = option(0.1, "Probability of hiding the class, for guidance.", least=0, most=1)
    widths: tuple[int, ...] = option((32, 64), "Widths of the U-Net, a level each.")
    blocks: int = option(2, "Its residual blocks a level.")
    attention: tuple[int, ...] = option((), "Sides, in pixels, at which it has attention.")
    head_channels: int = option(32, "Channels of a head of its attention.")
    dropout: float = option(0.0, "Dropout.")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.network()

    def network(self) -> UNetConfig:
        return UNetConfig(
            image_size=self.image_size,
            in_channels=self.channels,
            channels=self.widths,
            blocks_per_level=self.blocks,
            attention=self.attention,
            head_channels=self.head_channels,
            num_classes=self.classes if self.conditional else None,
            dropout=self.dropout,
        )

    def at_side(self, size: int) -> Self:
        widths, attention = unet_levels(size)
        return dataclasses.replace(self, image_size=size, widths=widths, attention=attention)

    @classmethod
    def small(cls) -> Self:
        return cls(widths=(8,), blocks=1)


@dataclass(frozen=True)
class OnPoints(SystemConfig):
    """Points whose law is part of the config: weights (K,), means (K, 2), variances (K, 2); an MLP on them."""

    unit = "points"
    laws = "mixture:"

    weights: tuple[float, ...] = (0.5, 0.5)
    means: tuple[tuple[float, ...], ...] = ((-1.0, 0.0), (1.0, 0.0))
    variances: tuple[tuple[float, ...], ...] = ((0.1, 0.1), (0.1, 0.1))
    width: int = option(128, "Width of the MLP.")
    depth: int = option(4, "Its layers.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= len(self.weights) <= 1000:
            raise ValueError(f"the mixture has {len(self.weights)} components; it must have 1 to 1000")

    def fitted(self, data: Any) -> Self:
        """The config with the law of the data."""
        law = {name: _nested(getattr(data, name).double().tolist()) for name in ("weights", "means", "variances")}
        return dataclasses.replace(self, classes=len(law["weights"]), **law)


def _nested(value: Any) -> Any:
    return tuple(_nested(item) for item in value) if isinstance(value, list) else value
