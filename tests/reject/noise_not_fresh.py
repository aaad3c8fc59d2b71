"""Reparameterising with a noise that the average already mentions."""

from derivations.notation import eps, z
from derivations.rules import Expect, Inner, Normal, reparameterize, vector

a = vector("a")

CLAIM = dict(says=(Expect(Normal(z, 0, 4), Inner(z, eps)), "=", Expect(Normal(eps, 0, 1), 2 * Inner(eps, eps))))
RIGHT = dict(says=(Expect(Normal(z, 0, 4), Inner(z, a)), "=", Expect(Normal(eps, 0, 1), 2 * Inner(eps, a))))
FAILS_AT = 2
BECAUSE = "not fresh"


def wrong(line):
    line(Expect(Normal(z, 0, 4), Inner(z, eps)))
    line(Expect(Normal(eps, 0, 1), 2 * Inner(eps, eps)), by=reparameterize(eps))


def right(line):
    line(Expect(Normal(z, 0, 4), Inner(z, a)))
    line(Expect(Normal(eps, 0, 1), 2 * Inner(eps, a)), by=reparameterize(eps))
