"""Errata of the lecture notes "Chapter 2: VAEs and Diffusion Models"."""

from __future__ import annotations

import sympy as sp

from derivations.published.erratum import Editorial, Erratum, at
from derivations.rules import POSITIVE, Claim, Domain, Statement, scalar

# --- N11: the normaliser of the Gaussian decoder matters when sigma is learned ----------------------------------------

spread = scalar("sigma_x", r"\sigma", positive=True)
mse = scalar("mse", r"\mathrm{MSE}", positive=True)
per_pixel = -sp.log(sp.sqrt(2 * sp.pi) * spread) - mse / (2 * spread**2)
LEARNED = Domain({"sigma_x": POSITIVE, "mse": POSITIVE})

N11 = Erratum(
    id="N11",
    source="notes, after (1.3) and (1.4)",
    severity="imprecise",
    words="Dropping the normaliser leaves an objective that grows with sigma without end: useless for learning sigma.",
    printed=Claim(
        id="errata.N11",
        title="The constant can be neglected",
        chapter="errata",
        kind="identity",
        says=(Statement(-mse / (2 * spread**2), "=", per_pixel),),
        domain=LEARNED,
        scope="d = 1",
        sources=("notes, after (1.3)",),
        expects="refuted",
        worlds=(at({"mse": "0.04", "sigma_x": "0.2"}),),
    ),
    correction="vae.decoder.gaussian",
)

ERRATA = (N11,)
EDITORIAL = (
    Editorial(
        "N18", "notes, section 2", "Diffusion Denoising Probabilistic Model", "Denoising Diffusion Probabilistic Model"
    ),
)
