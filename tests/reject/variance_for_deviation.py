"""A sample written as mean plus variance times noise."""

import sympy as sp

from derivations.notation import eps, z
from derivations.rules import POSITIVE, Domain, Expect, Normal, reparameterize, scalar, scalar_function, vector

f, m = scalar_function("f"), vector("m")
v = scalar("v", positive=True)

CLAIM = dict(
    says=(Expect(Normal(z, m, v), f(z)), "=", Expect(Normal(eps, 0, 1), f(m + v * eps))),
    domain=Domain({"v": POSITIVE}),
    hypotheses=(),
)
RIGHT = dict(
    says=(Expect(Normal(z, m, v), f(z)), "=", Expect(Normal(eps, 0, 1), f(m + sp.sqrt(v) * eps))),
    domain=Domain({"v": POSITIVE}),
    hypotheses=(),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(Normal(z, m, v), f(z)))
    line(Expect(Normal(eps, 0, 1), f(m + v * eps)), by=reparameterize(eps))


def right(line):
    line(Expect(Normal(z, m, v), f(z)))
    line(Expect(Normal(eps, 0, 1), f(m + sp.sqrt(v) * eps)), by=reparameterize(eps))
