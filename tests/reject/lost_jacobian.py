"""The density of mu + sigma eps without dividing by sigma."""

import sympy as sp

from derivations.notation import eps, k, mu, standard_normal, std, z
from derivations.rules import POSITIVE, AffineImage, Coord, Domain, LogDensity, SumTo, jacobian

i = sp.Symbol("i", integer=True, positive=True)
image = AffineImage(z, i, Coord(mu, i), Coord(std, i), standard_normal(eps, k), k)
SPREAD = Domain({"std": POSITIVE}, {k: (sp.Integer(1), sp.oo)})
squares = -sp.log(2 * sp.pi) / 2 - ((Coord(z, i) - Coord(mu, i)) / Coord(std, i)) ** 2 / 2

CLAIM = dict(says=(LogDensity(image), "=", SumTo(squares, i, 1, k)), domain=SPREAD, hypotheses=())
RIGHT = dict(
    says=(LogDensity(image), "=", SumTo(squares - sp.log(Coord(std, i)), i, 1, k)), domain=SPREAD, hypotheses=()
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(LogDensity(image))
    line(SumTo(squares, i, 1, k), by=jacobian)


def right(line):
    line(LogDensity(image))
    line(SumTo(squares - sp.log(Coord(std, i)), i, 1, k), by=jacobian)
