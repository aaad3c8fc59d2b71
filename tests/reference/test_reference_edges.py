"""Cases at which a reference that is wrong in one place gives another answer than a right one."""

import contextlib
import dataclasses
import importlib
import pkgutil
from fractions import Fraction

import numpy as np
import pytest

import reference
from reference import chain, ddim, finite_diffusion, gradients, latent, mixtures, montecarlo, schedules
from reference.gaussians import Gaussian
from reference.quadrature import Unresolved, line_grid, normal_expectation, resolved_sum


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


def test_a_law_mapped_to_fewer_coordinates_takes_noise_with_a_row_for_each_of_them():
    A, N = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]]), np.array([[1.0], [2.0]])
    moved = Gaussian.standard(3).affine(A, [0.5, -0.5], N)
    assert moved.mean == pytest.approx([0.5, -0.5])
    assert moved.cov == pytest.approx(A @ A.T + N @ N.T)
    with pytest.raises(ValueError, match="needs 2 rows"):
        Gaussian.standard(3).affine(A, 0.0, np.ones((3, 2)))


def test_an_average_without_spread_is_the_value_at_the_mean():
    assert normal_expectation(np.cos, 0.3, 0.0) == pytest.approx(np.cos(0.3), abs=1e-15)
    with pytest.raises(ValueError, match="at least 0"):
        normal_expectation(np.cos, 0.3, -1e-300)


def test_a_sigmoid_schedule_needs_two_ends():
    with pytest.raises(ValueError, match="start < end"):
        schedules.sigmoid_alpha_bars(3, 1, 1)


@pytest.mark.parametrize("f", [np.exp, lambda x: np.sin(3.0 * x)])
def test_the_error_bound_of_a_difference_is_met_and_is_small(f):
    """Richardson's table ends where the last correction is the least, not where the first column still moves."""
    at = 0.7
    found = gradients.central_difference(lambda x: float(f(x[0])), [at])
    exact = gradients.complex_step(lambda x: f(x[0]), [at])
    assert abs(found.value[0] - exact[0]) <= found.error[0] <= 2e-12


@pytest.mark.parametrize(("d", "width", "fit"), [(1, 0.5, 3), (1, 0.05, 2), (1, 0.02, 1), (2, 0.5, 3), (2, 0.05, 1)])
def test_the_finer_grids_of_the_best_loss_serve_where_the_coarser_ones_refuse(d, width, fit):
    """Beside a component of width 1: how many of the three grids resolve the other, and what they agree on."""
    covariances = np.stack([np.eye(d), width**2 * np.eye(d)])
    mixture = mixtures.GaussianMixture.of([0.5, 0.5], [[0.2] * d, [0.0] * d], covariances)
    served = []
    for step in mixtures.STEPS[d]:
        with contextlib.suppress(Unresolved):
            served.append(_loss_on(mixture, d, step))
    assert len(served) == fit
    assert mixture.best_loss(0.99999, "x0") == pytest.approx(served[-1], rel=2e-6)


def _loss_on(mixture, d, step):
    """The best loss at abar = 0.99999 by one grid alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(mixtures.STEPS, d, (step,))
        return mixture.best_loss(0.99999, "x0")


def test_a_grid_reaches_as_far_to_the_right_as_to_the_left():
    grid, spacing = line_grid(0.5, 2.0, 0.25, 3.0)
    assert (grid[0], grid[-1], spacing) == (-5.5, 6.5, 0.5)
    assert np.diff(grid) == pytest.approx(np.full(grid.size - 1, 0.5))


@pytest.mark.parametrize(("apart", "refused"), [(0.9e-6, False), (1.1e-6, True)])
def test_a_sum_is_refused_where_its_halves_differ_by_a_millionth_of_it(apart, refused):
    terms = np.tile([0.5 + apart / 2, 0.5 - apart / 2], 50) / 50
    with pytest.raises(Unresolved) if refused else contextlib.nullcontext():
        assert resolved_sum(terms) == pytest.approx(1.0)
    assert resolved_sum(terms, floor=2e-6) == pytest.approx(1.0)


def test_results_that_hold_arrays_are_compared_by_identity():
    """`==` of two arrays is an array: a generated comparison would raise, or hash what can change."""
    modules = [importlib.import_module(f"reference.{found.name}") for found in pkgutil.iter_modules(reference.__path__)]
    classes = {c for module in modules for c in vars(module).values() if dataclasses.is_dataclass(c)}
    holding = [c for c in classes if any("Array" in str(field.type) for field in dataclasses.fields(c))]
    assert len(holding) >= 4
    assert [c.__name__ for c in holding if c.__dataclass_params__.eq] == []


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_stride_averaged_over_its_start_has_the_forward_marginal(share):
    """Claim ddim.marginal_preservation: N(gain_s x_0, variance_s), whatever the share of fresh noise."""
    betas = [0.1, 0.3, 0.2, 0.4]
    moments = chain.forward_moments(betas)
    for s, t, y in ((1, 4, 0.2), (2, 3, -1.5)):
        law = Gaussian(np.array([moments.gain[s] * 0.7]), np.array([[np.sqrt(moments.variance[s])]]))
        if share:
            got = ddim.averaged_stride_density(y, 0.7, s, t, betas, share)
            assert got == pytest.approx(float(np.exp(law.log_prob(np.array([y])))), rel=1e-10)
        mean = ddim.stride_mean([0.7], [0.9], s, t, betas, share)
        kept = np.sqrt((1 - share) * moments.variance[s] / moments.variance[t])
        assert mean == pytest.approx(moments.gain[s] * 0.7 + kept * (0.9 - moments.gain[t] * 0.7))


def test_an_estimate_is_within_five_of_its_standard_errors_unless_said_otherwise():
    drawn = montecarlo.Estimate(1.0, 0.1, 100)
    assert drawn.within(1.49) and drawn.within(0.51)
    assert not drawn.within(1.51) and not drawn.within(0.49)
    assert drawn.within(1.29, 3.0) and not drawn.within(1.31, 3.0)


def test_two_million_paths_are_the_most_that_are_counted():
    rng = np.random.default_rng(0)
    assert finite_diffusion.random_general_encoder(rng, (1000, 2000)).shape == (1000, 2000)
    with pytest.raises(ValueError, match="at most 2000000 paths"):
        finite_diffusion.random_general_encoder(rng, (1000, 2001))
