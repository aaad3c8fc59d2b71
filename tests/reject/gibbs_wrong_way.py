"""Adding a divergence and calling the result smaller."""

from derivations.notation import z
from derivations.rules import KL, REAL, Density, Domain, gibbs, scalar

first, second = Density("p", z), Density("q", z)
u = scalar("u")
DOMAIN = Domain({"u": REAL})

CLAIM = dict(says=(u + KL(first, second), "<=", u), domain=DOMAIN)
RIGHT = dict(says=(u + KL(first, second), ">=", u), domain=DOMAIN)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(u + KL(first, second))
    line.le(u, by=gibbs)


def right(line):
    line(u + KL(first, second))
    line.ge(u, by=gibbs)
