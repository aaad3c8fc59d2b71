"""What is known of one step t is used for every term of a sum over t.

The hypothesis holds for the claim's own t; the index of the sum is another t.
"""

import sympy as sp

from derivations.notation import T, t
from derivations.rules import Domain, Hypothesis, SumTo, given, scalar_function

f, g = scalar_function("f"), scalar_function("g")
here = Hypothesis("here", "at this step", f(t), g(t))
everywhere = Hypothesis("everywhere", "at every step", f(t), g(t), {t: (sp.S.One, T)})

CLAIM = dict(
    says=(SumTo(f(t), t, 1, T), "=", SumTo(g(t), t, 1, T)),
    domain=Domain(indices={T: (1, sp.oo), t: (1, T)}),
    hypotheses=(here,),
)
RIGHT = dict(
    says=(SumTo(f(t), t, 1, T), "=", SumTo(g(t), t, 1, T)),
    domain=Domain(indices={T: (1, sp.oo), t: (1, T)}),
    hypotheses=(everywhere,),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(SumTo(f(t), t, 1, T))
    line(SumTo(g(t), t, 1, T), by=given(here))


def right(line):
    line(SumTo(f(t), t, 1, T))
    line(SumTo(g(t), t, 1, T), by=given(everywhere))
