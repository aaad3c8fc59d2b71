"""Latent variables and VAEs: the claims' statements against counting, quadrature and complex-step derivatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import reference
from derivations.library import find
from derivations.refutation.laws import FiniteJoint
from reference import decoders, divergences, finite, gradients, latent
from threefold.witnesses.oracle import Array, Point, finite_law
from threefold.witnesses.registry import Cases, Comparison, Differs, numeric

# --- laws by counting -------------------------------------------------------------------------------------------------


def _simplexes(case: Cases) -> Iterator[tuple[Array, Array]]:
    """Pairs of laws over 1 to 6 values; some nearly equal, some with a probability near 0."""
    for n in range(case.n):
        size = n % 6 + 1
        p, q = finite.random_simplex(case.rng, size), finite.random_simplex(case.rng, size)
        if n % 5 == 1:
            q = p * (1 + 1e-3 * case.rng.standard_normal(size))
        if n % 5 == 2 and size > 1:
            p[0] *= 1e-12
        yield p / p.sum(), q / q.sum()


def _over_x(p: Array) -> FiniteJoint:
    return finite_law([("x_obs",)], p)


@numeric("gaussian.kl.nonnegative", method="sum over all outcomes of a finite law, 50-digit logarithms")
def _(case: Cases) -> Iterator[Comparison]:
    for p, q in _simplexes(case):
        stated = Point(tables={"p": _over_x(p), "q": _over_x(q)}).lhs("gaussian.kl.nonnegative")
        counted = finite.finite_kl(p, q)
        yield Comparison("KL(p, q)", stated, counted, scale=max(abs(counted), 1e-3))
        yield Comparison("KL is not negative", min(counted, 0.0), 0.0, scale=1.0)
        yield Comparison("KL(p, p) is 0", finite.finite_kl(p, p), 0.0, scale=1.0)


@numeric("vae.mle.kl_equivalence", method="entropy and cross-entropy of finite laws, counted")
def _(case: Cases) -> Iterator[Comparison]:
    for p, q in _simplexes(case):
        other = finite.random_simplex(case.rng, len(p))
        point = Point(tables={"p_data": _over_x(p), "p_theta": _over_x(q), "p_theta_prime": _over_x(other)})
        counted = finite.finite_cross_entropy(p, q) - finite.finite_entropy(p)
        yield Comparison("-H - E log p", point.rhs("vae.mle.kl_equivalence"), counted, scale=max(counted, 1e-3))
        gain = finite.finite_kl(p, q) - finite.finite_kl(p, other)
        yield Comparison("gain of one model", point.rhs("vae.mle.kl_equivalence", 1), gain, scale=max(abs(gain), 1e-3))


# --- the evidence lower bound, by counting latents --------------------------------------------------------------------


def _vaes(case: Cases) -> Iterator[tuple[latent.FiniteVAE, int, Point]]:
    """Finite models with 1 to 4 latents and observations, and the point that reads the same tables."""
    for n in range(case.n):
        nx, nz = n % 4 + 1, (n // 4) % 4 + 1
        model = latent.random_vae(case.rng, nx, nz)
        observed = int(case.rng.integers(nx))
        yield model, observed, _read(model, observed)


def _read(model: latent.FiniteVAE, observed: int) -> Point:
    joint = finite_law([("x_obs",), ("z",)], np.asarray(model.joint().table, dtype=float))
    encoder = np.asarray(model.encoder, dtype=float)
    weighted = finite_law([("z",), ("x_obs",)], encoder / encoder.shape[1])  # q(z | x) with any law of x
    return Point(vectors={"x_obs": [observed]}, tables={"p": joint, "q": weighted})


@numeric("vae.elbo.definition", method="every latent enumerated: E log p(x, z)/q(z|x) in one sum")
def _(case: Cases) -> Iterator[Comparison]:
    for model, observed, point in _vaes(case):
        yield Comparison("ELBO", point.rhs("vae.elbo.definition"), model.elbo(observed), scale=1.0)


@numeric("vae.elbo.joint_form", method="reconstruction and latent KL, each summed over all latents")
def _(case: Cases) -> Iterator[Comparison]:
    for model, observed, point in _vaes(case):
        counted = model.reconstruction(observed) - model.latent_kl(observed)
        yield Comparison("joint form", point.rhs("vae.elbo.joint_form"), counted, scale=1.0)


@numeric("vae.elbo.decomposition", method="log p(x) as the log of a sum over latents")
def _(case: Cases) -> Iterator[Comparison]:
    for model, observed, point in _vaes(case):
        evidence = model.log_evidence(observed)
        yield Comparison("ELBO + KL to the posterior", point.rhs("vae.elbo.decomposition"), evidence, scale=1.0)
        yield Comparison(
            "gap", point.rhs("vae.elbo.decomposition") - model.elbo(observed), model.gap(observed), scale=1.0
        )


@numeric("vae.elbo.lower_bound", method="log p(x) by enumeration against the bound")
def _(case: Cases) -> Iterator[Comparison]:
    for model, observed, point in _vaes(case):
        bound, evidence = point.lhs("vae.elbo.lower_bound"), model.log_evidence(observed)
        yield Comparison("bound", bound, model.elbo(observed), scale=1.0)
        yield Comparison("bound <= evidence", max(bound - evidence, 0.0), 0.0, scale=1.0)


@numeric("vae.elbo.tightness", method="the encoder replaced by the enumerated posterior")
def _(case: Cases) -> Iterator[Comparison | Differs]:
    for model, observed, point in _vaes(case):
        encoder = np.array(model.encoder, dtype=float)
        encoder[:, observed] = np.asarray(model.posterior(observed), dtype=float)
        tight = _read(latent.FiniteVAE(model.prior, model.decoder, encoder), observed)
        yield Comparison("tight", tight.value(_elbo()), model.log_evidence(observed), scale=1.0)
        if model.gap(observed) > 1e-2:
            yield Differs(
                "not tight otherwise", np.exp(point.value(_elbo())), np.exp(model.log_evidence(observed)), gap=5e-3
            )


def _elbo() -> object:
    return find("vae.elbo.definition").says[0].rhs


# --- Gaussian divergences ---------------------------------------------------------------------------------------------


def _covariance(case: Cases, k: int) -> Array:
    root = case.rng.standard_normal((k, k)) + 2 * np.eye(k)
    return np.asarray(root @ root.T * 10.0 ** case.rng.uniform(-2, 1))


@numeric(
    "gaussian.kl.full_covariance", method="integral of the log-likelihood ratio's variance along the path from q to p"
)
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n):
        k = n % 4 + 1
        means = case.rng.standard_normal((2, k)) * 3
        covariances = [_covariance(case, k) for _ in range(2)]
        point = Point(
            numbers={"k": k},
            vectors={"mu_p": means[0], "mu_q": means[1]},
            covariances={"Sigma_p": covariances[0], "Sigma_q": covariances[1]},
        )
        measured = reference.gaussian_kl(means[0], covariances[0], means[1], covariances[1])
        yield Comparison(f"k = {k}", point.rhs("gaussian.kl.full_covariance"), measured)
        cubature = divergences.gaussian_kl_cubature(means[0], covariances[0], means[1], covariances[1])
        yield Comparison(
            f"k = {k}, cubature", point.rhs("gaussian.kl.full_covariance"), cubature, scale=max(cubature, 1.0)
        )


def _codes(case: Cases) -> Iterator[tuple[Array, Array]]:
    """Means and standard deviations of encoders: 1 to 4 coordinates, some near 0, some codes at the prior."""
    for n in range(case.n):
        k = n % 4 + 1
        mean = case.rng.standard_normal(k) * 2
        deviation = np.exp(case.rng.uniform(-3, 1, k))
        if n % 8 == 0:
            mean, deviation = np.zeros(k), np.ones(k)
        if n % 8 == 1:
            deviation[0] = 1e-4
        yield mean, deviation


@numeric("gaussian.kl.diagonal_to_standard", method="integral along the path of normal laws, coordinate by coordinate")
def _(case: Cases) -> Iterator[Comparison]:
    for mean, deviation in _codes(case):
        k = len(mean)
        point = Point(numbers={"k": k}, vectors={"mu": mean, "std": deviation, "log_variance": 2 * np.log(deviation)})
        measured = float(reference.gaussian_kl_diag(mean, deviation**2, np.zeros(k), np.ones(k)))
        scale = max(measured, 1e-2)
        yield Comparison("by sigma", point.rhs("gaussian.kl.diagonal_to_standard"), measured, scale=scale)
        yield Comparison("by log variance", point.rhs("gaussian.kl.diagonal_to_standard", 1), measured, scale=scale)


@numeric("gaussian.kl.isotropic", method="grid sum of p log(p/q) for one coordinate, path integral for all")
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n):
        d = n % 4 + 1
        m_1, m_2 = case.rng.standard_normal((2, d))
        v_1, v_2 = np.exp(case.rng.uniform(-2, 2, 2))
        point = Point(d, numbers={"v_1": v_1, "v_2": v_2}, vectors={"m_1": m_1, "m_2": m_2})
        measured = float(reference.gaussian_kl_diag(m_1, np.full(d, v_1), m_2, np.full(d, v_2)))
        yield Comparison(f"d = {d}", point.rhs("gaussian.kl.isotropic"), measured)
        if d == 1:
            summed = divergences.gaussian_kl_line(m_1[0], v_1, m_2[0], v_2)
            yield Comparison("on a grid", point.rhs("gaussian.kl.isotropic"), summed, scale=max(summed, 1e-2))


@numeric("gaussian.kl.gradients", method="complex-step derivatives of the divergence integrated numerically")
def _(case: Cases) -> Iterator[Comparison]:
    for n, (mean, deviation) in enumerate(_codes(case)):
        if n % 8 == 1:
            continue  # a deviation of 1e-4 asks more of the integral's derivative than it can give
        k, j = len(mean), n % len(mean) + 1
        point = Point(
            numbers={"k": k, "j": j}, vectors={"mu": mean, "std": deviation, "log_variance": 2 * np.log(deviation)}
        )
        measured = gradients.latent_kl_gradient(mean, deviation)
        values = (measured.mean, measured.log_variance, measured.sd)
        for part, (name, value) in enumerate(zip(("mean", "log variance", "sigma"), values, strict=True)):
            stated = point.rhs("gaussian.kl.gradients", part)
            yield Comparison(name, stated, float(value[j - 1]), scale=max(1.0, abs(float(value[j - 1]))))


# --- decoders ---------------------------------------------------------------------------------------------------------


def _curved(seed: int, d: int) -> Callable[[Array], Array]:
    """A nonlinear decoder R^k -> R^d, for one code or a batch of them."""

    def decode(z: Array) -> Array:
        rows = [np.cos(seed + i + np.arange(np.shape(z)[-1])) for i in range(d)]
        return np.stack([np.tanh(np.asarray(z) @ row) for row in rows], -1)

    return decode


@numeric("vae.decoder.gaussian", method="log-density with its normaliser integrated numerically")
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n):
        d = n % 3 + 1
        x, code = case.rng.standard_normal(d), case.rng.standard_normal(2)
        spread = float(np.exp(case.rng.uniform(-3, 2)))
        decoder = _curved(n, d)
        point = Point(
            d,
            numbers={"sigma_x": spread, "k": 2},
            vectors={"x_obs": x, "z": code},
            networks={"mu_theta": decoder},
        )
        measured = decoders.gaussian_log_likelihood(x, decoder(code), spread)
        yield Comparison(f"d = {d}", point.rhs("vae.decoder.gaussian"), measured)


@numeric("vae.decoder.bernoulli", method="logarithm of the exact product of probabilities; complex-step derivative")
def _(case: Cases) -> Iterator[Comparison]:
    for n in range(case.n):
        d = n % 5 + 1
        bits = case.rng.integers(0, 2, d).astype(float)
        logits = case.rng.standard_normal(d) * (8 if n % 4 == 0 else 2)
        chances = 1 / (1 + np.exp(-logits))
        j = n % d + 1
        point = Point(
            d,
            numbers={"j": j},
            vectors={"x_obs": bits, "logit": logits, "z": [0.0]},
            networks={"pi_theta": lambda _, chances=chances: chances},
        )
        measured = decoders.bernoulli_log_likelihood(bits, chances)
        yield Comparison("by probabilities", point.rhs("vae.decoder.bernoulli"), measured)
        yield Comparison("by logits", point.rhs("vae.decoder.bernoulli", 1), measured)
        slope = decoders.bernoulli_logit_gradient(bits, logits)[j - 1]
        yield Comparison("derivative", point.rhs("vae.decoder.bernoulli", 2), slope, scale=1.0)
