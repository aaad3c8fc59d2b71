"""The posterior is likelihood times prior, and nobody divides by the evidence.

Log p(z | x) = log p(x | z) + log p(z) - log p(x).
"""

from derivations.notation import obs, z
from derivations.rules import bayes, log_p

likelihood, prior = (log_p("p", obs, z), log_p("p", z))

CLAIM = dict(says=(log_p("p", z, obs), "=", likelihood + prior))
RIGHT = dict(says=(log_p("p", z, obs), "=", likelihood + prior - log_p("p", obs)))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(log_p("p", z, obs))
    line(likelihood + prior, by=bayes)


def right(line):
    line(log_p("p", z, obs))
    line(likelihood + prior - log_p("p", obs), by=bayes)
