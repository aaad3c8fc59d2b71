"""log(u + w) = log u + log w."""

import sympy as sp

from derivations.rules import POSITIVE, Domain, scalar

u, w = scalar("u"), scalar("w")

CLAIM = dict(
    says=(sp.log(u + w), "=", sp.log(u) + sp.log(w)), domain=Domain({"u": POSITIVE, "w": POSITIVE}), hypotheses=()
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(sp.log(u + w))
    line(sp.log(u) + sp.log(w))
