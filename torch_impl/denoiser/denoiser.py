"""A network seen as a denoiser: its output as predicted x_0 and noise, clipped if asked."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from torch_impl.process.gaussian import GaussianProcess
from torch_impl.process.parameterization import Model
from torch_impl.process.schedule import Level

Clip = bool | Callable[[Tensor], Tensor]


def dynamic_threshold(quantile: float = 0.995, floor: float = 1.0) -> Callable[[Tensor], Tensor]:
    """A clip that limits each example to its own `quantile` of |x_0| and rescales it to [-floor, floor].

    The limit is never below `floor`, so an example already inside is left alone (Saharia et al. 2022, section 2.3).
    """
    if not 0 < quantile <= 1:
        raise ValueError(f"quantile = {quantile!r} is outside (0, 1]")

    def clip(x0: Tensor) -> Tensor:
        size = _row_quantile(x0.flatten(1).abs().to(torch.float32), quantile)
        limit = size.to(x0.dtype).clamp_min(floor).view(-1, *(1,) * (x0.ndim - 1))
        return x0.clamp(-limit, limit) * (floor / limit)

    return clip


def _row_quantile(x: Tensor, q: float) -> Tensor:
    """Quantile of each row, linear between order statistics; torch's own takes rows of at most 2^24 entries."""
    entries = x.shape[1]
    if entries <= 2**24:
        return x.quantile(q, dim=1)
    below, fraction = divmod(q * (entries - 1), 1.0)
    rank = int(below) + 1
    low, high = (x.kthvalue(min(k, entries), dim=1).values for k in (rank, rank + 1))
    return torch.where(x.isnan().any(dim=1), torch.nan, torch.lerp(low, high, fraction))


@dataclass(frozen=True)
class Denoiser:
    """A network under a diffusion, asked at one time for all examples.

    clip: False, True (to [-1, 1]) or a function of x_0. The noise direction stays the network's own unless
    `rederive_eps`, which recomputes it from the clipped x_0 (`ddpm.sampling.clip_x0`).
    """

    model: Model
    diffusion: GaussianProcess
    clip: Clip = False
    rederive_eps: bool = False

    def output(self, x: Tensor, t: int) -> Tensor:
        """The network's raw output at time t = 1..T, with its shape checked."""
        output = self.model(x, torch.full(x.shape[:1], t, device=x.device))
        if output.shape != x.shape and self.diffusion.variance != "learned":
            raise ValueError(
                f"the model returned shape {tuple(output.shape)} at t = {t} for x of shape {tuple(x.shape)}"
            )
        return output

    def __call__(self, x: Tensor, t: int) -> tuple[Tensor, Tensor]:
        """Predicted x_0 (clipped if asked) and predicted noise."""
        return self.split(x, t, self.output(x, t))

    def split(self, x: Tensor, t: int, output: Tensor) -> tuple[Tensor, Tensor]:
        """x_0 and noise of an output."""
        x0 = self.diffusion.to_x0(output, x, t)
        if self.clip is False:
            return x0, self.diffusion.to_eps(output, x, t)
        x0 = x0.clamp(-1, 1) if self.clip is True else self.clip(x0)
        if not self.rederive_eps:
            return x0, self.diffusion.to_eps(output, x, t)
        level = self.level(t)
        return x0, (x - level.signal * x0) / level.sigma

    def score(self, x: Tensor, t: int) -> Tensor:
        """grad log q_t as the network sees it, -eps / sigma."""
        return self(x, t)[1] / -self.level(t).sigma

    def level(self, t: int) -> Level:
        return self.diffusion.schedule.level(t)

    def linear(self, t: int, of_x0: float, of_eps: float) -> tuple[float, float]:
        """(A, B) with of_x0 x_0_hat + of_eps eps_hat = A x_t + B output, where nothing is clipped."""
        x0, eps = self.diffusion.tables.floats("x0", t), self.diffusion.tables.floats("eps", t)
        return of_x0 * x0[0] + of_eps * eps[0], of_x0 * x0[1] + of_eps * eps[1]
