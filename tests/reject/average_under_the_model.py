"""The bound is averaged under the prior instead of the encoder.

The bound averages under q(z | x); under p(z) it is another number.
"""

from derivations.notation import integrable, obs, p, q, z
from derivations.rules import KL, Expect, bayes, definition, linearity, log_p

weight = log_p("p", [obs, z]) - log_p("q", z, obs)

CLAIM = dict(
    says=(Expect(q(z, obs), weight), "=", Expect(p(z), log_p("p", obs, z)) - KL(q(z, obs), p(z))),
    hypotheses=(integrable,),
)
RIGHT = dict(
    says=(Expect(q(z, obs), weight), "=", Expect(q(z, obs), log_p("p", obs, z)) - KL(q(z, obs), p(z))),
    hypotheses=(integrable,),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(q(z, obs), weight))
    line(Expect(p(z), log_p("p", obs, z)) - KL(q(z, obs), p(z)), by=[definition, bayes, linearity])


def right(line):
    line(Expect(q(z, obs), weight))
    line(Expect(q(z, obs), log_p("p", obs, z)) - KL(q(z, obs), p(z)), by=[definition, bayes, linearity])
