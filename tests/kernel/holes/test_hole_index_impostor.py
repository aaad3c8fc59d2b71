"""Parts of a domain or of a range that equal, hash or print as something else than what is supposed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.kernel.terms import DIM, Malformed
from derivations.notation import i, k
from derivations.rules import (
    POSITIVE,
    D,
    Domain,
    Hypothesis,
    Interval,
    SumTo,
    at_most,
    below,
    differentiation,
    given,
    positivity,
    scalar,
    scalar_function,
)

n = sp.Symbol("n", integer=True)
a, b = scalar("posing_a"), scalar("posing_b")
f, g = scalar_function("posing_f"), scalar_function("posing_g")


class Posing(sp.Symbol):
    """An integer that prints as n, and equals every symbol."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, sp.Symbol)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(n)


class Shown(sp.Symbol):
    """An integer that prints as another."""

    def _sympystr(self, *_: Any) -> str:
        return "k"


class Turning(sp.Symbol):
    """An integer that is equal to another every second time."""

    turn = False

    def __eq__(self, other: object) -> bool:
        Turning.turn = not Turning.turn
        return Turning.turn

    def __hash__(self) -> int:
        return hash(n)


class Fraction(sp.Basic):
    """An end of an interval that is more than any number and less."""

    is_Rational = is_Integer = is_real = is_integer = is_commutative = True
    is_Symbol = False

    def __lt__(self, _: object) -> bool:
        return False

    __gt__ = __lt__

    def __le__(self, _: object) -> bool:
        return True

    __ge__ = __le__

    def _sympystr(self, *_: Any) -> str:
        return "5"


class Ending(sp.Expr):
    """The end of a range that is as high as one likes, and prints as 3."""

    is_integer = is_Integer = is_commutative = is_number = is_real = True

    def _eval_is_nonnegative(self) -> bool:
        return True

    def _sympystr(self, *_: Any) -> str:
        return "3"


class Side:
    """Yes or no, as one asks."""

    asked = 0

    def __bool__(self) -> bool:
        Side.asked += 1
        return Side.asked % 2 == 0


class Text(str):
    """A name that equals another one than it shows."""

    def __new__(cls, shown: str, equal: str) -> Text:
        made = str.__new__(cls, shown)
        made.equal = equal  # type: ignore[attr-defined]
        return made

    def __eq__(self, other: object) -> bool:
        return bool(other == self.equal)  # type: ignore[attr-defined]

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.equal)  # type: ignore[attr-defined]


class Count(int):
    """The number 2 that prints as 3."""

    def __str__(self) -> str:
        return "3"

    __repr__ = __format__ = lambda self, *_: "3"  # type: ignore[assignment]


class Pair(tuple[Any, ...]):
    """Two ends, that are others when they are shown."""

    shown = 0

    def __iter__(self) -> Any:
        Pair.shown += 1
        return iter((1, sp.oo)) if Pair.shown % 2 else iter((-5, sp.oo))


class Table(dict[Any, Any]):
    """A table that holds more than it lists."""

    def items(self) -> Any:
        return dict.items(Table({}))


def integer(kind: type, name: str = "n") -> Any:
    return kind(name, integer=True)


def supposing_when(index: Any, *ends: Any) -> Attack:
    h = Hypothesis("mild", "a mild condition", f(index), g(index), {index: ends})
    return Attack(f(k), g(k), given(h, **{index.name: k}), Domain(indices={k: (1, 9)}), (h,))


FALSE: dict[str, Callable[[], Attack]] = {
    "an index that equals every other": lambda: Attack(
        -1, k, positivity, Domain(indices={integer(Posing): (0, 3)}), relation="<="
    ),
    "an index that prints as another": lambda: Attack(
        0, integer(Shown), positivity, Domain(indices={integer(Shown): (1, 3)}), relation="<"
    ),
    "an index that equals another now and then": lambda: Attack(
        0, n, positivity, Domain(indices={integer(Turning): (1, 3)}), relation="<"
    ),
    "a bare end of an interval": lambda: Attack(a, b, positivity, Domain({"posing_a": Interval(0, Fraction())})),
    "a lower end of an interval": lambda: Attack(
        0, a, positivity, Domain({"posing_a": Interval(Fraction(), sp.oo)}), relation="<="
    ),
    "an end that is open now and then": lambda: Attack(
        0,
        a,
        positivity,
        Domain({"posing_a": Interval(0, sp.oo, Side())}),
        relation="<",  # type: ignore[arg-type]
    ),
    "a 0 that is left out now and then": lambda: Attack(
        D(sp.log(sp.Abs(a)), a),
        1 / a,
        differentiation,
        Domain({"posing_a": Interval(nonzero=Side())}),  # type: ignore[arg-type]
    ),
    "an end of a range": lambda: Attack(k, 3, positivity, Domain(indices={k: (1, Ending())}), relation="<="),
    "an end of a range that is an int": lambda: Attack(
        k, 3, positivity, Domain(indices={k: (1, Count(9))}), relation="<="
    ),
    "an end of a range that is true": lambda: Attack(1, k, positivity, Domain(indices={k: (True, 9)}), relation="<="),
    "ends in a pair of somebody's own": lambda: Attack(
        1, k, positivity, Domain(indices={k: Pair((1, sp.oo))}), relation="<="
    ),
    "the name of an interval": lambda: Attack(
        0, a, positivity, Domain({Text("posing_b", "posing_a"): POSITIVE}), relation="<"
    ),
    "the name of a product": lambda: Attack(
        f(2), g(1) * g(2), domain=Domain(products={Text("posing_h", "posing_f"): "posing_g"})
    ),
    "the name of a factor": lambda: Attack(
        f(2), g(1) * g(2), domain=Domain(products={"posing_f": Text("posing_h", "posing_g")})
    ),
    "a size": lambda: Attack(a, a, domain=Domain(sizes={"Posing_A": Count(2)})),
    "the shape of a matrix": lambda: Attack(a, a, domain=Domain(sizes={"Posing_R": (Count(2), DIM)})),
    "a shape in a pair of somebody's own": lambda: Attack(a, a, domain=Domain(sizes={"Posing_R": Pair((2, 3))})),
    "the name of a matrix": lambda: Attack(a, a, domain=Domain(sizes={Text("Posing_A", "Posing_B"): 2})),
    "an index of a hypothesis": lambda: supposing_when(integer(Posing, "i"), 1, 3),
    "an end of a hypothesis": lambda: supposing_when(i, 1, Ending()),
    "an index of a condition": lambda: Attack(
        f(k),
        g(k),
        positivity,
        Domain(indices={k: (1, 9)}, conditions=(at_most(f(i), g(i), {integer(Posing, "i"): (1, 3)}),)),
        relation="<=",
    ),
    "a side of a condition": lambda: Attack(
        0, a, positivity, Domain(conditions=(at_most(Ending(), a),)), relation="<="
    ),
    "the relation of a condition": lambda: Attack(
        a,
        b,
        positivity,
        Domain(conditions=(type(below(a, b))(a, Text("<=", "<"), b),)),
        relation="<",  # type: ignore[arg-type]
    ),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "an index": lambda: Attack(0, n, positivity, Domain(indices={n: (1, 3)}), relation="<"),
    "fractions and infinity": lambda: Attack(
        0, a, positivity, Domain({"posing_a": Interval(sp.Rational(1, 2), sp.oo)}), relation="<"
    ),
    "plain numbers": lambda: Attack(0, a, positivity, Domain({"posing_a": Interval(1, 2, False)}), relation="<"),
    "a schedule": lambda: Attack(SumTo(i, i, 1, k), SumTo(n, n, 1, k), domain=Domain(indices={k: (1, sp.oo)})),
    "a range of a hypothesis": lambda: supposing_when(i, 1, 9),
    "a condition": lambda: Attack(
        f(k),
        g(k),
        positivity,
        Domain(indices={k: (1, 9)}, conditions=(at_most(f(i), g(i), {i: (1, 9)}),)),
        relation="<=",
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict


def test_a_table_that_holds_more_than_it_lists_holds_no_more_than_that() -> None:
    assert Domain(Table({"posing_a": POSITIVE})).intervals in ({}, {"posing_a": POSITIVE})


def test_a_domain_that_is_written_into_is_judged_as_it_is_read() -> None:
    domain = Domain({"posing_a": POSITIVE})
    object.__setattr__(domain, "indices", {integer(Posing): (0, 3)})
    with pytest.raises(Malformed):
        domain.copied()
