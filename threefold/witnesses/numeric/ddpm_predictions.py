"""What a network may predict, and the Gaussian terms of the bound: against 2x2 solves and quadrature."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import reference
from reference import bounds, chain, divergences, views
from threefold.witnesses.chains import Network, Step, bent, draw_betas, steps
from threefold.witnesses.oracle import Array, Point
from threefold.witnesses.registry import Cases, Comparison, Differs, numeric

# --- the terms of the bound -------------------------------------------------------------------------------------------


@numeric("ddpm.latent_term.closed_form", method="divergence integrated along the path of normal laws")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case):
        moments = chain.forward_moments(s.betas)
        end, spread = moments.gain[-1] * s.x0, np.full(s.d, moments.variance[-1])
        measured = float(reference.gaussian_kl_diag(end, spread, np.zeros(s.d), np.ones(s.d)))
        stated = Point(s.d, {"t": s.t}, s.betas, x={0: s.x0}).rhs("ddpm.latent_term.closed_form")
        yield Comparison("KL(q(x_T | x_0), N(0, I))", stated, measured, scale=max(measured, 1e-2))


def _guess(case: Cases, s: Step) -> tuple[Point, Array, float]:
    """A point at which mu_theta gives a fixed vector near the posterior mean, and sigma_t a number."""
    truth = chain.posterior(s.x0, s.x_t, s.t, s.betas)
    guess = truth.mean + np.sqrt(truth.variance) * s.noise
    sigma = float(np.sqrt(truth.variance) * np.exp(case.rng.uniform(-1, 1)))
    point = Point(
        s.d,
        {"t": s.t},
        s.betas,
        x={0: s.x0, s.t: s.x_t},
        families={"sigma": lambda _, v=sigma: v},
        networks={"mu_theta": lambda *_, g=guess: g},
    )
    return point, guess, sigma


@numeric("ddpm.consistency.kl", method="divergence of the conditioned joint Gaussian, integrated along a path of laws")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2):
        point, guess, sigma = _guess(case, s)
        truth = chain.posterior(s.x0, s.x_t, s.t, s.betas)
        measured = float(divergences.gaussian_kl_diag(truth.mean, truth.variance, guess, np.full(s.d, sigma**2)))
        # The two means agree in their leading digits: their rounding, over a deviation that may be small, is the error.
        rounding = float((np.abs(s.x0).max() + np.abs(s.x_t).max()) / np.sqrt(truth.variance))
        yield Comparison(
            "KL", point.rhs("ddpm.consistency.kl"), measured, scale=max(1.0, measured) * max(1.0, rounding * 1e-4)
        )


@numeric("ddpm.reconstruction.gaussian", method="log-density of the last kernel averaged by quadrature over x_1")
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n // 2):
        betas = draw_betas(case, ("ordinary", "huge betas", "one step")[n % 3])
        network, x0 = bent(case, 1, 1), float(case.rng.standard_normal())
        sigma = float(np.exp(case.rng.uniform(-1, 1)))
        point = _scalar(betas, x0, network, np.full(len(betas), sigma))
        measured = bounds.bound_terms(x0, betas, _mean(network), np.full(len(betas), sigma**2)).reconstruction
        stated = point.rhs("ddpm.reconstruction.gaussian")
        yield Comparison("E log p(x_0 | x_1)", stated, measured, scale=max(1.0, abs(measured)))


def _mean(network: Network) -> bounds.Mean:
    return lambda x, t: network(x[:, None])[:, 0] / t


def _scalar(betas: Array, x0: float, network: Network, sigmas: Array) -> Point:
    """A chain of one coordinate whose mean network is network(x)/t, with the reverse deviations sigmas[t-1]."""
    return Point(
        1,
        {"T": len(betas), "t": len(betas)},
        betas,
        x={0: [x0]},
        families={"sigma": lambda t: sigmas[int(t) - 1]},
        networks={"mu_theta": lambda x, t: network(x) / t},
    )


@numeric("ddpm.elbo.gaussian_form", method="every term of the bound by quadrature over x_t, no square completed")
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n // 4):
        betas = draw_betas(case, ("ordinary", "one step", "huge betas")[n % 3])
        network, x0 = bent(case, 1, 1), float(case.rng.standard_normal())
        sigmas = np.exp(case.rng.uniform(-1, 1, len(betas)))
        measured = bounds.bound_terms(x0, betas, _mean(network), sigmas**2).elbo
        stated = _scalar(betas, x0, network, sigmas).rhs("ddpm.elbo.gaussian_form")
        yield Comparison("ELBO", stated, measured, scale=max(1.0, abs(measured)))


# --- means ------------------------------------------------------------------------------------------------------------


def _predicting(s: Step, name: str, guess: Array) -> Point:
    """x_0, x_t and eps of the step, and a network that answers `guess`."""
    return Point(
        s.d,
        {"t": s.t},
        s.betas,
        x={0: s.x0, s.t: s.x_t},
        vectors={"eps": s.noise},
        networks={name: lambda *_: guess},
    )


@numeric("ddpm.mean.x0_form", method="conditioning of the joint Gaussian at the predicted x_0")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2):
        measured = chain.posterior(s.x_prev, s.x_t, s.t, s.betas).mean
        scale = float(max(np.abs(s.x_prev).max(), np.abs(s.x_t).max()))
        yield Comparison("mean", _predicting(s, "x0_theta", s.x_prev).rhs("ddpm.mean.x0_form"), measured, scale=scale)


@numeric("ddpm.mean.eps_form", method="conditioning of the joint Gaussian on x_t and on the noise that made it")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case):
        measured = chain.posterior_from_noise(s.x_prev, s.x_t, s.t, s.betas).mean
        bar = float(chain.forward_moments(s.betas).gain[s.t])
        scale = float((np.abs(s.x_t).max() + np.abs(s.x_prev).max()) / bar)  # size of the x_0 that the noise implies
        yield Comparison("mean", _predicting(s, "eps_theta", s.x_prev).rhs("ddpm.mean.eps_form"), measured, scale=scale)


@numeric("ddpm.mean.eps_form.notes_display", method="conditioning of the joint Gaussian on x_0 and x_t")
def _(case: Cases) -> Iterator[Comparison | Differs]:
    claim = "ddpm.mean.eps_form.notes_display"
    printed = Step(np.array([4 / 9, 0.1]), 2, *np.array([[1.0], [0.0], [0.0], [0.5]]))
    for n, s in enumerate([printed, *steps(case, least_t=2)]):
        moments = chain.forward_moments(s.betas)
        x_t = moments.gain[s.t] * s.x0 + np.sqrt(moments.variance[s.t]) * s.noise
        measured = chain.posterior(s.x0, x_t, s.t, s.betas).mean
        point = Point(s.d, {"t": s.t}, s.betas, x={0: s.x0}, vectors={"eps": s.noise})
        scale = float(np.abs(s.x0).max() + np.abs(s.noise).max())
        yield Comparison("the mean", point.lhs(claim), measured, scale=scale)
        if n == 0:
            yield Comparison("the true value", measured, [1.0435], tolerance=1e-4, because="four digits are printed")
            yield Differs("first line (0.8157)", point.rhs(claim), measured)
            yield Differs("second line (1.4000)", point.rhs(claim, 1), measured)


# --- predictions ------------------------------------------------------------------------------------------------------


def _level(s: Step) -> float:
    return float(chain.forward_moments(s.betas).gain[s.t] ** 2)


def _clear(case: Cases) -> Iterator[Step]:
    """Steps at which neither x_0 nor eps is drowned in the other, so that solving for it keeps its digits."""
    return (s for s in steps(case) if 1e-3 < _level(s) < 1 - 1e-3)


@numeric("ddpm.parameterization.bijection", method="2x2 linear solve for (x_0, eps) given x_t and the prediction")
def _(case: Cases) -> Iterator[Comparison]:
    claim = "ddpm.parameterization.bijection"
    for s in _clear(case):
        level, guess = _level(s), s.noise
        from_eps, from_x0 = views.from_eps(guess, s.x_t, level), views.from_x0(guess, s.x_t, level)
        scale = float(np.abs(np.concatenate([from_eps.x0, from_x0.eps])).max())
        yield Comparison("x_0 from eps", _predicting(s, "eps_theta", guess).rhs(claim), from_eps.x0, scale=scale)
        yield Comparison("eps from x_0", _predicting(s, "x0_theta", guess).rhs(claim, 1), from_x0.eps, scale=scale)


def _noised(s: Step) -> Array:
    return np.asarray(np.sqrt(_level(s)) * s.x0 + np.sqrt(1 - _level(s)) * s.noise)


@numeric("ddpm.loss.eps_x0_equivalence", method="both errors measured after a 2x2 solve")
def _(case: Cases) -> Iterator[Comparison]:
    for s in _clear(case):
        implied = views.from_eps(s.x_prev, _noised(s), _level(s)).x0
        measured = float(np.sum((implied - s.x0) ** 2))
        for part in (0, 1):
            stated = _predicting(s, "eps_theta", s.x_prev).rhs("ddpm.loss.eps_x0_equivalence", part)
            yield Comparison(f"data error, statement {part + 1}", stated, measured, scale=max(1.0, measured))


@numeric("ddpm.parameterization.v", method="2x2 linear solve for (x_0, eps) given x_t and v, abar from 0 to 1")
def _(case: Cases) -> Iterator[Comparison]:
    claim = "ddpm.parameterization.v"
    for n in range(case.n):
        level = (0.0, 1.0)[n] if n < 2 else float(case.rng.uniform(0, 1))
        x0, eps = case.rng.standard_normal((2, n % 3 + 1))
        x_t = np.sqrt(level) * x0 + np.sqrt(1 - level) * eps
        point = Point(len(x0), {"alpha_bar": level}, x={0: x0}, vectors={"eps": eps})
        v = point.rhs(claim)
        solved = views.from_v(v, x_t, level)
        yield Comparison("x_0 from v", solved.x0, x0)
        yield Comparison("eps from v", solved.eps, eps)
        yield Comparison("v", v, np.sqrt(level) * eps - np.sqrt(1 - level) * x0, scale=1.0)


@numeric("ddpm.parameterization.v_loss", method="both errors measured after a 2x2 solve")
def _(case: Cases) -> Iterator[Comparison]:
    for s in _clear(case):
        level, x_t = _level(s), _noised(s)
        target = np.sqrt(level) * s.noise - np.sqrt(1 - level) * s.x0
        measured = float(np.sum((s.x_prev - target) ** 2))
        implied = views.from_v(s.x_prev, x_t, level)
        point = _predicting(s, "v_theta", s.x_prev)
        for part in (0, 1, 2):
            stated = point.rhs("ddpm.parameterization.v_loss", part)
            yield Comparison(f"v error, statement {part + 1}", stated, measured, scale=max(1.0, measured))
        by_data = float(np.sum((implied.x0 - s.x0) ** 2)) / (1 - level)
        yield Comparison("data error over 1 - abar", by_data, measured, scale=max(1.0, measured))
