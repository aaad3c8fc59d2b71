"""Normal laws by their loadings, and divergences by three routes, against the closed formulas and SciPy."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reference import gaussian_kl, gaussian_kl_diag
from reference.divergences import gaussian_kl_cubature, gaussian_kl_line
from reference.gaussians import Gaussian

SEEDS = st.integers(0, 2**32 - 1)


def random_cov(rng, k, floor=0.1):
    root = rng.normal(size=(k, k))
    return root @ root.T + floor * np.eye(k)


def trace_formula(mean_p, cov_p, mean_q, cov_q):
    """The formula under test elsewhere, in 60 digits: the truth that the routes must reach without it."""
    with mpmath.workdps(60):
        p, q = mpmath.matrix(cov_p.tolist()), mpmath.matrix(cov_q.tolist())
        gap = mpmath.matrix((mean_q - mean_p).tolist())
        inverse = q**-1
        product = inverse * p
        trace = mpmath.fsum(product[i, i] for i in range(p.rows))
        return float((trace - p.rows + (gap.T * inverse * gap)[0] + mpmath.log(mpmath.det(q) / mpmath.det(p))) / 2)


@given(SEEDS, st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_kl_by_the_path_equals_the_trace_formula(seed, k):
    rng = np.random.default_rng(seed)
    cov_p, cov_q = random_cov(rng, k), random_cov(rng, k)
    mean_p, mean_q = rng.normal(size=(2, k))
    truth = trace_formula(mean_p, cov_p, mean_q, cov_q)
    assert gaussian_kl(mean_p, cov_p, mean_q, cov_q) == pytest.approx(truth, rel=1e-11)
    assert gaussian_kl_cubature(mean_p, cov_p, mean_q, cov_q) == pytest.approx(truth, rel=1e-10)


@given(SEEDS, st.integers(1, 4), st.sampled_from([1e-2, 1e-6, 1e-12]))
@settings(max_examples=40, deadline=None)
def test_kl_of_nearly_equal_laws_keeps_its_relative_accuracy(seed, k, size):
    rng = np.random.default_rng(seed)
    cov_q = random_cov(rng, k, 0.5)
    bump = rng.normal(size=(k, k))
    cov_p = cov_q + size * (bump + bump.T)
    mean = rng.normal(size=k)
    truth = trace_formula(mean, cov_p, mean, cov_q)
    assert truth < 100 * size**2 * k
    assert gaussian_kl(mean, cov_p, mean, cov_q) == pytest.approx(truth, rel=1e-11)


@given(SEEDS, st.integers(1, 6), st.sampled_from([1e-12, 1e-6, 1e-2, 1.0, 10.0, 30.0]))
@settings(max_examples=120, deadline=None)
def test_diagonal_kl_is_relatively_accurate_from_tiny_to_huge(seed, k, spread):
    rng = np.random.default_rng(seed)
    var_p = np.exp(spread * rng.normal(size=k))
    var_q = var_p * np.exp(spread * rng.normal(size=k))
    mean_p, mean_q = rng.normal(size=k), spread * rng.normal(size=k)
    with mpmath.workdps(60):
        parts = [
            (mpmath.mpf(a) / b - 1 + (mpmath.mpf(m) - n) ** 2 / mpmath.mpf(b) - mpmath.log(mpmath.mpf(a) / b)) / 2
            for m, a, n, b in zip(
                mean_p.tolist(), var_p.tolist(), mean_q.tolist(), map(mpmath.mpf, var_q.tolist()), strict=True
            )
        ]
        truth = float(mpmath.fsum(parts))
    assert gaussian_kl_diag(mean_p, var_p, mean_q, var_q) == pytest.approx(truth, rel=1e-12, abs=0.0)


def test_diagonal_kl_broadcasts_and_sums_over_every_coordinate():
    mean = np.arange(6.0).reshape(2, 3)
    assert gaussian_kl_diag(mean, 1.0, 0.0, 1.0) == pytest.approx(0.5 * np.sum(mean**2), rel=1e-13)
    assert gaussian_kl_diag(0.0, np.full(4, 2.0), 0.0, 1.0) == pytest.approx(4 * 0.5 * (1 - np.log(2)), rel=1e-13)
    assert gaussian_kl_diag(mean, 2.0, mean, 2.0) == 0.0


def test_kl_on_a_grid_agrees_and_the_order_of_arguments_matters():
    forward, backward = gaussian_kl_line(0.3, 0.5, -0.2, 2.0), gaussian_kl_line(-0.2, 2.0, 0.3, 0.5)
    assert forward == pytest.approx(gaussian_kl_diag(0.3, 0.5, -0.2, 2.0), rel=1e-12)
    assert backward == pytest.approx(gaussian_kl_diag(-0.2, 2.0, 0.3, 0.5), rel=1e-12)
    assert abs(forward - backward) > 0.1


def test_full_kl_of_diagonal_laws_is_the_diagonal_kl():
    var_p, var_q = np.array([0.1, 2.0, 1.0]), np.array([3.0, 0.5, 1.0])
    mean_p, mean_q = np.array([1.0, 0.0, 2.0]), np.array([0.5, 0.0, -1.0])
    full = gaussian_kl(mean_p, np.diag(var_p), mean_q, np.diag(var_q))
    assert full == pytest.approx(gaussian_kl_diag(mean_p, var_p, mean_q, var_q), rel=1e-13)


def test_kl_is_invariant_under_a_change_of_coordinates():
    rng = np.random.default_rng(3)
    cov_p, cov_q, mean_p, mean_q = random_cov(rng, 4), random_cov(rng, 4), *rng.normal(size=(2, 4))
    turn = rng.normal(size=(4, 4))
    moved = gaussian_kl(turn @ mean_p, turn @ cov_p @ turn.T, turn @ mean_q, turn @ cov_q @ turn.T)
    assert moved == pytest.approx(gaussian_kl(mean_p, cov_p, mean_q, cov_q), rel=1e-9)


@given(SEEDS, st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_log_density_equals_another_library(seed, n):
    rng = np.random.default_rng(seed)
    mean, cov, x = rng.normal(size=n), random_cov(rng, n), rng.normal(size=(7, n))
    law = Gaussian.from_cov(mean, cov)
    truth = stats.multivariate_normal(mean, cov).logpdf(x)
    assert law.log_prob(x) == pytest.approx(truth, rel=1e-10)
    assert law.log_prob(x[0]).shape == () and law.log_prob(x.reshape(7, 1, n)).shape == (7, 1)


@given(SEEDS, st.integers(2, 6))
@settings(max_examples=60, deadline=None)
def test_conditioning_equals_the_schur_complement(seed, n):
    rng = np.random.default_rng(seed)
    mean, cov = rng.normal(size=n), random_cov(rng, n)
    given_rows = rng.choice(n, size=int(rng.integers(1, n)), replace=False)
    free = np.setdiff1d(np.arange(n), given_rows)
    values = rng.normal(size=given_rows.size)
    gain = cov[np.ix_(free, given_rows)] @ np.linalg.inv(cov[np.ix_(given_rows, given_rows)])
    law = Gaussian.from_cov(mean, cov).condition(given_rows, values)
    assert law.mean == pytest.approx(mean[free] + gain @ (values - mean[given_rows]), rel=1e-9, abs=1e-9)
    assert law.cov == pytest.approx(cov[np.ix_(free, free)] - gain @ cov[np.ix_(given_rows, free)], rel=1e-8, abs=1e-9)


def test_joint_log_density_is_marginal_plus_conditional():
    rng = np.random.default_rng(5)
    law, x = Gaussian.from_cov(rng.normal(size=4), random_cov(rng, 4)), rng.normal(size=4)
    split = law.marginal([1, 3]).log_prob(x[[1, 3]]) + law.condition([1, 3], x[[1, 3]]).log_prob(x[[0, 2]])
    assert law.log_prob(x) == pytest.approx(split, rel=1e-13)


def test_conditioning_keeps_a_variance_that_a_difference_would_lose():
    law = Gaussian(np.zeros(2), np.array([[1.0, 0.0], [1.0, 1e-9]]))
    left = law.condition([1], [0.0]).variances[0]
    schur = law.cov[0, 0] - law.cov[0, 1] ** 2 / law.cov[1, 1]
    assert left == pytest.approx(1e-18, rel=1e-6)
    assert abs(schur - 1e-18) > 1e-19


def test_affine_maps_and_extensions_move_mean_and_covariance():
    rng = np.random.default_rng(7)
    mean, cov, A, b, N = (
        rng.normal(size=3),
        random_cov(rng, 3),
        rng.normal(size=(2, 3)),
        rng.normal(size=2),
        rng.normal(size=(2, 2)),
    )
    law = Gaussian.from_cov(mean, cov)
    moved, joint = law.affine(A, b, N), law.extend(A, b, N)
    assert moved.mean == pytest.approx(A @ mean + b) and moved.cov == pytest.approx(A @ cov @ A.T + N @ N.T)
    assert joint.cov[:3, 3:] == pytest.approx(cov @ A.T) and joint.cov[3:, 3:] == pytest.approx(moved.cov)
    assert moved.compressed().factor.shape == (2, 2) and moved.compressed().cov == pytest.approx(moved.cov)
    assert law.compressed().factor is law.factor
    assert law.affine(A).mean == pytest.approx(A @ mean) and law.extend(A).mean[3:] == pytest.approx(A @ mean)
    with pytest.raises(ValueError, match="needs 2 rows"):
        law.affine(A, b, np.eye(3))


def test_cubature_is_exact_for_cubics_and_not_for_quartics():
    rng = np.random.default_rng(9)
    law = Gaussian.from_cov(rng.normal(size=3), random_cov(rng, 3))
    second = law.expect_quadratic(lambda x: x[:, 0] * x[:, 1])
    assert second == pytest.approx(law.cov[0, 1] + law.mean[0] * law.mean[1], rel=1e-12)
    third = law.expect_quadratic(lambda x: x[:, 2] ** 3)
    assert third == pytest.approx(law.mean[2] ** 3 + 3 * law.mean[2] * law.cov[2, 2], rel=1e-12)
    assert Gaussian.standard(2).expect_quadratic(lambda x: x[:, 0] ** 4) == pytest.approx(2.0)  # the truth is 3
    point = Gaussian(np.array([2.0]), np.zeros((1, 0)))
    assert point.expect_quadratic(lambda x: x[:, 0]) == 2.0


def test_samples_have_the_law_they_are_drawn_from():
    law = Gaussian.from_cov(np.array([1.0, -2.0]), np.array([[2.0, 0.6], [0.6, 0.5]]))
    draws = law.sample(40_000, np.random.default_rng(0))
    error = np.sqrt(law.variances / 40_000)
    assert (np.abs(draws.mean(axis=0) - law.mean) < 5 * error).all()
    white = law.log_prob(draws)
    assert stats.kstest(-2 * (white - white.max()), stats.chi2(2).cdf).pvalue > 1e-4


def test_singular_laws_are_refused_where_a_density_is_needed():
    law = Gaussian(np.zeros(2), np.array([[1.0], [2.0]]))
    with pytest.raises(ValueError, match="singular"):
        law.log_prob([0.0, 0.0])
    with pytest.raises(ValueError, match="singular"):
        law.condition([0, 1], [0.0, 0.0])
    assert law.condition([0], [1.0]).mean == pytest.approx([2.0]) and law.condition([0], [1.0]).cov == 0.0
