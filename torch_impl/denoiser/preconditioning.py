"""Scales around a network that keep what it sees and what it is asked for at unit variance at every noise level.

On the path x = x_0 + sigma noise of data with standard deviation sigma_data,
    D(x; sigma) = c_skip x + c_out F(c_in x; c_noise)
predicts x_0 (Karras et al. 2022, table 1 and appendix B.6).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

__all__ = ["Preconditioning"]


@dataclass(frozen=True)
class Preconditioning:
    """The four scales of a network F(x, c_noise); sigma has a shape that broadcasts against x, and is positive.

    ValueError unless sigma_data is positive and finite.
    """

    sigma_data: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.sigma_data < math.inf:
            raise ValueError(f"sigma_data = {self.sigma_data!r}, but a standard deviation is positive and finite")

    def skip(self, sigma: Tensor) -> Tensor:
        """c_skip = sigma_data^2 / (sigma^2 + sigma_data^2), for which c_out is least."""
        return self.sigma_data**2 / (sigma**2 + self.sigma_data**2)

    def out(self, sigma: Tensor) -> Tensor:
        """c_out = sigma sigma_data / sqrt(sigma^2 + sigma_data^2)."""
        return sigma * self.sigma_data / (sigma**2 + self.sigma_data**2).sqrt()

    def into(self, sigma: Tensor) -> Tensor:
        """c_in = 1 / sqrt(sigma^2 + sigma_data^2)."""
        return (sigma**2 + self.sigma_data**2).rsqrt()

    def noise(self, sigma: Tensor) -> Tensor:
        """c_noise = log(sigma) / 4, what the network is told instead of a time; shape of sigma."""
        return 0.25 * sigma.log()

    def weight(self, sigma: Tensor) -> Tensor:
        """The weight 1 / c_out^2 on the squared error of x_0 that makes it the plain squared error of F."""
        return self.out(sigma) ** -2

    def denoiser(self, network: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
        """D(x, sigma), the predicted x_0, from F(c_in x, c_noise)."""

        def predict(x: Tensor, sigma: Tensor) -> Tensor:
            scaled = network(self.into(sigma) * x, self.noise(sigma))
            return self.skip(sigma) * x + self.out(sigma) * scaled

        return predict

    def target(self, x0: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
        """What F should return for x = x_0 + sigma noise: (x_0 - c_skip x) / c_out."""
        return (x0 - self.skip(sigma) * (x0 + sigma * noise)) / self.out(sigma)
