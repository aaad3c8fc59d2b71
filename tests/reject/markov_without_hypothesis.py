"""x_0 dropped from the condition by Bayes alone, in a chain that need not be Markov."""

from derivations.notation import forward_markov, schedule, t, x
from derivations.rules import bayes, given, log_p

CLAIM = dict(says=(log_p("q", x(t), [x(t - 1), x(0)]), "=", log_p("q", x(t), x(t - 1))), domain=schedule())
RIGHT = dict(
    says=(log_p("q", x(t), [x(t - 1), x(0)]), "=", log_p("q", x(t), x(t - 1))),
    domain=schedule(),
    hypotheses=(forward_markov,),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(log_p("q", x(t), [x(t - 1), x(0)]))
    line(log_p("q", x(t), x(t - 1)), by=bayes)


def right(line):
    line(log_p("q", x(t), [x(t - 1), x(0)]))
    line(log_p("q", x(t), x(t - 1)), by=given(forward_markov))
