"""The training loss of a diffusion: the weighted squared error of what the network predicts, and the times it is at."""

from typing import Literal

import torch
from torch import Tensor

from torch_impl.objectives.bound import bound_term
from torch_impl.objectives.weights import Weighting, weight_at
from torch_impl.ops.combine import coefficient_dtype
from torch_impl.ops.squared_error import mean_dims, mean_squared_error
from torch_impl.process.gaussian import GaussianProcess
from torch_impl.process.parameterization import Model
from torch_impl.process.tables import Time

TimeSampling = Literal["uniform", "stratified"]
Reduction = Literal["mean", "sum", "none"]


def draw_times(
    batch: int, T: int, how: TimeSampling, device: torch.device, generator: torch.Generator | None = None
) -> Tensor:
    """Times in 1..T, shape (batch,), each uniform on 1..T.

    uniform: independent. stratified: one uniform number u shifted by i/batch and wrapped, so that a batch covers 1..T
    evenly and the loss varies less (Kingma et al. 2021, appendix I.1); a single time of it is still uniform.
    """
    if how == "uniform":
        return torch.randint(1, T + 1, (batch,), device=device, generator=generator)
    if how == "stratified":
        u = torch.rand((), device=device, generator=generator, dtype=torch.float32)
        places = torch.remainder(u + torch.arange(batch, device=device) / max(batch, 1), 1.0)
        return (places * T).long().clamp_(max=T - 1) + 1
    raise ValueError(f"t_sampling = {how!r} is not one of 'uniform', 'stratified'")


def diffusion_loss(
    process: GaussianProcess,
    model: Model,
    x0: Tensor,
    t: Time,
    noise: Tensor,
    weighting: Weighting = "simple",
    reduction: Reduction = "mean",
) -> Tensor:
    """The loss at given times and noise: see `GaussianDiffusion.loss`, which draws them where none are given.

    Claims `ddpm.loss.simple`, `ddpm.training.noise`. t has been checked.
    """
    times = t if isinstance(t, Tensor) and t.ndim else torch.full(x0.shape[:1], int(t), device=x0.device)
    x_t = process.q_sample(x0, t, noise)
    output = model(x_t, times)
    if process.variance == "learned":
        return _reduce(learned_variance_loss(process, output, x0, x_t, noise, t, weighting), x0, reduction)
    del x_t  # the network keeps what it needs of it; the next temporary takes its memory, without page faults
    if output.shape != x0.shape:
        raise ValueError(f"the model returned shape {tuple(output.shape)} for data of shape {tuple(x0.shape)}")
    dtype = coefficient_dtype(x0.dtype)
    output, target = output.to(dtype), process.target(x0, noise, t).to(dtype)
    if weighting == "simple" and reduction == "mean":
        return mean_squared_error(output, target)  # 0A32
    error = mean_dims((output - target).square())
    return _reduce(error if weighting == "simple" else error * weight_at(process, weighting, t, error), x0, reduction)


def learned_variance_loss(
    process: GaussianProcess,
    output: Tensor,
    x0: Tensor,
    x_t: Tensor,
    noise: Tensor,
    t: Time,
    weighting: Weighting,
) -> Tensor:
    """Loss of a network that also predicts its variance, mean over elements, shape (batch,).

    "vlb": the term of the bound, nats per dimension. "hybrid": the simple loss plus 0.001 T times that term with the
    mean held fixed, so that the bound trains only the variance (Nichol and Dhariwal 2021, eq. 16).
    """
    dtype = coefficient_dtype(x0.dtype)
    output, x0, x_t, noise = (x.to(dtype) for x in (output, x0, x_t, noise))
    if weighting == "vlb":
        return bound_term(process, output, x0, x_t, t)
    if weighting != "hybrid":
        raise ValueError(
            f"weighting = {weighting!r} leaves the learned variance untrained; use weighting='hybrid' or 'vlb'"
        )
    prediction, fraction = process.split(output, x_t)
    frozen = torch.cat([prediction.detach(), fraction], dim=1)
    simple = mean_dims((prediction - process.target(x0, noise, t)).square())
    return simple + 0.001 * process.T * bound_term(process, frozen, x0, x_t, t)


def _reduce(per_example: Tensor, x0: Tensor, reduction: Reduction) -> Tensor:
    if reduction == "mean":
        return per_example.mean()
    if reduction == "sum":
        return per_example.sum() * (x0.numel() // max(x0.shape[0], 1))
    if reduction == "none":
        return per_example
    raise ValueError(f"reduction = {reduction!r} is not one of 'mean', 'sum', 'none'")
