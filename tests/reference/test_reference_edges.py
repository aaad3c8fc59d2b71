"""Cases at which a reference that is wrong in one place gives another answer than a right one."""

import dataclasses
import importlib
import pkgutil
from fractions import Fraction

import numpy as np
import pytest

import reference
from reference import ddim, finite_diffusion, gradients, latent, mixtures, schedules
from reference.quadrature import Unresolved


def test_no_law_schedule_or_result_can_be_changed_after_it_was_checked():
    modules = [importlib.import_module(f"reference.{found.name}") for found in pkgutil.iter_modules(reference.__path__)]
    classes = {c for module in modules for c in vars(module).values() if dataclasses.is_dataclass(c)}
    assert len(classes) >= 5
    assert [c.__name__ for c in classes if not c.__dataclass_params__.frozen] == []


def test_a_general_encoder_has_one_law_for_each_state_of_the_data():
    rng = np.random.default_rng(0)
    for sizes in ((2, 3, 4), (4, 2, 3), (1, 3), (3, 1)):
        encoder = finite_diffusion.random_general_encoder(rng, sizes)
        assert encoder.shape == sizes
        assert encoder.reshape(sizes[0], -1).sum(axis=1) == pytest.approx(np.ones(sizes[0]), abs=1e-12)


@pytest.mark.parametrize("make", [schedules.linear_betas, schedules.scaled_linear_betas])
def test_both_ends_of_a_schedule_may_be_equal(make):
    assert [Fraction(beta) for beta in make(3, "0.25", "0.25")] == [Fraction(1, 4)] * 3


def test_the_first_noise_that_is_too_large_is_the_one_named():
    betas = [0.1, 0.1, 0.1, 0.1]
    blur = schedules.noise_variances(betas)
    noise = np.sqrt(blur[1:-1])
    ddim.family_joint(0.0, betas, noise)  # sigma^2 = 1 - abar is the last that is allowed
    noise[1:] *= np.sqrt([1.01, 9.0])
    with pytest.raises(ValueError, match="sigma_3 is"):
        ddim.family_joint(0.0, betas, noise)


@pytest.mark.parametrize("axis", [0, 1])
def test_an_average_too_rough_for_the_grid_has_no_gradient(axis):
    with pytest.raises(Unresolved, match="too rough or narrow"):
        gradients.expectation_gradient(lambda z: np.sign(np.sin(40.0 * z[:, axis])), [0.1, 0.2], [1.0, 1.0])


def test_the_best_loss_of_a_sharp_symmetric_mixture_is_resolved():
    """Two far sharp components around 0: E Var(x_0 | x_t) by brute force on a grid of x_t a hundred times as fine."""
    level = 0.5
    mixture = mixtures.GaussianMixture.of([0.5, 0.5], [[-4.0], [4.0]], np.full((2, 1, 1), 1e-6))
    with np.errstate(all="raise", under="ignore"):
        got = mixture.best_loss(level, "x0")
    x = np.linspace(-14.0, 14.0, 400_001)
    signal, blur = np.sqrt(level), 1.0 - level
    total = level * 1e-6 + blur
    share = 1.0 / (1.0 + np.exp(np.clip(-2.0 * signal * 4.0 * x / total, -700, 700)))
    gain = signal * 1e-6 / total
    gap = 8.0 * (1.0 - gain * signal)
    spread = 1e-6 * blur / total + share * (1.0 - share) * gap**2
    density = sum(np.exp(-0.5 * (x - m * signal) ** 2 / total) for m in (-4.0, 4.0)) / 2.0 / np.sqrt(2 * np.pi * total)
    assert got == pytest.approx(np.sum(spread * density) * (x[1] - x[0]), rel=1e-9)


def test_a_latent_of_one_state_needs_no_code():
    vae = latent.random_vae(np.random.default_rng(0), 3, 1)
    assert [vae.latent_kl(x) for x in range(3)] == [0.0, 0.0, 0.0]
