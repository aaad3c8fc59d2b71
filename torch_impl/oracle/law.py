"""What is known exactly about a data law under a schedule: densities, best predictors, best losses.

With x_t = a x_0 + s eps the best predictors are conditional expectations given x_t. They give
a training run its distance from the best loss anyone could reach, and samplers and likelihoods a truth to be tested
against. Sums are taken in float64 whatever the dtype of the input (float32 where a device has no float64).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from torch_impl.diffusion import GaussianDiffusion
from torch_impl.objectives.weights import Weighting
from torch_impl.process.parameterization import Prediction, check_prediction
from torch_impl.process.schedule import NoiseSchedule
from torch_impl.process.tables import Time, as_time

Numbers = Tensor | np.ndarray | Sequence[float] | Sequence[Sequence[float]] | float


class Oracle(ABC):
    """A known data law under a schedule.

    x has shape (batch, *event); t is an int or an integer tensor (batch,), 0..T.
    """

    event: torch.Size
    schedule: NoiseSchedule | None

    @abstractmethod
    def log_prob(self, x: Tensor, t: Time | None = None) -> Tensor:
        """log q_t(x) in nats, summed over dimensions, shape (batch,); t = None and t = 0 are the data law itself."""

    @abstractmethod
    def denoiser(self, x_t: Tensor, t: Time) -> Tensor:
        """E[x_0 | x_t], shape of x_t."""

    @abstractmethod
    def noise(self, x_t: Tensor, t: Time) -> Tensor:
        """E[eps | x_t], shape of x_t."""

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n draws from the data law, float64, shape (n, *event)."""

    @abstractmethod
    def denoising_error(self, t: int) -> tuple[float, float]:
        """E ||x_0 - E[x_0 | x_t]||^2 summed over dimensions, and the standard error of the figure (0 where exact)."""

    def score(self, x_t: Tensor, t: Time) -> Tensor:
        """grad log q_t(x_t) = -E[eps | x_t] / s (`score.marginal_identity`); needs s > 0."""
        _, s = self.levels(t, x_t, lowest=1)
        return (-self.noise(x_t, t).to(s.dtype) / s).to(x_t.dtype)

    def velocity(self, x_t: Tensor, t: Time) -> Tensor:
        """E[v | x_t] = a E[eps | x_t] - s E[x_0 | x_t]."""
        a, s = self.levels(t, x_t)
        return (a * self.noise(x_t, t) - s * self.denoiser(x_t, t)).to(x_t.dtype)

    def model(self, prediction: Prediction = "eps") -> Callable[[Tensor, Tensor], Tensor]:
        """The best network there is, as a function (x_t, t) -> prediction."""
        heads = {"eps": self.noise, "x0": self.denoiser, "v": self.velocity, "score": self.score}
        return heads[check_prediction(prediction)]

    def best_loss(self, t: Time, prediction: Prediction = "eps") -> Tensor:
        """The smallest mean squared error per element that any network can reach at time t, float64, shape of t.

        E||x_0 - E[x_0|x_t]||^2 / d carried to the prediction's units (`ddpm.loss.eps_x0_equivalence`,
        `ddpm.parameterization.v_loss`). See `denoising_error` for how exact the figure is.
        """
        schedule = self.require_schedule()
        step = as_time(t, 1, schedule.T)
        times = [step] if isinstance(step, int) else [int(i) for i in step.reshape(-1).tolist()]
        errors = {i: self.denoising_error(i)[0] / max(self.event.numel(), 1) for i in set(times)}
        scale = {i: _units(schedule, i, check_prediction(prediction)) for i in errors}
        values = torch.tensor([errors[i] * scale[i] for i in times], dtype=torch.float64)
        return values[0] if isinstance(step, int) else values.view(step.shape)

    def best_training_loss(
        self, diffusion: GaussianDiffusion, weighting: Weighting = "simple", times: Sequence[int] | None = None
    ) -> float:
        """The smallest value of `diffusion.loss` averaged over uniform t in 1..T (or over the given times)."""
        chosen = list(times) if times is not None else list(range(1, diffusion.T + 1))
        oracle = self if self.schedule is diffusion.schedule else self.under(diffusion.schedule)
        errors = oracle.best_loss(torch.tensor(chosen), diffusion.prediction)
        return float((diffusion.weight(weighting)[torch.tensor(chosen)] * errors).mean())

    @abstractmethod
    def under(self, schedule: NoiseSchedule) -> "Oracle":
        """The same law under a schedule."""

    def require_schedule(self) -> NoiseSchedule:
        if self.schedule is None:
            raise ValueError(
                "no schedule was given, so t has no meaning; build the oracle with schedule=... or use .under(schedule)"
            )
        return self.schedule

    def levels(self, t: Time | None, x: Tensor, lowest: int = 0) -> tuple[Tensor, Tensor]:
        """a and s in working precision, shaped to broadcast against x."""
        dtype = working_dtype(x.device)
        if t is None:
            return x.new_ones((), dtype=dtype), x.new_zeros((), dtype=dtype)
        schedule = self.require_schedule()
        step = as_time(t, lowest, schedule.T)
        if isinstance(step, Tensor) and step.ndim:
            if step.shape != x.shape[:1]:
                raise ValueError(
                    f"t has shape {tuple(step.shape)}, but x has shape {tuple(x.shape)}; give one time per example"
                )
            step = step.view(-1, *(1,) * (x.ndim - 1))
        return schedule.signal(step).to(x.device, dtype), schedule.sigma(step).to(x.device, dtype)

    def check(self, x: Tensor) -> None:
        if not isinstance(x, Tensor) or not x.is_floating_point():
            raise TypeError("x must be a floating-point tensor")
        if x.shape[1:] != self.event:
            raise ValueError(
                f"x has shape {tuple(x.shape)}, but this law is over shape (batch, {', '.join(map(str, self.event))})"
            )


def _units(schedule: NoiseSchedule, t: int, prediction: Prediction) -> float:
    """The factor from the squared error of x_0 to that of the prediction."""
    snr, noise = float(schedule.snr(t)), float(schedule.one_minus_alpha_bar(t))
    return {"x0": 1.0, "eps": snr, "v": 1 / noise, "score": snr / noise}[prediction]


def working_dtype(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def finite(values: Numbers, name: str) -> Tensor:
    tensor = torch.as_tensor(values, dtype=torch.float64).detach().cpu()
    if not torch.isfinite(tensor).all():
        raise ValueError(f"{name} holds NaN or infinity; finite numbers are needed")
    return tensor
