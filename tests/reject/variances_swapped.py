"""The Gaussian KL with the ratio of variances upside down."""

import sympy as sp

from derivations.notation import d, z
from derivations.rules import KL, POSITIVE, Domain, Norm2, Normal, definition, density, moments, scalar, vector

m = vector("m")
v, w = scalar("v", positive=True), scalar("w")
narrow, wide = Normal(z, m, v), Normal(z, 0, w)

CLAIM = dict(
    says=(KL(narrow, wide), "=", Norm2(m) / (2 * w) + d / 2 * (w / v - 1 - sp.log(w / v))),
    domain=Domain({"v": POSITIVE, "w": POSITIVE}),
    hypotheses=(),
)
RIGHT = dict(
    says=(KL(narrow, wide), "=", Norm2(m) / (2 * w) + d / 2 * (v / w - 1 - sp.log(v / w))),
    domain=Domain({"v": POSITIVE, "w": POSITIVE}),
    hypotheses=(),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(KL(narrow, wide))
    line(Norm2(m) / (2 * w) + d / 2 * (w / v - 1 - sp.log(w / v)), by=[definition, density, moments])


def right(line):
    line(KL(narrow, wide))
    line(Norm2(m) / (2 * w) + d / 2 * (v / w - 1 - sp.log(v / w)), by=[definition, density, moments])
