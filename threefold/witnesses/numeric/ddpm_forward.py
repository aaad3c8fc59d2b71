"""The forward chain and its reversal given x_0: the claims' statements against algebra on the joint law."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import sympy as sp

from derivations.notation import abar, t
from reference import chain, finite, quadrature, schedules
from threefold.witnesses.chains import Step, draw_betas, steps
from threefold.witnesses.oracle import Array, GaussianLaw, Point, finite_law
from threefold.witnesses.registry import Cases, Comparison, numeric

# --- one step and many ------------------------------------------------------------------------------------------------


@numeric("ddpm.forward.kernel", method="log-density of the recursion x_t = g x_{t-1} + s eps by change of variable")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case):
        point = Point(s.d, {"t": s.t}, s.betas, x={s.t: s.x_t, s.t - 1: s.x_prev})
        measured = chain.transition_log_density(s.x_t, s.x_prev, s.t, s.betas)
        yield Comparison("log q(x_t | x_{t-1})", point.rhs("ddpm.forward.kernel"), measured)
        beta = s.betas[s.t - 1]
        moment = sum(quadrature.normal_expectation(np.square, m, np.sqrt(beta)) for m in np.sqrt(1 - beta) * s.x_prev)
        yield Comparison("E |x_t|^2", point.rhs("ddpm.forward.kernel", 2), moment)


@numeric("ddpm.forward.marginal", method="gain and variance accumulated step by step through the recursion")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case):
        point = Point(s.d, {"t": s.t}, s.betas, x={s.t: s.x_t, 0: s.x0})
        measured = chain.marginal_log_density(s.x_t, s.x0, s.t, s.betas)
        yield Comparison("log q(x_t | x_0)", point.rhs("ddpm.forward.marginal"), measured)
        moments = chain.forward_moments(s.betas)
        gain = point.value(sp.sqrt(abar(t)))
        yield Comparison("sqrt(abar_t)", gain, moments.gain[s.t])


@numeric("ddpm.forward.covariance", method="covariance matrices pushed through every step by matrix products")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, most_d=2):
        root = case.rng.standard_normal((s.d, s.d)) + np.eye(s.d)
        cov0 = root @ root.T
        u, v = s.x_prev, s.x_t
        data = GaussianLaw({("x", 0): s.d}, s.x0, cov0)
        point = Point(s.d, {"t": s.t}, s.betas, vectors={"u": u, "v": v}, tables={"q": data})
        measured = float(u @ chain.marginal_covariance(cov0, s.t, s.betas) @ v)
        scale = float(np.linalg.norm(u) * np.linalg.norm(v)) * max(1.0, float(np.linalg.norm(cov0)))
        yield Comparison("solved", point.rhs("ddpm.forward.covariance", 1), measured, scale=scale)
        distance = measured - float(u @ v)
        yield Comparison("distance to I", point.rhs("ddpm.forward.covariance", 2), distance, scale=scale)


@numeric(
    "ddpm.forward.snr_monotone", method="ratios of recursed moments; mutual information of enumerated Markov chains"
)
def _(case: Cases) -> Iterator[Comparison]:
    for n, s in enumerate(steps(case, least_t=2)):
        ratios = chain.snrs(s.betas)
        point = Point(1, {"t": s.t}, s.betas)
        yield Comparison("SNR_t", point.lhs("ddpm.forward.snr_monotone", 1), ratios[s.t - 1])
        yield Comparison("it falls", max(ratios[s.t - 1] - ratios[s.t - 2], 0.0), 0.0, scale=1.0)
        if n % 4 == 0:
            yield from _information(case)


def _information(case: Cases) -> Iterator[Comparison]:
    sizes = (2, 3, 2)
    start = finite.random_simplex(case.rng, sizes[0])
    first, second = (
        np.array([finite.random_simplex(case.rng, b) for _ in range(a)]) for a, b in itertools.pairwise(sizes)
    )
    table = start[:, None, None] * first[:, :, None] * second[None, :, :]
    law = finite.JointLaw(("x0", "x1", "x2"), table)
    near, far = (law.mutual_information(("x0",), (name,)) for name in ("x1", "x2"))
    point = Point(1, {"t": 2, "T": 2}, tables={"q": finite_law([("x", 0), ("x", 1), ("x", 2)], table)})
    yield Comparison("I(x_0; x_2)", point.lhs("ddpm.forward.snr_monotone", 2), far, scale=max(near, 1e-3))
    yield Comparison("I(x_0; x_1)", point.rhs("ddpm.forward.snr_monotone", 2), near, scale=max(near, 1e-3))
    yield Comparison("no step adds information", max(far - near, 0.0), 0.0, scale=1.0)


# --- the linear schedule ----------------------------------------------------------------------------------------------


@numeric("ddpm.schedule.linear", method="exact rational arithmetic, one increment after the other")
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n):
        T = n % 9 + 2
        low, high = np.sort(case.rng.uniform(1e-5, 0.9, 2))
        first, last = Fraction(low.item()), Fraction(high.item())
        walked = [first + m * (last - first) / (T - 1) for m in range(T)]
        at = int(case.rng.integers(1, T + 1))
        point = Point(1, {"t": at, "T": T, "beta_1": first, "beta_T": last})
        yield Comparison("beta_t", point.rhs("ddpm.schedule.linear"), float(walked[at - 1]))
        yield Comparison("reference", float(schedules.linear_betas(T, first, last)[at - 1]), float(walked[at - 1]))


@numeric(
    "ddpm.schedule.abar_values", method="product of 1 - beta_t in exact fractions, rounded to 40 digits at the end"
)
def _(case: Cases) -> Iterator[Comparison]:
    betas = schedules.linear_betas(1000)
    for part, time in ((0, 100), (2, 500), (4, 1000)):
        point = Point(1)
        exact = float(schedules.alpha_bar_decimal(betas, time))
        yield Comparison(f"abar_{time}", point.lhs("ddpm.schedule.abar_values", part), exact)
        stated = point.rhs("ddpm.schedule.abar_values", part)
        yield Comparison(
            f"abar_{time} as printed",
            stated,
            exact,
            tolerance=1e-5,
            because="half a unit of the last digit that is printed",
        )


# --- the reverse encoder ----------------------------------------------------------------------------------------------


def _square(s: Step, x_prev: Array) -> float:
    """-2 log of q(x_t | x_{t-1}) q(x_{t-1} | x_0) / q(x_t | x_0), up to a constant."""
    joint = chain.transition_log_density(s.x_t, x_prev, s.t, s.betas)
    return -2 * (joint + chain.marginal_log_density(x_prev, s.x0, s.t - 1, s.betas))


@numeric(
    "ddpm.posterior.square_completion", method="differences of joint log-densities, normalisers cancelled by a shift"
)
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2):
        stated = [
            Point(s.d, {"t": s.t}, s.betas, x={0: s.x0, s.t: s.x_t, s.t - 1: at}).rhs(
                "ddpm.posterior.square_completion"
            )
            for at in (s.x_prev, np.zeros(s.d))
        ]
        measured = _square(s, s.x_prev) - _square(s, np.zeros(s.d))
        yield Comparison(
            "difference of squares", stated[0] - stated[1], measured, scale=max(abs(v) for v in stated) + 1
        )


@numeric("ddpm.posterior.mean", method="conditioning of the joint Gaussian of the whole chain")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2):
        point = Point(s.d, {"t": s.t}, s.betas, x={0: s.x0, s.t: s.x_t})
        measured = chain.posterior(s.x0, s.x_t, s.t, s.betas)
        scale = float(max(np.abs(s.x0).max(), np.abs(s.x_t).max()))
        yield Comparison("mean", point.rhs("ddpm.posterior.mean"), measured.mean, scale=scale)


@numeric("ddpm.posterior.variance", method="Schur complement of the joint covariance of the whole chain")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2):
        point = Point(s.d, {"t": s.t}, s.betas)
        measured = chain.posterior(s.x0, s.x_t, s.t, s.betas)
        yield Comparison("variance", point.rhs("ddpm.posterior.variance"), measured.variance)


@numeric("ddpm.posterior.law", method="log-density of the conditional of the joint Gaussian")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2):
        spread = np.sqrt(chain.posterior(s.x0, s.x_t, s.t, s.betas).variance)
        near = chain.posterior(s.x0, s.x_t, s.t, s.betas).mean + spread * s.x_prev
        point = Point(s.d, {"t": s.t}, s.betas, x={0: s.x0, s.t: s.x_t, s.t - 1: near})
        measured = chain.posterior_log_density(near, s.x0, s.x_t, s.t, s.betas)
        yield Comparison(
            "log q(x_{t-1} | x_t, x_0)", point.rhs("ddpm.posterior.law"), measured, scale=max(1.0, abs(measured))
        )


@numeric("ddpm.posterior.t1", method="conditioning at t = 1, where x_0 is known")
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n):
        betas = draw_betas(case, ("ordinary", "tiny betas", "huge betas", "one step")[n % 4])
        x0, x_1 = case.rng.standard_normal((2, n % 3 + 1))
        point = Point(len(x0), {}, betas, x={0: x0, 1: x_1})
        measured = chain.posterior(x0, x_1, 1, betas)
        yield Comparison("mean is x_0", point.lhs("ddpm.posterior.t1"), measured.mean)
        yield Comparison("variance is 0", point.lhs("ddpm.posterior.t1", 1), measured.variance, scale=1.0)


@numeric("ddpm.posterior.marginal_consistency", method="posterior density averaged over q(x_t | x_0) on a grid")
def _(case: Cases) -> Iterator[Comparison]:
    for s in steps(case, least_t=2, most_d=1):
        deviation = np.sqrt(chain.forward_moments(s.betas).variance[s.t - 1])
        near = float(chain.forward_moments(s.betas).gain[s.t - 1] * s.x0[0] + deviation * np.clip(s.x_prev[0], -3, 3))
        point = Point(1, {"t": s.t}, s.betas, x={0: s.x0, s.t - 1: [near]})
        measured = chain.averaged_posterior_density(near, float(s.x0[0]), s.t, s.betas)
        yield Comparison("density", point.rhs("ddpm.posterior.marginal_consistency"), measured)
