"""Moving averages against their closed forms."""

from __future__ import annotations

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from torch_impl.training import EMA, ConstantDecay, PowerFunction, Snapshot, WarmupDecay, reconstruct
from torch_impl.training.ema import (
    gamma_from_sigma_rel,
    profile_from_json,
    profile_to_json,
    reconstruction_weights,
    sigma_rel_from_gamma,
)

PROFILES = [ConstantDecay(0.9), WarmupDecay(0.95), PowerFunction(0.05), PowerFunction(0.25)]


def walk(module: nn.Module, steps: int, seed: int = 0):
    """Random walk of a module's weights, as an optimizer would move them."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=generator))
        yield


def trajectory(profile, steps: int) -> tuple[EMA, np.ndarray]:
    module = nn.Linear(3, 2, dtype=torch.float32)
    ema, seen = EMA(module, profile), []
    for _ in walk(module, steps):
        ema.update(module)
        seen.append(module.weight.detach().numpy().astype(np.float64).copy())
    return ema, np.array(seen)


@pytest.mark.parametrize("profile", PROFILES, ids=repr)
def test_average_is_the_weighted_sum_that_its_decays_imply(profile):
    steps = 40
    ema, seen = trajectory(profile, steps)
    decays = np.array([profile.decay(n) for n in range(1, steps + 1)])
    weights = np.array([(1 - decays[k]) * np.prod(decays[k + 1 :]) for k in range(steps)])
    assert np.isclose(weights.sum(), 1.0)
    np.testing.assert_allclose(ema.module.weight.numpy(), np.tensordot(weights, seen, 1), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("sigma_rel", [0.02, 0.05, 0.1, 0.25])
def test_power_function_weights_theta_k_by_k_to_the_gamma(sigma_rel):
    profile, n = PowerFunction(sigma_rel), 200
    decays = np.array([profile.decay(k) for k in range(1, n + 1)])
    from_decays = np.array([(1 - decays[k]) * np.prod(decays[k + 1 :]) for k in range(n)])
    closed_form = np.array([profile.weight(k, n) for k in range(1, n + 1)])
    np.testing.assert_allclose(from_decays, closed_form, rtol=1e-9, atol=1e-300)
    assert closed_form.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("sigma_rel", [0.01, 0.05, 0.1, 0.2, 0.28])
def test_sigma_rel_is_the_standard_deviation_of_the_profile(sigma_rel):
    gamma = gamma_from_sigma_rel(sigma_rel)
    assert sigma_rel_from_gamma(gamma) == pytest.approx(sigma_rel, rel=1e-9)
    # moments of the density (gamma + 1) u^gamma on [0, 1], by quadrature
    u = (np.arange(400_000) + 0.5) / 400_000
    density = (gamma + 1) * u**gamma
    mean = (u * density).mean()
    assert np.sqrt(((u - mean) ** 2 * density).mean()) == pytest.approx(sigma_rel, rel=1e-5)


@pytest.mark.parametrize("sigma_rel", [0.0, -0.1, 0.3, float("nan")])
def test_impossible_sigma_rel_is_refused(sigma_rel):
    with pytest.raises(ValueError, match="sigma_rel"):
        PowerFunction(sigma_rel)


def test_post_hoc_average_matches_the_one_that_was_never_tracked():
    steps, target = 400, 0.15
    module = nn.Linear(3, 2)
    tracked = [EMA(module, PowerFunction(s)) for s in (0.05, 0.10)]
    wanted = EMA(module, PowerFunction(target))
    snapshots = []
    for n, _ in enumerate(walk(module, steps, seed=4), start=1):
        for ema in (*tracked, wanted):
            ema.update(module)
        if n % 25 == 0:
            snapshots += [
                Snapshot(n, e.profile.sigma_rel, {k: v.clone() for k, v in e.state().items()}) for e in tracked
            ]
    rebuilt = reconstruct(snapshots, updates=steps, sigma_rel=target)
    spread = (wanted.module.weight - module.weight).abs().max()
    assert (rebuilt["weight"] - wanted.module.weight).abs().max() < 0.02 * spread
    # the two tracked averages themselves are far from the wanted one: the reconstruction earned its closeness
    assert (tracked[0].module.weight - wanted.module.weight).abs().max() > 0.1 * spread


def test_a_stored_average_is_reconstructed_exactly():
    weights = reconstruction_weights([(50, 0.1), (100, 0.1), (100, 0.05)], updates=100, sigma_rel=0.1)
    np.testing.assert_allclose(weights, [0, 1, 0], atol=1e-9)


def test_reconstruction_past_the_last_snapshot_is_refused():
    with pytest.raises(ValueError, match="from 1 to 100"):
        reconstruction_weights([(100, 0.1)], updates=101, sigma_rel=0.1)
    with pytest.raises(ValueError, match="no stored averages"):
        reconstruction_weights([], updates=1, sigma_rel=0.1)


# -- the bugs that averages elsewhere had -----------------------------------------------------------------------------


class Scale(nn.Module):
    """A module that torch.compile can wrap without compiling anything until it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x):
        return self.inner(x)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("where", ["whole", "child"])
def test_compiling_before_or_after_does_not_freeze_the_average(when, where):
    module = Scale()

    def compiled(m):
        if where == "whole":
            return torch.compile(m, backend="eager")
        m.inner = torch.compile(m.inner, backend="eager")
        return m

    trained = compiled(module) if when == "before" else module
    ema = EMA(trained, ConstantDecay(0.5))
    if when == "after":
        trained = compiled(module)
    ema.update(trained)
    first = {name: tensor.clone() for name, tensor in ema.state().items()}
    for _ in walk(module, 1):
        ema.update(trained)
    assert set(first) == {"inner.weight", "inner.bias"}
    for name, tensor in ema.state().items():
        assert not torch.equal(tensor, first[name]), f"{name} did not move"


def test_training_weights_are_never_written():
    module = Scale()
    before = copy.deepcopy(module.state_dict())
    ema = EMA(module, ConstantDecay(0.5))
    for _ in range(3):
        ema.update(module)
    ema.load_state({name: torch.full_like(tensor, 7.0) for name, tensor in ema.state().items()}, updates=3)
    for name, tensor in module.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_a_shadow_that_is_the_training_module_is_refused():
    module = Scale()
    with pytest.raises(ValueError, match="shares memory"):
        EMA(module, shadow=module)


def test_another_module_is_refused_instead_of_averaging_nothing():
    ema = EMA(Scale())
    with pytest.raises(ValueError, match="cannot follow"):
        ema.update(nn.Linear(4, 4))


def test_first_update_forgets_the_initialisation():
    for profile in PROFILES:
        module = nn.Linear(2, 2)
        ema = EMA(module, profile)
        for _ in walk(module, 1):
            ema.update(module)
        assert torch.equal(ema.module.weight, module.weight)


def test_low_precision_weights_are_averaged_in_float32():
    module = nn.Linear(2, 2, dtype=torch.bfloat16)
    ema = EMA(module, ConstantDecay(0.999))
    ema.update(module)
    start = ema.module.weight.clone()
    with torch.no_grad():
        module.weight.add_(1.0)
    ema.update(module)
    assert ema.module.weight.dtype == torch.float32
    moved = ema.module.weight - start
    torch.testing.assert_close(moved, (module.weight.float() - start) * 1e-3, rtol=1e-3, atol=1e-7)


def test_buffers_are_copied_not_averaged():
    module = nn.BatchNorm1d(2)
    ema = EMA(module, ConstantDecay(0.9))
    ema.update(module)
    module.running_mean.fill_(5.0)
    module.num_batches_tracked.fill_(9)
    ema.update(module)
    assert ema.module.running_mean.tolist() == [5.0, 5.0]
    assert int(ema.module.num_batches_tracked) == 9


def test_warmup_reaches_its_decay_and_never_passes_it():
    profile = WarmupDecay(0.99)
    decays = [profile.decay(n) for n in range(1, 2000)]
    assert decays[0] == 0.0 and max(decays) == 0.99
    assert all(a <= b for a, b in pairwise(decays))


@pytest.mark.parametrize("profile", PROFILES, ids=repr)
def test_profiles_survive_json(profile):
    assert profile_from_json(profile_to_json(profile)) == profile


def test_unknown_profile_is_refused():
    with pytest.raises(ValueError, match="known kinds"):
        profile_from_json({"kind": "os.system"})


@pytest.mark.parametrize(("updates", "decay"), [(1, 0.0), (2, 1 - 2**-0.75), (16, 1 - 16**-0.75), (464, 0.99)])
def test_warmup_by_default_counts_updates_one_by_one(updates, decay):
    """inverse_gamma = 1: after n updates 1 - n^(-3/4), and 0.99 at the 464th, as its docstring says."""
    assert WarmupDecay().decay(updates) == pytest.approx(decay, abs=1e-4)
