"""A Laplacian of a function of which one derivative is declared: it takes two."""

from derivations.rules import Laplacian, scalar_function, smoothness, vector, vector_calculus

V, z = scalar_function("rejected_V"), vector("z")

CLAIM = dict(says=(Laplacian(2 * V(z), z), "=", 2 * Laplacian(V(z), z)), hypotheses=(smoothness(V, 1),))
RIGHT = dict(says=CLAIM["says"], hypotheses=(smoothness(V, 2),))
FAILS_AT = 0
BECAUSE = "has 2 derivatives"


def wrong(line):
    line(Laplacian(2 * V(z), z))
    line(2 * Laplacian(V(z), z), by=vector_calculus)


right = wrong
