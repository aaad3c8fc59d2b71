"""An inequality as a lemma, read where a hypothesis under it says nothing, or multiplied by what has no value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from attack import Attack, assert_refused, one_statement, proved_lemma

from derivations.kernel.claims import Claim
from derivations.kernel.judge import Judge
from derivations.rules import (
    POSITIVE,
    REAL,
    Domain,
    Hypothesis,
    Interval,
    SumTo,
    by_claim,
    given,
    monotone,
    ordered_by,
    positivity,
    scalar,
    scalar_function,
)

f, a, c = scalar_function("rests_f"), scalar("rests_a"), scalar("rests_c")
n, i, T = (sp.Symbol(f"rests_{name}", integer=True, positive=True) for name in "niT")
flat = Hypothesis("flat", "f is 0 from 1 to T", f(n), sp.S.Zero, {n: (1, T)})
TO_T = Domain(indices={T: (1, sp.oo)})
AT_ZERO = Domain({"rests_a": Interval(0, 0, False, False), "rests_c": REAL})
ANYWHERE = Domain({"rests_a": POSITIVE, "rests_c": REAL})


def lemma(name: str, small: Any, large: Any, by: Any, domain: Domain, *hypotheses: Hypothesis) -> Claim:
    claim = one_statement(small, "<=", large, domain, hypotheses, name)

    @claim.proves()
    def _(line: Any) -> None:
        line(small)
        line.le(large, by=by)

    assert Judge({name: claim}).judge(claim).verdict
    return claim


FIRST = lemma("rests.first", f(1), sp.S.Zero, [given(flat, rests_n=1), positivity], TO_T, flat)
LAST = lemma("rests.last", f(T), sp.S.Zero, [given(flat, rests_n=T), positivity], TO_T, flat)
EQUAL = proved_lemma("rests.equal", f(T), sp.S.Zero, given(flat, rests_n=T), TO_T, flat)
SQUARE = lemma("rests.square", sp.S.Zero, a**2 * c, positivity, AT_ZERO)
POWER = lemma("rests.power", sp.S.Zero, a**2 * c**2, positivity, ANYWHERE)


def at_most(small: Any, large: Any, by: Any, domain: Domain, *lemmas: Claim, supposed: Any = (flat,)):  # type: ignore[no-untyped-def]
    return lambda: Attack(sp.sympify(small), sp.sympify(large), by, domain, supposed, "<=", lemmas)


FALSE: dict[str, Callable[[], Attack]] = {
    "another value of a member that the hypothesis fixes": at_most(
        5, 0, ordered_by("rests.first", at={f(1): 5}), TO_T, FIRST
    ),
    "another value of the last member": at_most(3, 0, ordered_by("rests.last", at={f(T): 3}), TO_T, LAST),
    "beyond the end of the range": at_most(f(T + 1), 0, ordered_by("rests.last", at={T: T + 1}), TO_T, LAST),
    "the end of the range, in a sum that goes beyond": at_most(
        SumTo(f(i), i, 1, T + 5), 0, monotone(ordered_by("rests.last", at={T: i})), TO_T, LAST
    ),
    "an equation, matched beyond the end of the range": lambda: Attack(
        SumTo(f(i), i, 1, T + 5), sp.S.Zero, by_claim("rests.equal"), TO_T, (flat,), lemmas=(EQUAL,)
    ),
    "times what has no value": at_most(0, c, ordered_by("rests.square", times=1 / a**2), AT_ZERO, SQUARE, supposed=()),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "as it is": at_most(f(1), 0, ordered_by("rests.first"), TO_T, FIRST),
    "at the end of the range": at_most(f(T) + a, a, ordered_by("rests.last"), TO_T, LAST),
    "times what has a value": at_most(
        0, c**2, ordered_by("rests.power", times=1 / a**2), ANYWHERE, POWER, supposed=()
    ),
    "an equation as it is": lambda: Attack(
        2 * f(T), sp.S.Zero, by_claim("rests.equal"), TO_T, (flat,), lemmas=(EQUAL,)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict
