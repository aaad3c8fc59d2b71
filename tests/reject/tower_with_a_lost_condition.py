"""An inner average that forgets what the outer one drew.

E_a E_{b|a} is E_{a,b}; E_a E_b is not, unless a and b are independent.
"""

from derivations.notation import integrable, q, x
from derivations.rules import Expect, Inner, tower

body = Inner(x(1), x(2))

CLAIM = dict(
    says=(Expect(q(x(1)), Expect(q(x(2)), body)), "=", Expect(q([x(1), x(2)]), body)), hypotheses=(integrable,)
)
RIGHT = dict(
    says=(Expect(q(x(1)), Expect(q(x(2), x(1)), body)), "=", Expect(q([x(1), x(2)]), body)), hypotheses=(integrable,)
)
FAILS_AT = 2
BECAUSE = "does not follow"


def wrong(line):
    line(Expect(q(x(1)), Expect(q(x(2)), body)))
    line(Expect(q([x(1), x(2)]), body), by=tower)


def right(line):
    line(Expect(q(x(1)), Expect(q(x(2), x(1)), body)))
    line(Expect(q([x(1), x(2)]), body), by=tower)
