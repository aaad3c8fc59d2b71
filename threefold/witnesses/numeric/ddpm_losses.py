"""Losses and their weights, and the worked examples, against quadrature, other divergences and exact decimals."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from derivations.notation import beta_tilde, t
from reference import bounds, pixels, schedules
from threefold.witnesses.chains import EDGES, Network, bent, draw_betas, steps
from threefold.witnesses.oracle import Array, GaussianLaw, Point
from threefold.witnesses.registry import Cases, Comparison, Differs, numeric

# --- the bound as a sum of squared errors -----------------------------------------------------------------------------


def _weighted(claim: str, name: str, prediction: bounds.Prediction) -> None:
    """The bound of a chain whose network predicts x_0 or eps, with the constant that belongs to it."""

    @numeric(claim, method="every term of the bound by quadrature over x_t, no square completed")
    def _(case: Cases) -> Iterator[Comparison]:
        for n in range(case.n // 4):
            betas = draw_betas(case, ("ordinary", "one step", "huge betas", "ordinary")[n % 4])
            network, x0 = bent(case, 1, 1), float(case.rng.standard_normal())
            sigmas = np.exp(case.rng.uniform(-1, 1, len(betas)))
            mean = bounds.path_of_prediction(_batched(network), betas, prediction)
            terms = bounds.bound_terms(x0, betas, mean, sigmas**2)
            point = Point(
                1,
                {"T": len(betas), "t": len(betas)},
                betas,
                x={0: [x0]},
                families={"sigma": lambda t, s=sigmas: s[int(t) - 1]},
                networks={name: lambda x, t, g=network: g(x) / t},
            )
            size = abs(terms.reconstruction) + terms.prior + float(np.sum(terms.transitions))
            yield Comparison("ELBO", point.rhs(claim), terms.elbo, scale=max(1.0, size))


def _batched(network: Network) -> bounds.Mean:
    return lambda x, t: network(x[:, None])[:, 0] / t


_weighted("ddpm.loss.x0_weighted", "x0_theta", "x0")
_weighted("ddpm.loss.eps_weighted", "eps_theta", "eps")


@numeric("ddpm.loss.weights_snr", method="divergence that a known prediction error adds, divided by its square")
def _(case: Cases) -> Iterator[Comparison]:
    claim = "ddpm.loss.weights_snr"
    for n, s in enumerate(steps(case, least_t=2)):
        if EDGES[n % len(EDGES)] in ("tiny betas", "huge betas", "mixed"):
            continue  # the divergences being compared would agree in all their digits
        point = Point(1, {"t": s.t}, s.betas)
        variance = point.value(beta_tilde(t))
        for part, (prediction, spread) in enumerate(
            (("x0", variance), ("eps", variance), ("eps", variance), ("eps", float(s.betas[s.t - 1])))
        ):
            measured = bounds.bound_weight(s.t, s.betas, spread, prediction)  # type: ignore[arg-type]
            # Two divergences are subtracted; each is known to rounding error of its own size, at most of order 1.
            yield Comparison(f"weight {part + 1}", point.rhs(claim, part), measured, scale=max(measured, 1e-2))


# --- the simplified loss ----------------------------------------------------------------------------------------------


def _shared(case: Cases) -> Iterator[tuple[Array, float, float]]:
    """A schedule, a coefficient c shared by all steps, and the variance of the data."""
    for n in range(case.n // 2):
        betas = draw_betas(case, EDGES[n % len(EDGES)])
        yield betas, float(case.rng.normal()), float(np.exp(case.rng.uniform(-1, 1)))


@numeric("ddpm.loss.simple", method="mean over t, x_0 and noise by exact cubature of their joint normal law")
def _(case: Cases) -> Iterator[Comparison]:
    for betas, c, spread in _shared(case):
        T = len(betas)
        point = Point(
            1,
            {"T": T, "t": T},
            betas,
            networks={"eps_theta": lambda x, _, c=c: c * x},
            tables={"q": GaussianLaw({("x", 0): 1}, [0.0], [[spread]])},
        )
        measured = bounds.linear_loss(c, betas, np.full(T, 1 / T), "eps", spread)
        yield Comparison("L_simple", point.rhs("ddpm.loss.simple"), measured, scale=max(1.0, measured))


@numeric("ddpm.loss.shared_coefficient", method="mean over data and noise by cubature; vertex of a parabola")
def _(case: Cases) -> Iterator[Comparison]:
    claim = "ddpm.loss.shared_coefficient"
    for betas, c, _ in _shared(case):
        if len(betas) < 2:
            continue
        T = len(betas)
        at = int(case.rng.integers(1, T + 1))
        weights = np.concatenate([[0.0], case.rng.uniform(0.1, 2, T - 1)])
        point = Point(1, {"T": T, "t": at, "c": c}, betas, families={"weight": lambda t, w=weights: w[int(t) - 1]})
        one = bounds.linear_loss(c, betas, np.eye(T)[at - 1], "eps")
        yield Comparison("one step", point.rhs(claim), one, scale=max(1.0, one))
        total = bounds.linear_loss(c, betas, weights, "eps") * weights.sum()
        yield Comparison("weighted sum", point.rhs(claim, 1), total, scale=max(1.0, total))
        best = bounds.linear_optimum(betas, weights, "eps")
        least = bounds.linear_loss(best, betas, weights, "eps") * weights.sum()
        completed = Point(1, {"T": T, "t": at, "c": best}, betas, families=point.families).rhs(claim, 1)
        yield Comparison("at the best c the square is gone", completed, least, scale=max(1.0, total))


@numeric("ddpm.loss.simple_is_elbo", method="vertex of each loss as a parabola in the shared coefficient")
def _(case: Cases) -> Iterator[Comparison | Differs]:
    claim = "ddpm.loss.simple_is_elbo"
    betas = schedules.as_floats(schedules.linear_betas(1000))
    point = Point(1, {"T": 1000, "t": 1000}, betas)
    uniform = np.concatenate([[0.0], np.ones(999)])
    bars = schedules.alpha_bars(betas)
    weights = np.concatenate([[0.0], betas[1:] / (2 * (1 - betas[1:]) * (1 - bars[1:-1]))])
    bound, simple = point.lhs(claim), point.rhs(claim)
    yield Comparison("best c of the bound", bound, bounds.linear_optimum(betas, weights, "eps"))
    yield Comparison("best c of L_simple", simple, bounds.linear_optimum(betas, uniform, "eps"))
    for name, value, printed in (("0.571", bound, 0.571), ("0.807", simple, 0.807)):
        yield Comparison(f"{name} as printed", value, printed, tolerance=1e-3, because="three digits are printed")
    yield Differs("the two optima", bound, simple, gap=0.1)


# --- worked examples --------------------------------------------------------------------------------------------------


@numeric("ddpm.example.one_pixel", method="interval arithmetic in exact fractions")
def _(case: Cases) -> Iterator[Comparison]:
    e = pixels.one_pixel()
    point = Point(1, {"abar_x": Fraction(1, 2), "x_pixel": 1, "e": Fraction(3, 10), "g": Fraction(1, 4)})
    exact = (e.x_t, e.x_t, e.signal, e.noise, e.loss, e.x0_hat, e.x0_error, e.x0_error)
    for part, value in enumerate(exact):
        yield Comparison(f"statement {part + 1}", point.lhs("ddpm.example.one_pixel", part), float(value))


@numeric("ddim.example.stride", method="interval arithmetic in exact fractions")
def _(case: Cases) -> Iterator[Comparison]:
    e, true = pixels.ddim_stride(), pixels.ddim_stride(eps_hat="0.3")
    for part, value in enumerate((e.x_s, e.x_s, e.signal, e.noise, true.x_s)):
        yield Comparison(f"statement {part + 1}", Point(1).lhs("ddim.example.stride", part), float(value))
