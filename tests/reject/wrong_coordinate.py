"""The derivative of a sum of squares in one coordinate, summed over all of them."""

import sympy as sp

from derivations.notation import i, j, k, mu
from derivations.rules import Coord, D, Domain, SumTo, differentiation

CLAIM = dict(
    says=(D(SumTo(Coord(mu, i) ** 2, i, 1, k), Coord(mu, j)), "=", SumTo(2 * Coord(mu, i), i, 1, k)),
    domain=Domain(indices={k: (sp.Integer(1), sp.oo), j: (sp.Integer(1), k)}),
    hypotheses=(),
)
RIGHT = dict(
    says=(D(SumTo(Coord(mu, i) ** 2, i, 1, k), Coord(mu, j)), "=", 2 * Coord(mu, j)),
    domain=Domain(indices={k: (sp.Integer(1), sp.oo), j: (sp.Integer(1), k)}),
    hypotheses=(),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(D(SumTo(Coord(mu, i) ** 2, i, 1, k), Coord(mu, j)))
    line(SumTo(2 * Coord(mu, i), i, 1, k), by=differentiation)


def right(line):
    line(D(SumTo(Coord(mu, i) ** 2, i, 1, k), Coord(mu, j)))
    line(2 * Coord(mu, j), by=differentiation)
