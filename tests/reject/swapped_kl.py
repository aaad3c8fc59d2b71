"""KL(p, q) averaged under q instead of p."""

from derivations.notation import z
from derivations.rules import KL, Density, Domain, Expect, LogDensity, definition

first, second = Density("p", z), Density("q", z)
ratio = LogDensity(first) - LogDensity(second)

CLAIM = dict(says=(KL(first, second), "=", Expect(second, ratio)), domain=Domain(), hypotheses=())
RIGHT = dict(says=(KL(first, second), "=", Expect(first, ratio)), domain=Domain(), hypotheses=())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(KL(first, second))
    line(Expect(second, ratio), by=definition)


def right(line):
    line(KL(first, second))
    line(Expect(first, ratio), by=definition)
