"""Runge-Kutta methods for dx/dt = u(x, t), backwards in time from noise at t = 1 to data at t = 0, or forwards.

A method is its table: stages at t + c_i h, each from the slopes before it, and the weights of the step.  With fixed
steps, or with steps that the difference of two orders chooses (Dormand and Prince 1980).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from torch_impl.samplers.row import Option

__all__ = ["SOLVERS", "RungeKutta", "adaptive", "integrate", "log_density", "probed_log_density", "solver"]

Field = Callable[[Tensor, Tensor], Tensor]
"""(x, t) -> dx/dt, t of shape (batch,)."""
Callback = Callable[[float, Tensor], None]
Moment = float | Tensor
"""A time or a step: one for all examples, or one for each, (batch,) in float64."""
TOLERANCE = 1e-5


@dataclass(frozen=True)
class RungeKutta:
    """One explicit method by its table; `embedded` are the weights of a second result, which tell the error."""

    name: str
    order: int
    stages: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]
    embedded: tuple[float, ...] = ()

    @property
    def nodes(self) -> tuple[float, ...]:
        return tuple(math.fsum(row) for row in self.stages)

    @property
    def options(self) -> tuple[Option, ...]:
        """What people may set."""
        declared = Option("tolerance", "error of a step, of 1 + |x|, by which its length is chosen")
        return (declared,) if self.embedded else ()

    @property
    def defaults(self) -> dict[str, float]:
        return {"tolerance": TOLERANCE} if self.embedded else {}

    @property
    def evaluations(self) -> int:
        """Of the field, a step."""
        return len(self.weights)

    def slopes(self, field: Field, x: Tensor, t: Moment, h: Moment) -> list[Tensor]:
        """k_i = u(x + h sum_j a_ij k_j, t + c_i h)."""
        found: list[Tensor] = []
        for row, node in zip(self.stages, self.nodes, strict=True):
            at = _combined(x, h, row, found)
            found.append(field(at, torch.as_tensor(t + node * h, device=x.device, dtype=x.dtype).expand(len(x))))
        return found


def _combined(x: Tensor, h: Moment, weights: Sequence[float], slopes: Sequence[Tensor]) -> Tensor:
    """x + h sum_i w_i k_i."""
    for weight, slope in zip(weights, slopes, strict=True):
        if weight:
            scale = h * weight
            x = x + (_beside(scale, x) if isinstance(scale, Tensor) else scale) * slope
    return x


def _beside(value: Tensor, x: Tensor) -> Tensor:
    """One value an example, shaped to be multiplied with x."""
    return value.to(x).view(-1, *(1,) * (x.ndim - 1))


SOLVERS = (
    RungeKutta("euler", 1, ((),), (1.0,)),
    RungeKutta("midpoint", 2, ((), (0.5,)), (0.0, 1.0)),
    RungeKutta("heun", 2, ((), (1.0,)), (0.5, 0.5)),
    RungeKutta("rk4", 4, ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
    RungeKutta(
        "dopri5",
        5,
        (
            (),
            (1 / 5,),
            (3 / 40, 9 / 40),
            (44 / 45, -56 / 15, 32 / 9),
            (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
            (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
            (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
        ),
        (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0.0),
        (5179 / 57600, 0.0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40),
    ),
)


def solver(name: str) -> RungeKutta:
    """The method of a name; ValueError, with the names there are, for any other."""
    for row in SOLVERS:
        if row.name == name:
            return row
    raise ValueError(f"sampler is {name!r}; a flow is solved by {', '.join(row.name for row in SOLVERS)}")


def integrate(
    field: Field, x: Tensor, times: Sequence[float], method: RungeKutta, callback: Callback | None = None
) -> Tensor:
    """x at times[-1] from x at times[0], one step of the method between each two; ValueError for fewer than two."""
    if len(times) < 2:
        raise ValueError(f"times are {list(times)}; a start and an end are needed")
    for t, s in pairwise(times):
        x = _combined(x, s - t, method.weights, method.slopes(field, x, t, s - t))  # 0D02
        if callback:
            callback(s, x)
    return x


def adaptive(
    field: Field,
    x: Tensor,
    start: float,
    end: float,
    tolerance: float = TOLERANCE,
    callback: Callback | None = None,
    most: int = 10_000,
) -> Tensor:
    """x at `end` by Dormand and Prince's pair, each example in steps of its own.

    A step is taken where the root mean square of its error, of tolerance times 1 + |x|, is at most 1; how long it is
    depends on no other example.  `callback` hears the time of the example that is furthest behind.

    Raises:
        ValueError: a tolerance that is not positive.
        RuntimeError: an example needs more than `most` steps: its field is not smooth enough, or not finite.
    """
    if not 0 < tolerance < math.inf:
        raise ValueError(f"tolerance is {tolerance}; an adaptive solver needs a positive one, for example 1e-5")
    method, span = solver("dopri5"), end - start
    left = torch.full((len(x),), span, dtype=torch.float64, device=x.device)
    h = left / 20
    for _ in range(most):
        if not bool(left.any()):
            return x
        h = torch.where(h.abs() < left.abs(), h, left)
        slopes = method.slopes(field, x, end - left, h)
        ahead = _combined(x, h, method.weights, slopes)
        gap = (ahead - _combined(x, h, method.embedded, slopes)) / (1 + torch.maximum(x.abs(), ahead.abs()))
        error = gap.double().flatten(1).square().mean(1).sqrt().nan_to_num(math.inf) / tolerance
        taken = error <= 1
        x = torch.where(_beside(taken, x).bool(), ahead, x)
        left = torch.where(taken, left - h, left)
        h = h * (0.9 * error.pow(-0.2)).clamp(0.2, 5.0)
        if callback:
            callback(end - span * float((left / span).max()), x)
    raise RuntimeError(
        f"{most} steps did not reach t = {end:g} for {int(left.count_nonzero())} of {len(x)} examples; raise the "
        f"tolerance ({tolerance:g})"
    )


def log_density(
    field: Field, x: Tensor, times: Sequence[float], method: RungeKutta, at_end: Callable[[Tensor], Tensor]
) -> Tensor:
    """log p(x) at times[0], nats, shape (batch,): what `at_end` says at times[-1], and the divergence on the way.

    d log p / dt = -div u along the flow, exactly: one backward pass for each dimension.
    """
    axes = torch.eye(x[0].numel(), device=x.device, dtype=x.dtype)
    return _along(field, x, times, method, at_end, axes[:, None].expand(-1, len(x), -1), whole=True)[0]


def probed_log_density(
    field: Field,
    x: Tensor,
    times: Sequence[float],
    method: RungeKutta,
    at_end: Callable[[Tensor], Tensor],
    signs: Tensor,
) -> Tensor:
    """The same with the divergence estimated by random signs (probes, *x.shape), one value a probe: (probes, batch).

    v^T J v has the trace of J as its mean (Hutchinson); the signs stay as they are along the path.
    """
    return _along(field, x, times, method, at_end, signs.flatten(2), whole=False)


def _along(
    field: Field,
    x: Tensor,
    times: Sequence[float],
    method: RungeKutta,
    at_end: Callable[[Tensor], Tensor],
    directions: Tensor,
    whole: bool,
) -> Tensor:
    """Carry x with one divergence for each direction v, v^T J v, or with their sum where it is the `whole` trace."""
    n, dims = len(x), x[0].numel()

    def joint(state: Tensor, t: Tensor) -> Tensor:
        with torch.enable_grad():
            y = state[:, :dims].detach().requires_grad_()
            u = field(y.view_as(x), t).flatten(1)
            found = []
            for k, v in enumerate(directions):
                (row,) = torch.autograd.grad((u * v).sum(), y, retain_graph=k + 1 < len(directions))
                found.append((row * v).sum(1))
        parts = torch.stack(found, dim=1)
        return torch.cat([u.detach(), parts.sum(1, keepdim=True) if whole else parts], dim=1)

    with torch.no_grad():
        state = torch.cat([x.flatten(1), x.new_zeros(n, 1 if whole else len(directions))], dim=1)
        state = integrate(joint, state, times, method)
        return at_end(state[:, :dims].reshape(x.shape)) + state[:, dims:].T
