"""A derivative is taken where there is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.notation import abar, alpha, i, interchange_hypothesis, k, schedule, z
from derivations.rules import (
    NONNEGATIVE,
    POSITIVE,
    REAL,
    At,
    BernoulliProduct,
    Coord,
    D,
    Domain,
    Expect,
    Gradient,
    Hypothesis,
    Inner,
    algebra,
    continuity,
    differentiation,
    log_p,
    scalar,
    scalar_function,
    vector,
)

a, phi, v = scalar("slope_a"), scalar("slope_phi"), vector("slope_v")
f = scalar_function("slope_f")
n = sp.Symbol("slope_n", integer=True, positive=True)
CLOSED, OPEN, LINE = (Domain({"slope_a": where}) for where in (NONNEGATIVE, POSITIVE, REAL))
bits = BernoulliProduct(z, i, sp.Rational(1, 2), k)
tied = Hypothesis("a value", "", f(1), phi**2)
ANY_K = Domain(indices={k: (1, sp.oo)})


def by_itself(line):  # type: ignore[no-untyped-def]
    line(D(sp.Abs(a), a))
    line(D(a, a))
    line(1, by=differentiation)


FALSE: dict[str, Callable[[], Attack]] = {
    "at a closed end": lambda: Attack(D(sp.Abs(a), a), 1, domain=CLOSED, chain=by_itself),
    "of a root at a closed end": lambda: Attack(D(sp.sqrt(a) ** 3, a), 3 * sp.sqrt(a) / 2, differentiation, CLOSED),
    "of a product with a kink": lambda: Attack(
        D(a * sp.Abs(a), a), sp.Abs(a) + a * D(sp.Abs(a), a), differentiation, LINE
    ),
    "of a square of a kink": lambda: Attack(
        D(sp.Abs(a) ** 2, a), 2 * sp.Abs(a) * D(sp.Abs(a), a), differentiation, LINE
    ),
    "of an unknown function": lambda: Attack(D(f(a) * a, a), f(a) + a * D(f(a), a), differentiation, LINE),
    "of an unknown function of a vector": lambda: Attack(
        D(f(a * v), a), Inner(Gradient(f, a * v), v), differentiation, LINE
    ),
    "a gradient of an unknown function": lambda: Attack(
        Inner(Gradient(f, v), v), Inner(v, Gradient(f, v)) + 0 * a, algebra
    ),
    "of an unknown density": lambda: Attack(
        D(log_p("q", z), Coord(z, 1)), D(log_p("q", z), Coord(z, 1)) + 0 * a, differentiation
    ),
    "by an integer": lambda: Attack(D(n**2, n), 2 * n, differentiation, Domain(indices={n: (1, sp.oo)})),
    "by an integer in disguise": lambda: Attack(D(a**2, a), 2 * a, differentiation, Domain(indices={a: (1, 5)})),
    "by a bit": lambda: Attack(
        D(Coord(z, 1) ** 2, Coord(z, 1)) + Expect(bits, sp.S.One) - 1, 2 * Coord(z, 1), differentiation, ANY_K
    ),
    "by what a hypothesis ties": lambda: Attack(D(f(1), phi), 0, differentiation, Domain({"slope_phi": REAL}), (tied,)),
    "by one member of a schedule": lambda: Attack(D(abar(2), alpha(1)), 0, differentiation, schedule()),
    "of a limit": lambda: Attack(
        D(At(a * phi, phi, 0), a), 0, [continuity, differentiation], Domain({"slope_phi": REAL, "slope_a": NONNEGATIVE})
    ),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "on an open interval": lambda: Attack(D(sp.Abs(a), a), 1, domain=OPEN, chain=by_itself),
    "of an unknown function, granted": lambda: Attack(
        D(f(a * v), a), Inner(Gradient(f, a * v), v), differentiation, LINE, (interchange_hypothesis,)
    ),
    "by a free number": lambda: Attack(D(f(1), a), 0, differentiation, LINE, (tied,)),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
