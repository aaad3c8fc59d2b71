"""The Markov property holds for t = 1..T; here it is used at T + 1."""

from derivations.notation import T, forward_markov, schedule, x
from derivations.rules import given, log_p

CLAIM = dict(
    says=(log_p("q", x(T + 1), [x(T), x(0)]), "=", log_p("q", x(T + 1), x(T))),
    domain=schedule(),
    hypotheses=(forward_markov,),
)
RIGHT = dict(
    says=(log_p("q", x(T), [x(T - 1), x(0)]), "=", log_p("q", x(T), x(T - 1))),
    domain=schedule(),
    hypotheses=(forward_markov,),
)
FAILS_AT = 2
BECAUSE = "not known to be there"


def wrong(line):
    line(log_p("q", x(T + 1), [x(T), x(0)]))
    line(log_p("q", x(T + 1), x(T)), by=given(forward_markov, t=T + 1))


def right(line):
    line(log_p("q", x(T), [x(T - 1), x(0)]))
    line(log_p("q", x(T), x(T - 1)), by=given(forward_markov, t=T))
