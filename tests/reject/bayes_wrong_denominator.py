"""Bayes with q(x_t) below where everything is given x_0."""

from derivations.notation import schedule, t, x
from derivations.rules import bayes, log_p

joint = log_p("q", x(t), [x(t - 1), x(0)]) + log_p("q", x(t - 1), x(0))

CLAIM = dict(
    says=(log_p("q", x(t - 1), [x(t), x(0)]), "=", joint - log_p("q", x(t))), domain=schedule(2), hypotheses=()
)
RIGHT = dict(
    says=(log_p("q", x(t - 1), [x(t), x(0)]), "=", joint - log_p("q", x(t), x(0))), domain=schedule(2), hypotheses=()
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(log_p("q", x(t - 1), [x(t), x(0)]))
    line(joint - log_p("q", x(t)), by=bayes)


def right(line):
    line(log_p("q", x(t - 1), [x(t), x(0)]))
    line(joint - log_p("q", x(t), x(0)), by=bayes)
