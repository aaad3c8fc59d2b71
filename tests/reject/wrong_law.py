"""E over q(x_t | x_0) replaced by E over q(x_t | x_{t-1})."""

from derivations.notation import integrable, q, schedule, t, x
from derivations.rules import Expect, scalar_function, tower

f = scalar_function("f")

CLAIM = dict(
    says=(Expect(q(x(t), x(0)), f(x(t))), "=", Expect(q(x(t), x(t - 1)), f(x(t)))),
    domain=schedule(2),
    hypotheses=(integrable,),
)
RIGHT = dict(
    says=(Expect(q([x(t), x(t - 1)], x(0)), f(x(t))), "=", Expect(q(x(t), x(0)), f(x(t)))),
    domain=schedule(2),
    hypotheses=(integrable,),
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(q(x(t), x(0)), f(x(t))))
    line(Expect(q(x(t), x(t - 1)), f(x(t))), by=tower)


def right(line):
    line(Expect(q([x(t), x(t - 1)], x(0)), f(x(t))))
    line(Expect(q(x(t), x(0)), f(x(t))), by=tower)
