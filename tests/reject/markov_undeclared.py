"""The Markov property used without declaring it."""

from derivations.notation import forward_markov, schedule, t, x
from derivations.rules import given, log_p

CLAIM = dict(says=(log_p("q", x(t), [x(t - 1), x(0)]), "=", log_p("q", x(t), x(t - 1))), domain=schedule())
FAILS_AT = 2
BECAUSE = "does not declare"


def wrong(line):
    line(log_p("q", x(t), [x(t - 1), x(0)]))
    line(log_p("q", x(t), x(t - 1)), by=given(forward_markov))
