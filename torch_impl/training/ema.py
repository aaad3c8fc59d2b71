"""Exponential moving averages of weights: constant, warmed up, and power functions with post-hoc reconstruction.

The average lives in a second module, the *shadow*, and nowhere else: training weights are read, never written.  Names
are matched on every update after the prefixes of wrappers (`_orig_mod.` of `torch.compile`, `module.` of DDP)
are taken off, and an update that finds a name missing raises instead of silently averaging nothing.

Update n = 1, 2, ... of every profile is  theta_ema <- beta(n) theta_ema + (1 - beta(n)) theta_n.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from torch_impl.training.fields import check_value

__all__ = [
    "EMA",
    "ConstantDecay",
    "PowerFunction",
    "Profile",
    "Snapshot",
    "WarmupDecay",
    "canonical_name",
    "gamma_from_sigma_rel",
    "local_part",
    "profile_from_json",
    "profile_to_json",
    "reconstruct",
    "reconstruction_weights",
    "sigma_rel_from_gamma",
    "unwrap",
]


# -- profiles ---------------------------------------------------------------------------------------------------------


class Profile(Protocol):
    """How much of the old average survives update n (n = 1, 2, ...)."""

    def decay(self, n: int) -> float: ...


@dataclass(frozen=True)
class ConstantDecay:
    """beta(n) = beta, with beta(1) = 0: the average starts at the first weights given, not at the initialisation."""

    beta: float = 0.999

    def __post_init__(self) -> None:
        if not 0.0 <= self.beta < 1.0:
            raise ValueError(f"EMA decay is {self.beta}; it must lie in [0, 1), for example 0.999")

    def decay(self, n: int) -> float:
        return 0.0 if n <= 1 else self.beta


@dataclass(frozen=True)
class WarmupDecay:
    """beta(n) = min(beta, 1 - (1 + (n - 1) / inverse_gamma)^(-power)): short memory while the weights still move fast.

    beta(1) = 0.  With inverse_gamma = 1 and power = 3/4 the decay reaches 0.99 at update 464 and 0.999 at update
    10,000.
    """

    beta: float = 0.9999
    inverse_gamma: float = 1.0
    power: float = 0.75

    def __post_init__(self) -> None:
        if not 0.0 <= self.beta < 1.0:
            raise ValueError(f"EMA decay is {self.beta}; it must lie in [0, 1), for example 0.9999")
        if self.inverse_gamma <= 0 or self.power <= 0:
            raise ValueError(
                f"EMA warm-up has inverse_gamma={self.inverse_gamma}, power={self.power}; both must be positive, for "
                f"example 1 and 0.75"
            )

    def decay(self, n: int) -> float:
        return min(self.beta, 1.0 - math.pow(1.0 + max(n - 1, 0) / self.inverse_gamma, -self.power))


@dataclass(frozen=True)
class PowerFunction:
    """beta(n) = (1 - 1/n)^(gamma + 1): the average weights theta_k in proportion to k^gamma.

    Karras et al. 2024 (EDM2), eq. 127. `sigma_rel` is the standard deviation of that profile as a share of the training
    time; it stays the same however long one trains.  After n updates theta_k carries exactly
    (k^(gamma+1) - (k-1)^(gamma+1)) / n^(gamma+1).
    """

    sigma_rel: float = 0.05

    def __post_init__(self) -> None:
        gamma_from_sigma_rel(self.sigma_rel)

    @property
    def gamma(self) -> float:
        return gamma_from_sigma_rel(self.sigma_rel)

    def decay(self, n: int) -> float:
        return 0.0 if n <= 1 else math.pow(1.0 - 1.0 / n, self.gamma + 1.0)

    def weight(self, k: int, n: int) -> float:
        """Share of the weights of update k in the average after n updates; 1 <= k <= n; the shares sum to one."""
        power = self.gamma + 1.0
        return math.pow(k / n, power) - math.pow((k - 1) / n, power)


_LARGEST_SIGMA_REL = 1.0 / math.sqrt(12.0)  # gamma = 0, the uniform average


def sigma_rel_from_gamma(gamma: float) -> float:
    """sigma_rel^2 = (gamma + 1) / ((gamma + 2)^2 (gamma + 3))  (EDM2, eq. 123)."""
    return math.sqrt((gamma + 1.0) / ((gamma + 2.0) ** 2 * (gamma + 3.0)))


def gamma_from_sigma_rel(sigma_rel: float) -> float:
    """Inverse of `sigma_rel_from_gamma` on gamma >= 0.

    It is the largest root of gamma^3 + 7 gamma^2 + (16 - s) gamma + (12 - s), s = 1 / sigma_rel^2.
    """
    if not 0.0 < sigma_rel <= _LARGEST_SIGMA_REL + 1e-12:
        raise ValueError(
            f"sigma_rel is {sigma_rel}; it must lie in (0, {_LARGEST_SIGMA_REL:.4f}], where the upper end is the "
            f"uniform average; try 0.05 or 0.10"
        )
    s = sigma_rel**-2.0
    roots = np.roots([1.0, 7.0, 16.0 - s, 12.0 - s])
    return max(0.0, float(roots.real.max()))


def profile_to_json(profile: ConstantDecay | WarmupDecay | PowerFunction) -> dict[str, Any]:
    return {"kind": type(profile).__name__, **asdict(profile)}


def profile_from_json(data: Mapping[str, Any]) -> ConstantDecay | WarmupDecay | PowerFunction:
    kinds = {kind.__name__: kind for kind in (ConstantDecay, WarmupDecay, PowerFunction)}
    arguments = dict(data) if isinstance(data, Mapping) else {}
    kind = arguments.pop("kind", None)
    if not isinstance(kind, str) or kind not in kinds:
        raise ValueError(f"EMA profile kind is {kind!r}; known kinds are {', '.join(kinds)}")
    try:
        for name, value in arguments.items():
            check_value(name, value, float)
        return kinds[kind](**arguments)
    except TypeError as error:
        raise ValueError(f"EMA profile {kind} cannot be had: {error}") from None


# -- names ------------------------------------------------------------------------------------------------------------


def unwrap(module: nn.Module) -> nn.Module:
    """The module inside any nest of `torch.compile` and data-parallel wrappers."""
    while True:
        inner = getattr(module, "_orig_mod", None)
        if inner is None and isinstance(module, nn.parallel.DistributedDataParallel):
            inner = module.module
        if not isinstance(inner, nn.Module):
            return module
        module = inner


def canonical_name(name: str) -> str:
    """A parameter's name without the `_orig_mod` parts that compiling a module (or any child of it) inserts."""
    return ".".join(part for part in name.split(".") if part != "_orig_mod")


def _named(module: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    inner = unwrap(module)
    parameters: dict[str, Tensor] = {canonical_name(name): tensor for name, tensor in inner.named_parameters()}
    buffers = {canonical_name(name): tensor for name, tensor in inner.named_buffers()}
    return parameters, buffers


class _Contents:
    """The tensors of a module by canonical name, and a quick way to see that they are still the same ones.

    Names are slow to build: for a U-Net of 300 tensors, longer than averaging takes on a GPU.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.parameters, self.buffers = _named(module)
        self._modules = list(unwrap(module).modules())
        self._seen = self._identities()
        self._traits = self._shapes()

    def _identities(self) -> list[int]:
        return [
            id(part)
            for module in self._modules
            for held in (module._parameters, module._buffers, module._modules)
            for part in held.values()
        ]

    def _shapes(self) -> list[tuple[torch.Size, bool]]:
        return [(parameter.shape, parameter.requires_grad) for parameter in self.parameters.values()]

    def still_of(self, module: nn.Module) -> bool:
        """Whether these are the tensors of the module now: none replaced, added, taken away, reshaped or frozen."""
        return module is self.module and self._identities() == self._seen and self._shapes() == self._traits


def local_part(tensor: Tensor) -> Tensor:
    """The part of a tensor that lives on this process: a DTensor's shard, or the tensor itself."""
    to_local = None if type(tensor) in (Tensor, nn.Parameter) else getattr(tensor, "to_local", None)
    return tensor if to_local is None else to_local()


def _without_compiled_children(module: nn.Module) -> nn.Module:
    module = unwrap(module)
    for name, child in module.named_children():
        plain = _without_compiled_children(child)
        if plain is not child:
            setattr(module, name, plain)
    return module


# -- the average ------------------------------------------------------------------------------------------------------


class EMA:
    """A moving average of a module's weights, kept in float32 in a module of its own.

    `ema.module` is that module, in eval mode, without gradients: sample and evaluate with it directly.  Trainable
    parameters are averaged (one foreach kernel), buffers are copied, frozen parameters are copied at the first update.

    Args:
        module: the training module; wrapped or not.
        profile: `ConstantDecay`, `WarmupDecay` or `PowerFunction`.
        shadow: the module to hold the average, where a deep copy will not do (sharded modules).

    Raises:
        ValueError: at an update whose names or shapes differ from those at construction, or when the shadow shares
            memory with the training weights.
    """

    def __init__(
        self,
        module: nn.Module,
        profile: ConstantDecay | WarmupDecay | PowerFunction | None = None,
        *,
        shadow: nn.Module | None = None,
    ) -> None:
        self.profile = profile if profile is not None else ConstantDecay()
        self.updates = 0
        if shadow is None:
            shadow = _without_compiled_children(copy.deepcopy(unwrap(module)))
            for parameter in shadow.parameters():
                if parameter.is_floating_point():
                    parameter.data = parameter.data.float()
        self.module = shadow.eval().requires_grad_(False)
        self._parameters, self._buffers = _named(self.module)
        self._followed: _Contents | None = None
        self._all: list[tuple[Tensor, Tensor]] = []
        self._averaged: list[tuple[Tensor, Tensor]] = []
        self._copied: list[tuple[Tensor, Tensor]] = []
        self._refuse_shared_memory(module)

    def _refuse_shared_memory(self, module: nn.Module) -> None:
        parameters, _ = _named(module)
        for name, tensor in parameters.items():
            mine = self._parameters.get(name)
            if mine is None or not local_part(mine).numel():
                continue
            if local_part(mine).data_ptr() == local_part(tensor).data_ptr():
                raise ValueError(
                    f"the average of {name!r} shares memory with the training weight; give EMA a module of its own"
                )

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """One update with the present weights of `module`: shadow <- beta shadow + (1 - beta) weights."""
        if self._followed is None or not self._followed.still_of(module):
            self._follow(module)
        self.updates += 1
        weight = 1.0 - self.profile.decay(self.updates)
        if weight == 1.0:
            torch._foreach_copy_(
                [local_part(mine) for mine, _ in self._all], [local_part(theirs) for _, theirs in self._all]
            )
        elif self._averaged:
            shadows = [local_part(mine) for mine, _ in self._averaged]
            weights = [local_part(theirs) for _, theirs in self._averaged]
            weights = [w if w.dtype == s.dtype else w.to(s.dtype) for s, w in zip(shadows, weights, strict=True)]
            torch._foreach_lerp_(shadows, weights, weight)
        if self._copied:
            torch._foreach_copy_(
                [local_part(mine) for mine, _ in self._copied], [local_part(theirs) for _, theirs in self._copied]
            )

    def _follow(self, module: nn.Module) -> None:
        """Pair the tensors of a module with the average's, whose names and shapes must be the same."""
        found = _Contents(module)
        if found.parameters.keys() != self._parameters.keys() or found.buffers.keys() != self._buffers.keys():
            ours, theirs = {*self._parameters, *self._buffers}, {*found.parameters, *found.buffers}
            raise ValueError(
                f"EMA cannot follow this module: missing {sorted(ours - theirs)[:3]}, unexpected "
                f"{sorted(theirs - ours)[:3]}; "
                "update with the module (or its compiled or data-parallel wrapper) that the average was built from"
            )
        for name, mine in self._parameters.items():
            if mine.shape != (now := found.parameters[name].shape):
                raise ValueError(f"EMA of {name!r} has shape {tuple(mine.shape)}, the weight {tuple(now)}; rebuild it")
        # the last first: they are what the optimizer has just left in the processor's cache
        self._all = [(mine, found.parameters[name]) for name, mine in reversed(self._parameters.items())]
        self._averaged = [(mine, theirs) for mine, theirs in self._all if theirs.requires_grad]
        self._copied = [(mine, found.buffers[name]) for name, mine in self._buffers.items()]
        self._followed = found

    def state(self) -> dict[str, Tensor]:
        """Every averaged parameter and copied buffer by canonical name (views, not copies)."""
        return {**self._parameters, **self._buffers}

    @torch.no_grad()
    def load_state(self, state: Mapping[str, Tensor], updates: int) -> None:
        """Restore what `state` gave and the number of updates behind it."""
        mine = self.state()
        if state.keys() != mine.keys():
            raise ValueError(
                f"EMA state does not fit: missing {sorted(mine.keys() - state.keys())[:3]}, unexpected "
                f"{sorted(state.keys() - mine.keys())[:3]}"
            )
        for name, tensor in mine.items():
            tensor.copy_(state[name])
        self.updates = updates


# -- post-hoc reconstruction ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Snapshot:
    """A stored power-function average: how many updates it saw, its profile, and its tensors by name."""

    updates: int
    sigma_rel: float
    tensors: Mapping[str, Tensor]


def _inner_products(n_a: np.ndarray, gamma_a: np.ndarray, n_b: np.ndarray, gamma_b: np.ndarray) -> np.ndarray:
    """<p_a, p_b> of the profiles p(t) = (gamma+1) t^gamma / n^(gamma+1) on 0 < t < n, for every pair (EDM2, eq. 151).

    For n_a <= n_b:  (gamma_a+1)(gamma_b+1)/(gamma_a+gamma_b+1) * (n_a/n_b)^gamma_b / n_b.
    """
    n_a, gamma_a = n_a[:, None], gamma_a[:, None]
    n_b, gamma_b = n_b[None, :], gamma_b[None, :]
    earlier_gamma = np.where(n_a <= n_b, gamma_b, gamma_a)
    ratio = np.minimum(n_a, n_b) / np.maximum(n_a, n_b)
    shape = (gamma_a + 1) * (gamma_b + 1) / (gamma_a + gamma_b + 1)
    return np.asarray(shape * ratio**earlier_gamma / np.maximum(n_a, n_b))


def reconstruction_weights(stored: Sequence[tuple[int, float]], *, updates: int, sigma_rel: float) -> np.ndarray:
    """Least-squares weights on stored averages that give the profile (updates, sigma_rel) best (EDM2, Alg. 3)."""
    if not stored:
        raise ValueError("no stored averages to reconstruct from; train with --ema power so that snapshots are written")
    latest = max(n for n, _ in stored)
    if not 1 <= updates <= latest:
        raise ValueError(f"cannot reconstruct the average after {updates} updates; snapshots reach from 1 to {latest}")
    n = np.array([float(count) for count, _ in stored])
    gamma = np.array([gamma_from_sigma_rel(s) for _, s in stored])
    target_n, target_gamma = np.array([float(updates)]), np.array([gamma_from_sigma_rel(sigma_rel)])
    gram = _inner_products(n, gamma, n, gamma)
    right = _inner_products(n, gamma, target_n, target_gamma)
    scale = np.sqrt(np.diag(gram))  # unit diagonal: the system is badly conditioned by length alone otherwise
    solution = np.linalg.lstsq(gram / np.outer(scale, scale), right / scale[:, None], rcond=1e-13)[0][:, 0] / scale
    return np.asarray(solution, dtype=np.float64)


def reconstruct(snapshots: Sequence[Snapshot], *, updates: int, sigma_rel: float) -> dict[str, Tensor]:
    """The weights that a power-function average with `sigma_rel` would have had after `updates` updates.

    Floating tensors are combined in float64 and returned in their own dtype; others come from the latest snapshot.
    """
    weights = reconstruction_weights(
        [(s.updates, s.sigma_rel) for s in snapshots], updates=updates, sigma_rel=sigma_rel
    )
    latest = max(snapshots, key=lambda snapshot: snapshot.updates)
    result: dict[str, Tensor] = {}
    for name, tensor in latest.tensors.items():
        if tensor.is_floating_point():
            total = torch.zeros(tensor.shape, dtype=torch.float64)
            for weight, snapshot in zip(weights, snapshots, strict=True):
                total.add_(snapshot.tensors[name].to(device="cpu", dtype=torch.float64), alpha=float(weight))
            result[name] = total.to(tensor.dtype)
        else:
            result[name] = tensor.clone()
    return result
