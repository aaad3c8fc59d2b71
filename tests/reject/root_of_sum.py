"""sqrt(u + w) = sqrt u + sqrt w."""

import sympy as sp

from derivations.rules import POSITIVE, Domain, scalar

u, w = scalar("u"), scalar("w")

CLAIM = dict(
    says=(sp.sqrt(u + w), "=", sp.sqrt(u) + sp.sqrt(w)), domain=Domain({"u": POSITIVE, "w": POSITIVE}), hypotheses=()
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(sp.sqrt(u + w))
    line(sp.sqrt(u) + sp.sqrt(w))
