"""What is refused at the border: each message names the value, the limit and the remedy."""

import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import reference
from reference import (
    bounds,
    chain,
    ddim,
    decoders,
    divergences,
    enclosures,
    finite,
    finite_diffusion,
    gaussians,
    gradients,
    guidance,
    information,
    latent,
    linear_gaussian,
    mixtures,
    montecarlo,
    ode,
    quadrature,
    sampling,
    schedules,
    sde,
    views,
)

NAN, INF = float("nan"), float("inf")
EYE = np.eye(2)
LINE = mixtures.GaussianMixture.of([1.0], [[0.0]], [[[1.0]]])
PLANE = mixtures.GaussianMixture.of([1.0], [[0.0, 0.0]], [EYE])
POINT = sampling.ScalarData(1.0, 0.0)
VAE = latent.random_vae(np.random.default_rng(0), 2, 2)


def unit(t):
    return 1.0


BAD_SCHEDULES = [
    ([0.1, NAN], ValueError, "nan"),
    ([0.1, INF], ValueError, "inf"),
    ([0.0], ValueError, r"beta_1 is 0\.0"),
    ([0.1, -0.2], ValueError, r"beta_2 is -0\.2"),
    ([0.1, 1.5], ValueError, r"beta_2 is 1\.5"),
    ([0.1, 1.0, 0.2], ValueError, "only the last"),
    ([], ValueError, "empty"),
    ([[0.1], [0.2]], ValueError, "1 axes"),
    ([[0.1], [0.2, 0.3]], (ValueError, TypeError), "rectangular|real numbers"),
    (["a"], TypeError, "real numbers"),
    ([0.1 + 1j], TypeError, "real numbers"),
    ([None], TypeError, "real numbers"),
]


@pytest.mark.parametrize(("betas", "error", "words"), BAD_SCHEDULES)
@pytest.mark.parametrize(
    "use",
    [
        reference.alpha_bars,
        schedules.noise_variances,
        chain.forward_moments,
        chain.snrs,
        lambda b: reference.posterior([0.0], [0.0], 1, b),
        lambda b: reference.vlb_terms([0.0], b, [1.0], 0.0, [1.0]),
    ],
)
def test_schedules_outside_the_unit_interval(use, betas, error, words):
    with pytest.raises(error, match=words):
        use(betas)


@pytest.mark.parametrize(
    ("t", "error", "words"),
    [
        (0, ValueError, r"t is 0, but it must be 1\.\.3"),
        (4, ValueError, r"t is 4, but it must be 1\.\.3"),
        (-1, ValueError, "t is -1"),
        (1.0, TypeError, "integer"),
        (True, TypeError, "integer"),
        ("2", TypeError, "integer"),
        (None, TypeError, "integer"),
    ],
)
def test_times_outside_the_chain(t, error, words):
    with pytest.raises(error, match=words):
        reference.posterior([0.0], [0.0], t, [0.1, 0.2, 0.3])
    with pytest.raises(error, match=words):
        bounds.bound_weight(t, [0.1, 0.2, 0.3], 1.0, "eps")


def test_numpy_integers_are_times():
    assert reference.posterior([1.0], [0.0], np.int32(1), [0.1]).mean.tolist() == [1.0]


CASES = [
    (lambda: reference.gaussian_kl([0.0, 0.0], EYE, [0.0], EYE), "shapes differ"),
    (lambda: reference.gaussian_kl([0.0], EYE, [0.0], [[1.0]]), r"\(2, 2\)"),
    (lambda: reference.gaussian_kl([0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]], [0.0, 0.0], EYE), "least eigenvalue"),
    (lambda: reference.gaussian_kl([0.0, 0.0], [[1.0, 0.5], [0.0, 1.0]], [0.0, 0.0], EYE), "transpose"),
    (lambda: reference.gaussian_kl([0.0, 0.0], EYE, [0.0, 0.0], [[1.0, 1.0], [1.0, 1.0]]), "positive definite"),
    (lambda: reference.gaussian_kl([NAN, 0.0], EYE, [0.0, 0.0], EYE), "mean_p contains nan"),
    (lambda: reference.gaussian_kl([], np.zeros((0, 0)), [], np.zeros((0, 0))), "at least 1"),
    (lambda: reference.gaussian_kl(0.0, 1.0, 0.0, 1.0), "1 axes"),
    (lambda: reference.gaussian_kl_diag(0.0, 0.0, 0.0, 1.0), "var_p contains 0.0"),
    (lambda: reference.gaussian_kl_diag(0.0, 1.0, 0.0, -1.0), "var_q contains -1.0"),
    (lambda: reference.gaussian_kl_diag([0.0, 0.0], 1.0, [0.0, 0.0, 0.0], 1.0), "do not broadcast"),
    (lambda: reference.gaussian_kl_diag(0.0, 1e-200, 0.0, 1e200), "float64 range"),
    (lambda: reference.gaussian_kl_diag(1e200, 1.0, 0.0, 1.0), "limit is 1.8e308"),
    (lambda: divergences.gaussian_kl_line(0.0, -1.0, 0.0, 1.0), "var_p is -1.0"),
    (lambda: chain.posterior_between([0.0], [0.0], 2, 2, [0.1, 0.2]), "s is 2"),
    (lambda: chain.posterior([NAN], [0.0], 1, [0.1]), "x0 contains nan"),
    (lambda: chain.posterior_from_noise([0.0], [0.0], 2, [0.1, 1.0]), "abar_2 is 0.0"),
    (lambda: chain.posterior_log_density([0.0], [0.0], [0.0], 1, [0.1, 0.2]), "t is 1"),
    (lambda: chain.averaged_posterior_density(0.0, 0.0, 1, [0.1, 0.2]), "t is 1"),
    (lambda: chain.marginal_log_density([0.0], [0.0], 0, [0.1]), "t is 0"),
    (lambda: chain.marginal_covariance([[1.0, 0.0]], 1, [0.1]), "square"),
    (lambda: chain.marginal_covariance([[1.0, 2.0], [2.0, 1.0]], 1, [0.1]), "least eigenvalue"),
    (lambda: chain.marginal_covariance([[1.0, 2.0], [0.0, 9.0]], 1, [0.1]), "transpose"),
    (lambda: chain.data_joint([0.0], [[0.0]], [0.1]), "positive definite"),
    (lambda: chain.covariance(0, 3, [0.1, 0.2]), "t is 3"),
    (lambda: reference.vlb_terms([], [0.1], [1.0], 0.0, [1.0]), "at least 1"),
    (lambda: reference.vlb_terms([0.0], [0.1], [1.0, 1.0], 0.0, [1.0]), "matrices has shape"),
    (lambda: reference.vlb_terms([0.0], [0.1], [1.0], [1.0, 2.0], [1.0]), "offsets has shape"),
    (lambda: reference.vlb_terms([0.0], [0.1], [1.0], 0.0, [1.0, 1.0]), "variances has shape"),
    (lambda: reference.vlb_terms([0.0], [0.1], [1.0], 0.0, [0.0]), "variances contains 0.0"),
    (lambda: linear_gaussian.model_log_likelihood([INF], [1.0], 0.0, [1.0]), "x0 contains inf"),
    (lambda: bounds.bound_terms(0.0, [0.1], lambda x, t: x[:2], [1.0]), "shape"),
    (lambda: bounds.bound_terms(0.0, [0.1], lambda x, t: x + NAN, [1.0]), "finite"),
    (lambda: bounds.bound_terms(0.0, [0.1], lambda x, t: x, [1.0, 1.0]), "variances has shape"),
    (lambda: bounds.log_evidence(0.0, [0.1], lambda x, t: x, [1e-6]), "limit 0.01"),
    (lambda: bounds.bound_weight(1, [0.1], 1.0, "noise"), "must be one of"),
    (lambda: bounds.bound_weight(1, [0.1], 0.0, "eps"), "variance is 0.0"),
    (lambda: bounds.bound_weight(2, [0.1, 1.0], 1.0, "eps"), "abar is 0.0"),
    (lambda: bounds.linear_loss(0.0, [0.1], [1.0, 1.0], "eps"), "weights has shape"),
    (lambda: bounds.linear_optimum([0.1], [0.0], "eps"), "curvature"),
    (lambda: gaussians.Gaussian(np.zeros(2), np.eye(3)), "needs 2 rows"),
    (lambda: gaussians.Gaussian.standard(2).marginal([0, 0]), "distinct"),
    (lambda: gaussians.Gaussian.standard(2).marginal([2]), "distinct"),
    (lambda: gaussians.Gaussian.standard(2).condition([0], [0.0, 1.0]), "one each"),
    (lambda: gaussians.Gaussian.standard(2).affine(np.eye(3)), "needs 2 columns"),
    (lambda: gaussians.Gaussian.standard(2).affine(EYE, 0.0, np.eye(3)), "needs 2 rows"),
    (lambda: gaussians.Gaussian.standard(2).log_prob([0.0]), "last axis"),
    (lambda: gaussians.Gaussian.standard(2).sample(0, np.random.default_rng(0)), "count is 0"),
    (lambda: gaussians.Gaussian.standard(2).expect_quadratic(lambda x: x), "one value a point"),
    (lambda: quadrature.integrate_line(lambda x: x[:3]), "one value a point"),
    (lambda: quadrature.integrate_line(lambda x: np.full(x.shape, INF)), "not finite"),
    (lambda: quadrature.integrate_line(np.cos, 0.0, 0.0), "scale is 0.0"),
    (lambda: quadrature.normal_expectation(np.cos, 0.0, -1.0), "sd is -1.0"),
    (lambda: quadrature.normal_rule(3), r"dimension is 3"),
    (lambda: quadrature.hermite_rule(6, 48), "limit 4000000"),
    (lambda: quadrature.normal_expectation_nd(np.cos, np.zeros(2), np.zeros((3, 1))), "needs 2 rows"),
    (lambda: schedules.linear_betas(0), "T is 0"),
    (lambda: schedules.linear_betas(10, "0.5", "0.1"), "beta_min"),
    (lambda: schedules.linear_betas(10, "x"), "finite number"),
    (lambda: schedules.linear_betas(10, float("nan")), "finite number"),
    (lambda: schedules.exact_alpha_bars(["1.2"]), "beta_1"),
    (lambda: schedules.exact_alpha_bars([Fraction(1, 10**400)]), "beta_1"),
    (lambda: schedules.alpha_bar_decimal(["0.1"], 2), "t is 2"),
    (lambda: schedules.alpha_bar_decimal(["0.1"], 1, 0), "digits is 0"),
    (lambda: schedules.exact_alpha_bars([1 - Fraction(1, 10**40), "0.5"]), "beta_1"),
    (lambda: schedules.exact_alpha_bars([1 + Fraction(1, 10**40)]), "beta_1"),
    (lambda: quadrature.normal_expectation(np.cos, [0.0], 1.0), "one number"),
    (lambda: schedules.cosine_alpha_bars(3, -1), "offset is -1"),
    (lambda: schedules.sigmoid_alpha_bars(3, 3, -3), "start < end"),
    (lambda: schedules.sigmoid_alpha_bars(3, tau=0), "tau"),
    (lambda: schedules.betas_of_alpha_bars([Fraction(1, 2), Fraction(1, 4)]), "abar_0 = 1"),
    (lambda: schedules.betas_of_alpha_bars([1, Fraction(1, 2), Fraction(1, 2)]), "abar_2"),
    (lambda: schedules.betas_of_alpha_bars([1, Fraction(1, 2)], 2), "max_beta is 2"),
    (lambda: views.from_eps([0.0, 1.0], [0.0], 0.5), "shapes differ"),
    (lambda: views.from_v([0.0], [0.0], 1.5), "abar is 1.5"),
    (lambda: views.from_v([0.0], [0.0], NAN), "abar contains nan"),
    (lambda: finite.JointLaw(("a",), np.array([0.5, 0.6])), "sums to 1"),
    (lambda: finite.JointLaw(("a",), np.array([1.5, -0.5])), "at least 0"),
    (lambda: finite.JointLaw(("a",), np.array([0.5, NAN])), "not finite"),
    (lambda: finite.JointLaw(("a", "a"), np.full((2, 2), 0.25)), "distinct name"),
    (lambda: finite.JointLaw(("a",), np.array([Fraction(1, 2), Fraction(1, 3)], dtype=object)), "sums to 1"),
    (lambda: finite.JointLaw(("a",), np.array([0.5, 0.5])).marginal("b"), "correct the spelling"),
    (lambda: finite.JointLaw(("a",), np.array([0.5, 0.5])).log_prob(("a",), (2,)), "0..1"),
    (lambda: finite.finite_kl([0.5, 0.5], [1.0]), "same states"),
    (lambda: finite.finite_cross_entropy([0.5, 0.5], [1.0]), "same states"),
    (
        lambda: finite.JointLaw(("a",), np.array([1.0])).kl(finite.JointLaw(("b",), np.array([1.0]))),
        "same variables",
    ),
    (lambda: finite_diffusion.random_markov_encoder(np.random.default_rng(0), [2]), "T >= 1"),
    (lambda: finite_diffusion.random_markov_encoder(np.random.default_rng(0), [100] * 5), "2000000"),
    (lambda: finite_diffusion.FiniteDiffusion(np.array([0.5, 0.5]), np.array([1.0]), ()), "T >= 1"),
    (lambda: finite_diffusion.FiniteDiffusion(0.5 * np.ones((2, 2)), np.array([0.5, 0.5]), ()), "give one a step"),
    (
        lambda: finite_diffusion.FiniteDiffusion(0.5 * np.ones((2, 2)), np.array([1.0]), (0.5 * np.ones((2, 2)),)),
        "match them",
    ),
    (
        lambda: finite_diffusion.FiniteDiffusion(
            0.5 * np.ones((2, 2)), np.array([0.5, 0.5]), (0.5 * np.ones((2, 2)),)
        ).elbo(2),
        r"0\.\.1",
    ),
    (lambda: latent.FiniteVAE(VAE.prior, VAE.decoder, np.full((3, 2), 1 / 3)), "transpose or resize"),
    (lambda: VAE.importance_bound(0, 30), "limit 300000"),
    (lambda: VAE.importance_bound(0, 0), "samples is 0"),
    (lambda: VAE.elbo(5), r"0\.\.1"),
    (lambda: latent.gaussian_elbo([0.0], [0.0] * 4, [1.0] * 4, lambda z: z[:, :1], 1.0), r"1\.\.3"),
    (lambda: latent.gaussian_elbo([0.0], [0.0], [1.0], lambda z: z[:, :0], 1.0), "decoder returned"),
    (lambda: latent.gaussian_elbo([0.0], [0.0], [1.0], lambda z: z, 0.0), "sigma is 0.0"),
    (lambda: decoders.gaussian_log_likelihood([0.0], [0.0, 1.0], 1.0), "shapes differ"),
    (lambda: decoders.bernoulli_log_likelihood([0.0, NAN], [0.5, 0.5]), "x contains nan"),
    (lambda: decoders.bernoulli_log_likelihood([1], [0.0]), "contains 0.0"),
    (lambda: decoders.bernoulli_log_likelihood([1], [1.0]), r"lie in \(0, 1\)"),
    (lambda: decoders.bernoulli_log_likelihood([0.5], [0.5]), "binarise"),
    (lambda: decoders.bernoulli_log_likelihood([2], [0.5]), r"0\.\.1"),
    (lambda: decoders.bernoulli_log_likelihood([1], [0.5, 0.5]), "match them"),
    (lambda: decoders.bernoulli_logit_gradient([1], [0.5, 0.5]), "match them"),
    (lambda: decoders.discretized_gaussian_log_likelihood([0.1], 0.0, 1.0, 3), "off the 3 levels"),
    (lambda: decoders.discretized_gaussian_log_likelihood([1.5], 0.0, 1.0, 5), "off the 5 levels"),
    (lambda: decoders.discretized_gaussian_log_likelihood([0.0], 0.0, 0.0, 3), "sigma contains 0.0"),
    (lambda: gradients.expectation_gradient(lambda z: z[:, 0], [0.0] * 3, [1.0] * 3), "1 or 2 latents"),
    (lambda: gradients.expectation_gradient(lambda z: z, [0.0], [1.0]), "one value a point"),
    (lambda: gradients.latent_kl_gradient([0.0], [0.0]), "sd contains 0.0"),
    (lambda: gradients.complex_step(lambda z: complex(NAN), [1.0]), "not finite"),
    (lambda: information.channel_information([0.0], [1.0], 1.0, 0.0), "variance is 0.0"),
    (lambda: information.channel_information([0.0], [0.9], 1.0, 1.0), "sums to 1"),
    (lambda: montecarlo.estimate(lambda x: x, lambda r, m: np.zeros((m, 2)), 10, np.random.default_rng(0)), "a draw"),
    (lambda: montecarlo.estimate(lambda x: x, lambda r, m: np.full(m, INF), 10, np.random.default_rng(0)), "finite"),
    (lambda: montecarlo.estimate(lambda x: x, lambda r, m: np.zeros(m), 1, np.random.default_rng(0)), "n is 1"),
    (lambda: enclosures.Interval(Fraction(1), Fraction(0)), "empty"),
    (lambda: enclosures.Interval.of("-1").sqrt(), "below 0"),
    (lambda: enclosures.Interval.of("1").rounded(100), "places is 100"),
    (lambda: enclosures.Interval.of(Decimal("NaN")), "finite number"),
    (lambda: mixtures.GaussianMixture.of([0.5, 0.6], [[0.0], [1.0]], np.ones((2, 1, 1))), "sums to 1"),
    (lambda: mixtures.GaussianMixture.of([1.0, 0.0], [[0.0], [1.0]], np.ones((2, 1, 1))), "above 0 for each"),
    (lambda: mixtures.GaussianMixture.of([1.0], [[0.0]], [[[-1.0]]]), "positive definite"),
    (lambda: mixtures.GaussianMixture.of([1.0], [[0.0]], np.ones((1, 2, 2))), "one matrix a mean"),
    (lambda: mixtures.GaussianMixture(np.array([0.5, 0.5]), (LINE.components[0], PLANE.components[0])), "dimension"),
    (lambda: LINE.log_prob([0.0]), "2 axes"),
    (lambda: LINE.log_prob([[0.0, 1.0]]), "rows of 1"),
    (lambda: LINE.best_loss(1.0), "0 < abar < 1"),
    (lambda: LINE.best_loss(0.5, "noise"), "must be one of"),
    (lambda: mixtures.denoiser_by_integration(PLANE, 0.0, 0.5), "dimension 2"),
    (lambda: mixtures.denoiser_by_integration(LINE, 0.0, 1.0), "0 < abar < 1"),
    (lambda: ode.flow(LINE, [[0.0]], 0.0, 1.0), "above 0"),
    (lambda: guidance.guided_score(LINE, 0.0, 0.5, 1, 1.0), "label is 1"),
    (lambda: guidance.tilted_score(PLANE, 0.0, 0.5, 0, 1.0), "scalar mixture"),
    (lambda: ddim.family_joint(0.0, [0.1, 0.2], []), "0 entries, but 1 are needed"),
    (lambda: ddim.family_joint(0.0, [0.1, 0.2], [0.9]), "sigma_2 is 0.9"),
    (lambda: ddim.posterior_sigmas([0.1, 0.2], 1.5), "eta is 1.5"),
    (lambda: ddim.forward_kernel(1, [0.1, 0.2], [0.1]), "t is 1"),
    (lambda: sampling.ScalarData(0.0, -1.0), "variance is -1.0"),
    (lambda: sampling.respaced_betas([0.1, 0.2], [2, 1]), "strictly increasing"),
    (lambda: sampling.respaced_betas([0.1, 0.2], []), "strictly increasing"),
    (lambda: sampling.ancestral_law(POINT, [0.1], [-1.0]), "at least 0"),
    (lambda: sampling.ddim_law(POINT, [0.1, 0.2], [1, 2]), "strictly decrease"),
    (lambda: sampling.ddim_law(POINT, [0.1, 0.2], [2, 0], 2.0), "eta is 2.0"),
    (lambda: sde.reverse_sde_moments(unit, sde.Moments(0.0, 1.0), sde.Moments(0.0, 1.0), 0.0), "t is 0.0"),
    (lambda: sde.vp_moments(lambda t: 1e9, sde.Moments(1.0, 0.0), 9.0), "over 50000 evaluations"),
    (lambda: sde.vp_moments(lambda t: NAN, sde.Moments(1.0, 0.0), 1.0), "must be finite"),
    (
        lambda: sde.reverse_sde_moments(lambda t: INF, sde.Moments(0.0, 1.0), sde.Moments(0.0, 1.0), 1.0),
        "must be finite",
    ),
    (lambda: sde.vp_moments(unit, sde.Moments(0.0, 1.0), NAN), "t1 contains nan"),
]


@pytest.mark.parametrize(("call", "words"), CASES)
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
def test_values_outside_their_limits(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: chain.posterior(["a"], ["b"], 1, [0.1]),
        lambda: chain.posterior([1j], [0.0], 1, [0.1]),
        lambda: gaussians.Gaussian.standard(2).marginal([0.5]),
        lambda: gaussians.Gaussian.standard(2).marginal([]),
        lambda: schedules.linear_betas(10, [1]),
        lambda: schedules.linear_betas(10, True),
        lambda: schedules.linear_betas(2.5),
        lambda: finite.JointLaw(("a",), np.array(["x"], dtype=object)),
        lambda: finite.JointLaw(("a",), np.array([True, False])),
        lambda: VAE.elbo(0.0),
        lambda: enclosures.Interval.of(None),
    ],
)
def test_things_of_the_wrong_kind(call):
    with pytest.raises(TypeError, match=r";|must be"):
        call()


def test_inputs_are_not_changed_and_results_do_not_alias_them():
    mean, factor = np.zeros(2), np.eye(2)
    law = gaussians.Gaussian(mean, factor)
    law.factor[0, 0] = 5.0
    assert factor[0, 0] == 1.0
    betas = np.array([0.1, 0.2])
    reference.alpha_bars(betas)
    assert betas.tolist() == [0.1, 0.2]


def test_import_is_quick_and_brings_no_heavy_company():
    probe = "import sys, reference; print([m for m in ('scipy', 'sympy', 'torch', 'mpmath') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
