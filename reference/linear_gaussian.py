"""A diffusion model whose likelihood and whose every bound term are exact: normal, linear reverse kernels.

Forward chain with betas; model p(x_T) = N(0, I), p(x_{t-1} | x_t) = N(A_t x_t + b_t, s_t^2 I), t = 1..T. Both joint
laws are normal, built by pushing loadings. Divergences are averages of log-density differences over cubature points,
exact because the differences are quadratic; the likelihood is a marginal of the model's joint law, and the gap a
divergence to its conditional.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from reference.chain import data_joint, forward_joint
from reference.divergences import gaussian_kl, law_kl
from reference.gaussians import Gaussian
from reference.validation import Array, Betas, integer, noise_schedule, positive_array, real_array


@dataclass(frozen=True, eq=False)
class VLBTerms:
    """Terms of the bound at one x_0, in nats, summed over coordinates.

    prior KL(q(x_T|x_0) || p(x_T)); transitions[t-2] = E KL(q(x_{t-1}|x_t,x_0) || p(x_{t-1}|x_t)), t = 2..T;
    reconstruction E log p(x_0|x_1), a log-likelihood; log_likelihood log p(x_0); gap the divergence of
    q(x_1..x_T|x_0) from the model's posterior. elbo = reconstruction - prior - sum(transitions).
    """

    prior: float
    transitions: Array
    reconstruction: float
    log_likelihood: float
    gap: float

    @property
    def elbo(self) -> float:
        """The bound itself: reconstruction minus all divergences."""
        return self.reconstruction - self.prior - float(np.sum(self.transitions))

    @property
    def total(self) -> float:
        """The negative bound, the quantity that training minimises."""
        return -self.elbo


@dataclass(frozen=True, eq=False)
class ReverseChain:
    """p(x_{t-1} | x_t) = N(matrices[t-1] x_t + offsets[t-1], variances[t-1] I): (T, d, d), (T, d), (T,)."""

    matrices: Array
    offsets: Array
    variances: Array

    @staticmethod
    def of(T: int, d: int, matrices: ArrayLike, offsets: ArrayLike, variances: ArrayLike) -> ReverseChain:
        """Return the chain from matrices (T, d, d), or (T,) for multiples of I; offsets (T, d), (T,) or 0."""
        T, d = integer("T", T, 1), integer("d", d, 1)
        A, b = real_array("matrices", matrices), real_array("offsets", offsets)
        s2 = positive_array("variances", variances, ndim=1)
        if A.shape == (T,):
            A = A[:, None, None] * np.eye(d)
        if A.shape != (T, d, d):
            raise ValueError(f"matrices has shape {A.shape}, but {(T, d, d)} or {(T,)} is needed; one map a step")
        if b.shape == (T,):
            b = np.repeat(b[:, None], d, axis=1)
        if b.shape == ():
            b = np.full((T, d), float(b))
        if b.shape != (T, d):
            raise ValueError(f"offsets has shape {b.shape}, but {(T, d)}, {(T,)} or () is needed; one vector a step")
        if s2.shape != (T,):
            raise ValueError(f"variances has shape {s2.shape}, but {(T,)} is needed; one number a step, t = 1 first")
        return ReverseChain(A, b, s2)

    def kernel_log_density(self, previous: Array, current: Array, t: int) -> Array:
        """Return log p(x_{t-1} | x_t) for rows of previous and current, shape (n, d) each, t = 1..T."""
        noise = Gaussian(
            np.zeros(self.offsets.shape[1]), np.sqrt(self.variances[t - 1]) * np.eye(self.offsets.shape[1])
        )
        return noise.log_prob(previous - current @ self.matrices[t - 1].T - self.offsets[t - 1])

    def joint(self) -> Gaussian:
        """Return the joint law of (x_T, x_{T-1}, ..., x_0), each d coordinates, from x_T ~ N(0, I)."""
        T, d = self.offsets.shape
        law = Gaussian.standard(d)
        for t in range(T, 0, -1):
            step = np.concatenate([np.zeros((d, law.n - d)), self.matrices[t - 1]], axis=1)
            law = law.extend(step, self.offsets[t - 1], np.sqrt(self.variances[t - 1]) * np.eye(d))
        return law

    def data_law(self) -> Gaussian:
        """Return the model's law of x_0, by pushing N(0, I) through the kernels one at a time (any T)."""
        T, d = self.offsets.shape
        law = Gaussian.standard(d)
        for t in range(T, 0, -1):
            noise = np.sqrt(self.variances[t - 1]) * np.eye(d)
            law = law.affine(self.matrices[t - 1], self.offsets[t - 1], noise).compressed()
        return law


def vlb_terms(x0: ArrayLike, betas: Betas, matrices: ArrayLike, offsets: ArrayLike, variances: ArrayLike) -> VLBTerms:
    """Return every term of the variational bound at x_0, shape (d,), and the exact log-likelihood, in nats.

    matrices (T, d, d) or (T,), offsets (T, d), (T,) or a number, variances (T,) above 0; index 0 is t = 1. Costs
    O((T d)^3). Claims: ddpm.elbo.decomposition, .lower_bound, .gap, ddpm.reconstruction.gaussian, onestep.elbo.
    """
    start, schedule, model = _setting(x0, betas, matrices, offsets, variances)
    d, T = start.size, schedule.size
    forward = forward_joint(start, schedule)
    last, first = forward.marginal(_block(T, d)), forward.marginal(_block(1, d))
    prior = gaussian_kl(last.mean, last.cov, np.zeros(d), np.eye(d))
    reconstruction = first.expect_quadratic(lambda x: model.kernel_log_density(np.broadcast_to(start, x.shape), x, 1))
    transitions = np.array([_transition(forward, model, t, d) for t in range(2, T + 1)])
    joint = model.joint()
    known = np.arange(T * d, (T + 1) * d)
    log_likelihood = float(joint.marginal(known).log_prob(start))
    model_posterior = joint.condition(known, start).marginal(
        np.concatenate([_block(T + 1 - t, d) for t in range(1, T + 1)])
    )
    gap = law_kl(forward, model_posterior)
    return VLBTerms(prior, transitions, reconstruction, log_likelihood, gap)


def path_elbo(x0: ArrayLike, betas: Betas, matrices: ArrayLike, offsets: ArrayLike, variances: ArrayLike) -> float:
    """Return the same bound straight from its definition E_q[log p(x_0..x_T) - log q(x_1..x_T | x_0)], in nats.

    One average over cubature points of the whole path; no term is split off. Claim: ddpm.elbo.definition.
    """
    start, schedule, model = _setting(x0, betas, matrices, offsets, variances)
    d, T = start.size, schedule.size
    forward, joint = forward_joint(start, schedule), model.joint()

    def log_ratio(path: Array) -> Array:
        backwards = [path[:, (t - 1) * d : t * d] for t in range(T, 0, -1)]
        whole = np.concatenate([*backwards, np.broadcast_to(start, (path.shape[0], d))], axis=1)
        return joint.log_prob(whole) - forward.log_prob(path)

    return forward.expect_quadratic(log_ratio)


def model_log_likelihood(x0: ArrayLike, matrices: ArrayLike, offsets: ArrayLike, variances: ArrayLike) -> float:
    """Return the exact log p(x_0) in nats, for any T (the law is pushed through one kernel at a time)."""
    start = real_array("x0", x0, ndim=1)
    T = positive_array("variances", variances, ndim=1).size
    return float(ReverseChain.of(T, start.size, matrices, offsets, variances).data_law().log_prob(start))


def matched_reverse_chain(mean0: float, var0: float, betas: Betas) -> ReverseChain:
    """Return the exact reverse kernels of scalar data x_0 ~ N(mean0, var0): the best model of that data (d = 1).

    Each kernel is the conditional of the data's joint law; the bound is then tight up to the latent term.
    """
    law = data_joint(np.array([mean0]), np.array([[var0]]), betas)
    T = law.n - 1
    pairs = [law.marginal([t - 1, t]) for t in range(1, T + 1)]
    at_zero, at_one = [p.condition([1], [0.0]) for p in pairs], [p.condition([1], [1.0]) for p in pairs]
    offsets = np.array([float(law_.mean[0]) for law_ in at_zero])
    slopes = np.array([float(law_.mean[0]) for law_ in at_one]) - offsets
    return ReverseChain.of(T, 1, slopes, offsets, np.array([float(law_.variances[0]) for law_ in at_zero]))


def expected_terms(mean0: float, var0: float, betas: Betas, model: ReverseChain) -> Sequence[float]:
    """Return E over scalar data N(mean0, var0) of (reconstruction, prior, transition 2, ..., transition T), in nats."""
    data = Gaussian.from_cov(np.array([mean0]), np.array([[var0]]))
    rows = [vlb_terms(x, betas, model.matrices, model.offsets, model.variances) for x in data.cubature()]
    table = np.array([[r.reconstruction, r.prior, *r.transitions] for r in rows])
    return [float(value) for value in table.mean(axis=0)]


def _transition(forward: Gaussian, model: ReverseChain, t: int, d: int) -> float:
    """Return E over q(x_{t-1}, x_t | x_0) of log q(x_{t-1} | x_t, x_0) - log p(x_{t-1} | x_t)."""
    pair = forward.marginal(np.concatenate([_block(t - 1, d), _block(t, d)]))
    late = pair.marginal(np.arange(d, 2 * d))

    def log_ratio(x: Array) -> Array:
        return pair.log_prob(x) - late.log_prob(x[:, d:]) - model.kernel_log_density(x[:, :d], x[:, d:], t)

    return pair.expect_quadratic(log_ratio)


def _block(t: int, d: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.arange((t - 1) * d, t * d)


def _setting(
    x0: ArrayLike, betas: Betas, matrices: ArrayLike, offsets: ArrayLike, variances: ArrayLike
) -> tuple[Array, Array, ReverseChain]:
    start, schedule = real_array("x0", x0, ndim=1), noise_schedule(betas)
    if start.size == 0:
        raise ValueError("x0 has 0 entries, but at least 1 is needed; give a vector of shape (d,)")
    return start, schedule, ReverseChain.of(schedule.size, start.size, matrices, offsets, variances)
