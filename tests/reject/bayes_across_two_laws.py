"""The encoder is turned round with the model's marginals.

Bayes' rule relates conditionals of one law; q and p are two.
"""

from derivations.notation import obs, z
from derivations.rules import bayes, log_p

CLAIM = dict(says=(log_p("q", z, obs), "=", log_p("p", obs, z) + log_p("p", z) - log_p("p", obs)))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(log_p("q", z, obs))
    line(log_p("p", obs, z) + log_p("p", z) - log_p("p", obs), by=bayes)
