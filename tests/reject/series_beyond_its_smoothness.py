"""A remainder that needs more derivatives than are declared."""

from derivations.rules import POSITIVE, Domain, Series, rate, scalar, scalar_function, series, smoothness

h, s = scalar("step_h", positive=True), scalar("place_s")
f = scalar_function("rejected_f")
DOMAIN = Domain({"step_h": POSITIVE})

CLAIM = dict(says=(Series(f(s + h), h, 2), "=", f(s) + h * rate(f(s))), domain=DOMAIN, hypotheses=(smoothness(f, 1),))
RIGHT = dict(says=(Series(f(s + h), h, 2), "=", f(s) + h * rate(f(s))), domain=DOMAIN, hypotheses=(smoothness(f, 2),))
FAILS_AT = 0
BECAUSE = "needs 2 continuous derivatives of rejected_f, and 1 are declared"


def wrong(line):
    line(Series(f(s + h), h, 2))
    line(f(s) + h * rate(f(s)), by=series)


right = wrong
