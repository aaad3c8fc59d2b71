"""log(u w) = log u + log w where both may be negative."""

import sympy as sp

from derivations.rules import POSITIVE, REAL, Domain, scalar

u, w = scalar("u"), scalar("w")

CLAIM = dict(says=(sp.log(u * w), "=", sp.log(u) + sp.log(w)), domain=Domain({"u": REAL, "w": REAL}), hypotheses=())
RIGHT = dict(
    says=(sp.log(u * w), "=", sp.log(u) + sp.log(w)), domain=Domain({"u": POSITIVE, "w": POSITIVE}), hypotheses=()
)
FAILS_AT = 0
BECAUSE = "side condition"


def wrong(line):
    line(sp.log(u * w))
    line(sp.log(u) + sp.log(w))


def right(line):
    line(sp.log(u * w))
    line(sp.log(u) + sp.log(w))
