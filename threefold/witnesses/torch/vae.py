"""What trains a VAE against the claims: float64, autograd derivatives, and points at which averages are exact.

The log-likelihood of a linear-Gaussian model is quadratic in the latent, so its mean over all sign vectors equals its
mean over N(0, I): the bound that `torch_impl` averages over such noise is exact, and comparable to the last digits.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from derivations.library import find
from threefold.witnesses.oracle import Array, GaussianLaw, Point
from threefold.witnesses.registry import Cases, Comparison, not_applicable, torch_witness
from torch_impl import BernoulliLikelihood, GaussianLikelihood, elbo, gaussian_kl
from torch_impl.distributions.gaussian import standard_normal_kl

F64 = torch.float64


def _tensor(values: object, grad: bool = False) -> torch.Tensor:
    return torch.tensor(np.asarray(values, dtype=np.float64), dtype=F64, requires_grad=grad)


# --- a linear-Gaussian model: z ~ N(0, I), x | z ~ N(W z + b, s^2 I), q(z | x) = N(m, diag r^2) -----------------------


@dataclass(frozen=True)
class Linear:
    weight: Array
    bias: Array
    spread: float
    x: Array
    mean: Array
    deviation: Array

    @classmethod
    def draw(cls, case: Cases, d: int, k: int) -> Linear:
        rng = case.rng
        return cls(
            rng.standard_normal((d, k)),
            rng.standard_normal(d),
            float(np.exp(rng.uniform(-1.5, 1))),
            rng.standard_normal(d),
            rng.standard_normal(k),
            np.exp(rng.uniform(-1.5, 0.5, k)),
        )

    def point(self) -> Point:
        d, k = self.weight.shape
        p_cov = np.block(
            [[np.eye(k), self.weight.T], [self.weight, self.weight @ self.weight.T + self.spread**2 * np.eye(d)]]
        )
        p = GaussianLaw({("z",): k, ("x_obs",): d}, np.concatenate([np.zeros(k), self.bias]), p_cov)
        q_cov = np.block([[np.diag(self.deviation**2), np.zeros((k, d))], [np.zeros((d, k)), np.eye(d)]])
        q = GaussianLaw({("z",): k, ("x_obs",): d}, np.concatenate([self.mean, np.zeros(d)]), q_cov)
        return Point(d, numbers={"k": k}, vectors={"x_obs": self.x}, tables={"p": p, "q": q})

    def trained(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The bound as torch_impl computes it, and its derivative with respect to the encoder's mean."""
        k = len(self.mean)
        mean, logvar = _tensor(self.mean, grad=True), _tensor(2 * np.log(self.deviation))
        weight, bias = _tensor(self.weight), _tensor(self.bias)
        signs = _tensor(list(itertools.product((-1.0, 1.0), repeat=k))).reshape(-1, 1, k)
        value = elbo(
            _tensor(self.x)[None],
            mean[None],
            logvar[None],
            lambda z: z @ weight.T + bias,
            GaussianLikelihood(self.spread),
            samples=len(signs),
            noise=signs,
        ).value.sum()
        (slope,) = torch.autograd.grad(value, mean)
        return value.detach(), slope

    def slope(self) -> Array:
        """Symbolic derivative of the bound in m: W^T (x - W m - b)/s^2 - m."""
        residual = self.x - self.weight @ self.mean - self.bias
        return np.asarray(self.weight.T @ residual / self.spread**2 - self.mean)

    def evidence(self) -> float:
        """log N(x; b, W W^T + s^2 I) by torch's own multivariate normal."""
        cov = _tensor(self.weight @ self.weight.T + self.spread**2 * np.eye(len(self.x)))
        law = torch.distributions.MultivariateNormal(_tensor(self.bias), covariance_matrix=cov)
        return float(law.log_prob(_tensor(self.x)))  # type: ignore[no-untyped-call]

    def gap(self) -> float:
        """KL(q || posterior) by torch's own multivariate normals."""
        k = len(self.mean)
        precision = _tensor(self.weight.T @ self.weight / self.spread**2 + np.eye(k))
        centre = torch.linalg.solve(precision, _tensor(self.weight.T @ (self.x - self.bias) / self.spread**2))
        posterior = torch.distributions.MultivariateNormal(centre, precision_matrix=precision)
        code = torch.distributions.MultivariateNormal(_tensor(self.mean), torch.diag(_tensor(self.deviation**2)))
        return float(torch.distributions.kl_divergence(code, posterior))


def _models(case: Cases) -> Iterator[Linear]:
    for n in range(case.n // 4):
        yield Linear.draw(case, d=n % 3 + 1, k=n % 2 + 1)


def _bound(claim: str, part: int = 0, side: str = "rhs") -> None:
    """Register the bound of the linear model as the torch witness of an ELBO claim."""

    @torch_witness(claim, method="elbo() on a linear-Gaussian model, noise at all sign vectors (exact for quadratics)")
    def _(case: Cases) -> Iterator[Comparison]:
        for model in _models(case):
            point = model.point()
            stated = point.rhs(claim, part) if side == "rhs" else point.lhs(claim, part)
            value, slope = model.trained()
            yield Comparison("bound", value, stated, scale=max(1.0, abs(stated)))
            scale = max(1.0, float(np.abs(model.slope()).max()))
            yield Comparison("d bound / d mean", slope, model.slope(), scale=scale, gradient=True)


_bound("vae.elbo.definition")
_bound("vae.elbo.joint_form")


@torch_witness("vae.elbo.decomposition", method="elbo() plus torch's KL to the exact posterior, linear-Gaussian model")
def _(case: Cases) -> Iterator[Comparison]:
    for model in _models(case):
        stated = model.point().lhs("vae.elbo.decomposition")
        value, slope = model.trained()
        yield Comparison("evidence", float(value) + model.gap(), stated, scale=max(1.0, abs(stated)))
        scale = max(1.0, float(np.abs(model.slope()).max()))
        yield Comparison("d bound / d mean", slope, model.slope(), scale=scale, gradient=True)


@torch_witness("vae.elbo.lower_bound", method="elbo() never exceeds the exact evidence, linear-Gaussian model")
def _(case: Cases) -> Iterator[Comparison]:
    for model in _models(case):
        point = model.point()
        value, slope = model.trained()
        stated = point.lhs("vae.elbo.lower_bound")
        yield Comparison("bound", value, stated, scale=max(1.0, abs(stated)))
        excess = max(float(value) - point.rhs("vae.elbo.lower_bound"), 0.0)
        yield Comparison("bound <= evidence", excess, 0.0, scale=1.0)
        scale = max(1.0, float(np.abs(model.slope()).max()))
        yield Comparison("d bound / d mean", slope, model.slope(), scale=scale, gradient=True)


@torch_witness(
    "vae.elbo.tightness", method="elbo() at the exact posterior of a model with one latent equals the evidence"
)
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n // 4):
        drawn = Linear.draw(case, d=n % 3 + 1, k=1)
        precision = float(drawn.weight[:, 0] @ drawn.weight[:, 0]) / drawn.spread**2 + 1
        centre = float(drawn.weight[:, 0] @ (drawn.x - drawn.bias)) / drawn.spread**2 / precision
        tight = Linear(drawn.weight, drawn.bias, drawn.spread, drawn.x, np.array([centre]), np.array([precision**-0.5]))
        value, slope = tight.trained()
        stated = tight.point().value(find("vae.elbo.decomposition").says[0].lhs)
        yield Comparison("tight", value, stated, scale=max(1.0, abs(stated)))
        yield Comparison("evidence", tight.evidence(), stated, scale=max(1.0, abs(stated)))
        yield Comparison("the bound is stationary there", slope, np.zeros(1), scale=precision + 1, gradient=True)


not_applicable(
    "vae.mle.kl_equivalence",
    "training never computes a divergence to the data law, whose density is unknown; what it maximises is witnessed "
    "by "
    "vae.elbo.gaussian and ddpm.elbo.decomposition",
    witness="torch",
)

# --- Gaussian divergences ---------------------------------------------------------------------------------------------


def _gaussians(case: Cases, most: int = 4) -> Iterator[tuple[Array, Array, Array, Array]]:
    """Means and log variances of two diagonal Gaussians, from narrow to wide."""
    for n in range(case.n):
        d = n % most + 1
        yield (*case.rng.standard_normal((2, d)), *case.rng.uniform(-4, 4, (2, d)))


@torch_witness("gaussian.kl.nonnegative", method="gaussian_kl on one-dimensional Gaussians")
def _(case: Cases) -> Iterator[Comparison]:
    for m_p, m_q, l_p, l_q in _gaussians(case, most=1):
        laws = {
            name: GaussianLaw({("x_obs",): 1}, m, [[float(np.exp(v[0]))]])
            for name, m, v in (("p", m_p, l_p), ("q", m_q, l_q))
        }
        stated = Point(tables=laws).lhs("gaussian.kl.nonnegative")
        mean = _tensor(m_p, grad=True)
        value = gaussian_kl(mean, _tensor(l_p), _tensor(m_q), _tensor(l_q)).sum()
        (slope,) = torch.autograd.grad(value, mean)
        yield Comparison("KL", value, stated, scale=max(1.0, stated))
        yield Comparison("not negative", min(float(value.detach()), 0.0), 0.0, scale=1.0)
        yield Comparison("d/d mean", slope, (m_p - m_q) * np.exp(-l_q), scale=100.0, gradient=True)


@torch_witness(
    "gaussian.kl.full_covariance", method="gaussian_kl in the coordinates in which both covariances are diagonal"
)
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n):
        k = n % 3 + 1
        mix = case.rng.standard_normal((k, k)) + 2 * np.eye(k)
        m_p, m_q = case.rng.standard_normal((2, k))
        l_p, l_q = case.rng.uniform(-1, 1, (2, k))
        point = Point(
            numbers={"k": k},
            vectors={"mu_p": mix @ m_p, "mu_q": mix @ m_q},
            covariances={name: mix @ np.diag(np.exp(v)) @ mix.T for name, v in (("Sigma_p", l_p), ("Sigma_q", l_q))},
        )
        mean = _tensor(m_p, grad=True)
        value = gaussian_kl(mean, _tensor(l_p), _tensor(m_q), _tensor(l_q)).sum()
        (slope,) = torch.autograd.grad(value, mean)
        stated = point.rhs("gaussian.kl.full_covariance")
        # The mixing matrix is inverted on the way: its condition number multiplies the rounding of the entries.
        bound = float(64 * np.finfo(float).eps * np.linalg.cond(mix) ** 2)
        yield Comparison(
            f"k = {k}",
            value,
            stated,
            scale=max(1.0, stated),
            tolerance=max(bound, 1e-13),
            because="cond(A)^2 roundings",
        )
        yield Comparison("d/d mean", slope, (m_p - m_q) * np.exp(-l_q), scale=10.0, gradient=True)


@torch_witness("gaussian.kl.diagonal_to_standard", method="standard_normal_kl of the encoder's mean and log variance")
def _(case: Cases) -> Iterator[Comparison]:
    for m, _, log_variance, _ in _gaussians(case):
        point = Point(
            numbers={"k": len(m)},
            vectors={"mu": m, "std": np.exp(log_variance / 2), "log_variance": log_variance},
        )
        mean, logvar = _tensor(m, grad=True), _tensor(log_variance, grad=True)
        value = standard_normal_kl(mean[None], logvar[None]).sum()
        slopes = torch.autograd.grad(value, (mean, logvar))
        stated = point.rhs("gaussian.kl.diagonal_to_standard", 1)
        yield Comparison("KL", value, stated, scale=max(1.0, stated))
        yield Comparison("by sigma", value, point.rhs("gaussian.kl.diagonal_to_standard"), scale=max(1.0, stated))
        yield Comparison("d/d mean", slopes[0], m, scale=1.0, gradient=True)
        yield Comparison("d/d log variance", slopes[1], (np.exp(log_variance) - 1) / 2, scale=30.0, gradient=True)


@torch_witness("gaussian.kl.isotropic", method="gaussian_kl with one variance for all coordinates")
def _(case: Cases) -> Iterator[Comparison]:
    for m_1, m_2, l_1, l_2 in _gaussians(case):
        v_1, v_2 = float(np.exp(l_1[0])), float(np.exp(l_2[0]))
        point = Point(len(m_1), numbers={"v_1": v_1, "v_2": v_2}, vectors={"m_1": m_1, "m_2": m_2})
        mean = _tensor(m_1, grad=True)
        value = gaussian_kl(mean, _tensor(np.log(v_1)), _tensor(m_2), _tensor(np.log(v_2))).sum()
        (slope,) = torch.autograd.grad(value, mean)
        stated = point.rhs("gaussian.kl.isotropic")
        yield Comparison("KL", value, stated, scale=max(1.0, stated))
        yield Comparison("d/d mean", slope, (m_1 - m_2) / v_2, scale=max(1.0, 1 / v_2), gradient=True)


@torch_witness("gaussian.kl.gradients", method="autograd through standard_normal_kl and gaussian_kl")
def _(case: Cases) -> Iterator[Comparison]:
    for n, (m, _, log_variance, _) in enumerate(_gaussians(case)):
        k, j = len(m), n % len(m) + 1
        deviation = np.exp(log_variance / 2)
        point = Point(numbers={"k": k, "j": j}, vectors={"mu": m, "std": deviation, "log_variance": log_variance})
        mean, logvar, std = _tensor(m, True), _tensor(log_variance, True), _tensor(deviation, True)
        by_log = torch.autograd.grad(standard_normal_kl(mean[None], logvar[None]).sum(), (mean, logvar))
        (by_std,) = torch.autograd.grad(gaussian_kl(mean, 2 * std.log(), 0.0, 0.0).sum(), std)
        for part, slope in enumerate((by_log[0], by_log[1], by_std)):
            stated = point.rhs("gaussian.kl.gradients", part)
            bound = max(1.0, abs(stated), float(1 / deviation[j - 1]))
            yield Comparison(f"statement {part + 1}", slope[j - 1], stated, scale=bound)
            yield Comparison(f"statement {part + 1}", slope[j - 1], stated, scale=bound, gradient=True)


# --- decoders ---------------------------------------------------------------------------------------------------------


@torch_witness("vae.decoder.gaussian", method="GaussianLikelihood.log_prob")
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n):
        d = n % 4 + 1
        x, output = case.rng.standard_normal((2, d))
        spread = float(np.exp(case.rng.uniform(-2, 2)))
        point = Point(
            d,
            numbers={"sigma_x": spread},
            vectors={"x_obs": x, "z": [0.0]},
            networks={"mu_theta": lambda _, o=output: o},
        )
        mean = _tensor(output, grad=True)
        value = GaussianLikelihood(spread).log_prob(_tensor(x)[None], mean[None]).sum()
        (slope,) = torch.autograd.grad(value, mean)
        stated = point.rhs("vae.decoder.gaussian")
        yield Comparison("log-likelihood", value, stated, scale=max(1.0, abs(stated)))
        yield Comparison("d/d mean", slope, (x - output) / spread**2, scale=max(1.0, spread**-2), gradient=True)


@torch_witness("vae.decoder.bernoulli", method="BernoulliLikelihood.log_prob of logits")
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n):
        d = n % 5 + 1
        bits = case.rng.integers(0, 2, d).astype(float)
        values = case.rng.standard_normal(d) * (30 if n % 4 == 0 else 2)
        logits = _tensor(values, grad=True)
        value = BernoulliLikelihood().log_prob(_tensor(bits)[None], logits[None]).sum()
        (slope,) = torch.autograd.grad(value, logits)
        stated, slopes = 0.0, []
        for j in range(1, d + 1):
            point = Point(d, numbers={"j": j}, vectors={"x_obs": bits, "logit": values, "z": [0.0]})
            stated = point.rhs("vae.decoder.bernoulli", 1)
            slopes.append(point.rhs("vae.decoder.bernoulli", 2))
        yield Comparison("log-likelihood", value, stated, scale=max(1.0, abs(stated)))
        yield Comparison("d/d logit", slope, np.array(slopes), scale=1.0, gradient=True)
