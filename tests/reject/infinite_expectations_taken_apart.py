"""An average is taken apart, and nobody said that the parts are finite.

Linearity needs the hypothesis `integrable`.
"""

from derivations.notation import integrable, q, z
from derivations.rules import Expect, linearity, scalar_function

f, g = scalar_function("f"), scalar_function("g")
both, one, two = (f(z) + g(z), Expect(q(z), f(z)), Expect(q(z), g(z)))

CLAIM = dict(says=(Expect(q(z), both), "=", one + two))
RIGHT = dict(says=(Expect(q(z), both), "=", one + two), hypotheses=(integrable,))
FAILS_AT = 0
BECAUSE = "declare the hypothesis 'integrable'"


def wrong(line):
    line(Expect(q(z), both))
    line(one + two, by=linearity)


def right(line):
    line(Expect(q(z), both))
    line(one + two, by=linearity)
