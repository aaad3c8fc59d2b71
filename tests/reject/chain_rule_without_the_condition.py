"""A joint density is the product of two marginals.

Log q(a, b) = log q(a) + log q(b | a).
"""

from derivations.notation import x
from derivations.rules import bayes, log_p

CLAIM = dict(says=(log_p("q", [x(1), x(2)]), "=", log_p("q", x(1)) + log_p("q", x(2))))
RIGHT = dict(says=(log_p("q", [x(1), x(2)]), "=", log_p("q", x(1)) + log_p("q", x(2), x(1))))
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(log_p("q", [x(1), x(2)]))
    line(log_p("q", x(1)) + log_p("q", x(2)), by=bayes)


def right(line):
    line(log_p("q", [x(1), x(2)]))
    line(log_p("q", x(1)) + log_p("q", x(2), x(1)), by=bayes)
