"""The diffusion bound: the statements against finite chains with every path enumerated, in 50-digit decimals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reference import linear_gaussian
from threefold.witnesses.cases.finite import FiniteChains, FinitePaths
from threefold.witnesses.cases.runs import Run, Runs
from threefold.witnesses.shapes import Inequality, Shape, Value, measured, measurement


@measured("ddpm.elbo.definition", method="every path x_1..x_T enumerated", cases=FiniteChains())
def _(s: FinitePaths) -> Iterator[Shape]:
    for part in (0, 1):
        yield Value(part, s.point(), s.model.elbo(s.start))


@measured("ddpm.elbo.lower_bound", method="log p(x_0) as the log of a sum over all paths", cases=FiniteChains())
def _(s: FinitePaths) -> Iterator[Shape]:
    yield Inequality(0, s.point(), s.model.log_evidence(s.start), s.model.elbo(s.start))


@measured("ddpm.elbo.gap", method="divergence between two laws of whole paths, enumerated", cases=FiniteChains())
def _(s: FinitePaths) -> Iterator[Shape]:
    yield Value(0, s.point(), s.model.log_evidence(s.start))
    yield Value(0, s.point(), s.model.elbo(s.start) + s.model.gap(s.start))


@measured("ddpm.elbo.telescoping", method="probabilities of every path of a random encoder", cases=FiniteChains())
def _(s: FinitePaths) -> Iterator[Shape]:
    law, path = s.model.encoder_law(s.start), list(s.path)
    yield Value(0, s.point(), float(np.exp(law.log_prob(law.names, path))))
    for t in range(2, s.model.T + 1):
        step = law.log_prob((f"x{t}",), path, (f"x{t - 1}",))
        yield Value(1, s.point(t), float(np.exp(step)))


decomposition = measurement(
    "ddpm.elbo.decomposition",
    method="every term enumerated, and the sum over paths; linear-Gaussian chains in one mean",
)


@decomposition.over(FiniteChains())
def _(s: FinitePaths) -> Iterator[Shape]:
    terms = s.model.reconstruction(s.start) - s.model.latent_kl(s.start) - sum(s.model.consistency(s.start))
    yield Value(0, s.point(), terms)
    yield Value(0, s.point(), s.model.elbo(s.start))


@decomposition.over(Runs(kinds=("ordinary", "one step", "huge betas"), affine=True, most=3, share=8))
def _(s: Run) -> Iterator[Shape]:
    slopes, shifts = s.network.slope[:, 0, 0], s.network.shift[:, 0]
    found = linear_gaussian.path_elbo(s.x0, s.betas, slopes, shifts, s.sigmas**2)
    yield Value(0, s.point("mu_theta", tables={"p": s.affine_law()}), found)
