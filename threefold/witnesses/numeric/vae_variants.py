"""Divergences of pairs, the cost of a code over a data set, other weights, a decoder that ignores its code: counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from reference import finite, latent
from threefold.witnesses.cases.finite import Coded, FiniteVAEs
from threefold.witnesses.shapes import Inequality, Shape, Value, measured

PRICES = (1.0, 1.0 + 2.0**-10, 4.0, 1.5)  # at 1 the two bounds are one


def _uniform(model: latent.FiniteVAE) -> finite.Table:
    """The law of x under which the encoder's joint law is tabled: every x alike."""
    count = model.encoder.shape[1]
    return np.array([Fraction(1, count)] * count, dtype=object)


@measured("kl.chain_rule", method="integral along the path of laws between the two joint tables", cases=FiniteVAEs())
def _(s: Coded) -> Iterator[Shape]:
    data = _uniform(s.model)
    ours, theirs = (s.model.encoder * data).T, s.model.joint().table
    joint = finite.finite_kl_path(ours.ravel(), theirs.ravel())
    yield Value(0, s.point, joint)
    yield Inequality(1, s.point, finite.finite_kl_path(data, theirs.sum(axis=1)), joint)


@measured(
    "vae.elbo.latent_term.aggregate",
    method="every x and every code counted; the information from three entropies",
    cases=FiniteVAEs(),
)
def _(s: Coded) -> Iterator[Shape]:
    data = _uniform(s.model)
    price = sum(s.model.latent_kl(x) for x in range(len(data))) / len(data)
    yield Value(0, s.point, price)
    yield Inequality(1, s.point, s.model.code_information(data), price)


@measured("vae.beta.bound", method="reconstruction and price, each summed over all latents", cases=FiniteVAEs())
def _(s: Coded) -> Iterator[Shape]:
    beta = PRICES[s.observed % len(PRICES)]
    point = replace(s.point, numbers={"beta_vae": beta})
    weighted = s.model.reconstruction(s.observed) - beta * s.model.latent_kl(s.observed)
    yield Value(0, point, weighted)
    yield Inequality(1, point, weighted, s.model.elbo(s.observed))
    yield Inequality(2, point, weighted, s.model.log_evidence(s.observed))


@measured(
    "vae.posterior_collapse", method="every latent enumerated, the decoder's columns all one law", cases=FiniteVAEs()
)
def _(s: Coded) -> Iterator[Shape]:
    deaf = np.repeat(s.model.decoder[:, :1], s.model.decoder.shape[1], axis=1)
    collapsed = Coded(latent.FiniteVAE(s.model.prior, deaf, s.model.encoder), s.observed)
    yield Value(0, collapsed.point, collapsed.model.elbo(s.observed))
