"""The divergence to the prior enters the bound with the wrong sign.

The bound is reconstruction minus divergence.
"""

from derivations.notation import integrable, obs, p, q, z
from derivations.rules import KL, Expect, bayes, definition, linearity, log_p

weight = log_p("p", [obs, z]) - log_p("q", z, obs)

CLAIM = dict(
    says=(Expect(q(z, obs), weight), "=", Expect(q(z, obs), log_p("p", obs, z)) + KL(q(z, obs), p(z))),
    hypotheses=(integrable,),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(q(z, obs), weight))
    line(Expect(q(z, obs), log_p("p", obs, z)) + KL(q(z, obs), p(z)), by=[definition, bayes, linearity])
