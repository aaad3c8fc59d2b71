"""Exercises on the spread of a decoder."""

from __future__ import annotations

import sympy as sp

from derivations.exercises import exercise
from derivations.notation import d, integrable, sigma_x
from derivations.rules import POSITIVE, Chain, Domain, Statement, by_claim
from derivations.vae.spread import fit, mean_error, sigma_best

SPREADS = Domain({"sigma_x": POSITIVE, "sigma_best": POSITIVE})
GIVEN = (integrable, mean_error)

# --- what a wrong spread costs ----------------------------------------------------------------------------------------

ratio = sigma_best**2 / sigma_x**2

cost = exercise(
    "decoder_spread.cost",
    "What a wrong spread costs",
    Statement(fit(sigma_best) - fit(sigma_x), "=", d / 2 * (ratio - 1 - sp.log(ratio))),
    domain=SPREADS,
    hypotheses=GIVEN,
)


@cost.proves()
def _(line: Chain) -> None:
    line(fit(sigma_best) - fit(sigma_x))
    line(
        d * (sp.log(2 * sp.pi * sigma_x**2) + ratio) / 2 - d * (sp.log(2 * sp.pi * sigma_best**2) + 1) / 2,
        by=[by_claim("vae.decoder.optimal_variance", 1), by_claim("vae.decoder.optimal_variance")],
        why="both fits in closed form",
    )
    line(d / 2 * (ratio - 1 - sp.log(ratio)), why="the logarithms differ by that of the ratio")


# --- twice the best, half the best ------------------------------------------------------------------------------------

half = sp.Rational(1, 2)

too_sharp = exercise(
    "decoder_spread.twice_or_half",
    "Twice the best spread, and half of it",
    Statement(
        fit(sigma_best) - fit(2 * sigma_best), "=", d * (sp.log(2) - sp.Rational(3, 8)), words="twice the best spread"
    ),
    Statement(
        fit(sigma_best) - fit(sigma_best / 2), "=", d * (sp.Rational(3, 2) - sp.log(2)), words="half of it costs more"
    ),
    domain=Domain({"sigma_best": POSITIVE}),
    hypotheses=GIVEN,
)


@too_sharp.proves()
def _(line: Chain) -> None:
    line(fit(sigma_best) - fit(2 * sigma_best))
    line(
        d * (sp.log(8 * sp.pi * sigma_best**2) + sp.Rational(1, 4)) / 2
        - d * (sp.log(2 * sp.pi * sigma_best**2) + 1) / 2,
        by=[
            by_claim("vae.decoder.optimal_variance", at={sigma_x: sigma_best}),
            by_claim("vae.decoder.optimal_variance", at={sigma_x: 2 * sigma_best}),
        ],
    )
    line(d * (sp.log(2) - sp.Rational(3, 8)), why="the logarithms differ by log 4")


@too_sharp.proves(1)
def _(line: Chain) -> None:
    line(fit(sigma_best) - fit(sigma_best / 2))
    line(
        d * (sp.log(sp.pi * sigma_best**2 / 2) + 4) / 2 - d * (sp.log(2 * sp.pi * sigma_best**2) + 1) / 2,
        by=[
            by_claim("vae.decoder.optimal_variance", at={sigma_x: sigma_best}),
            by_claim("vae.decoder.optimal_variance", at={sigma_x: sigma_best / 2}),
        ],
    )
    line(d * (sp.Rational(3, 2) - sp.log(2)), why="now the error counts four times")
