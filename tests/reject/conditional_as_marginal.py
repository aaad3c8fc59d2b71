"""q(x_t | x_0) taken for q(x_t)."""

from derivations.notation import schedule, t, x
from derivations.rules import bayes, log_p

CLAIM = dict(says=(log_p("q", x(t), x(0)), "=", log_p("q", x(t))), domain=schedule(), hypotheses=())
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(log_p("q", x(t), x(0)))
    line(log_p("q", x(t)), by=bayes)
