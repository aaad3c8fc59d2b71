"""Classes of somebody's own, names that are no plain text, claims that change: what is read is not what is judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations import Claim, Statement, Undecided, judge
from derivations.kernel import theorem as kernel
from derivations.kernel.definedness import Granted
from derivations.kernel.hypotheses import ASSUMPTIONS
from derivations.kernel.places import Induction, Place, induction, place
from derivations.kernel.rules.base import StepFails
from derivations.kernel.spaces import Spaces
from derivations.kernel.terms import Malformed
from derivations.language.chains import Chain, Proof
from derivations.notation import abar, p, q, schedule, t, z
from derivations.rules import (
    KL,
    POSITIVE,
    D,
    Domain,
    Hypothesis,
    Interval,
    algebra,
    at_most,
    define,
    differentiation,
    positivity,
    scalar,
    scalar_function,
)

a = scalar("impostor_a")
one, other = scalar_function("impostor_one", "F"), scalar_function("impostor_other", "{F}")
third = scalar_function("impostor_third", "G")
complement = define("impostor_abar", r"\bar\alpha", lambda n: 1 - abar(n))
plain = define("impostor_plain", r"\bar c", lambda n: 1 - abar(n))


class Text(str):
    """A text that equals another one than it shows."""

    equal: str

    def __new__(cls, shown: str, equal: str) -> Text:
        made = str.__new__(cls, shown)
        made.equal = equal
        return made

    def __eq__(self, to: object) -> bool:
        return self.equal == to or str.__eq__(self, to)

    def __hash__(self) -> int:
        return hash(self.equal)


class Two(sp.Integer):
    """The number 2 that prints as 3."""

    def _sympystr(self, *_: Any) -> str:
        return "3"


class Logarithm(sp.log):
    """A logarithm that could print as anything."""

    @classmethod
    def eval(cls, *_: Any) -> None:
        return None


class Constant(sp.NumberSymbol):
    """A number that is called what it likes."""

    is_real = is_number = True


def two() -> Any:
    made = sp.Expr.__new__(Two)
    made.p = 2
    return made


nothing = Hypothesis(Text("nothing", "integrable"), Text("nothing", "every expectation written is finite"))
FALSE: dict[str, Callable[[], Attack]] = {
    "a number that prints as another": lambda: Attack(two(), 2),
    "an end of an interval": lambda: Attack(
        a, 2, positivity, relation="<", domain=Domain({"impostor_a": Interval(0, two())})
    ),
    "a function of one's own": lambda: Attack(
        Logarithm(a, evaluate=False), Logarithm(a, evaluate=False), domain=Domain({"impostor_a": Interval(1, 2)})
    ),
    "a constant of one's own": lambda: Attack(Constant() + a, a + Constant()),
    "a relation": lambda: Attack(0, 0, algebra, relation=Text("<", "=")),
    "words of a hypothesis": lambda: Attack(
        KL(q(z), p(z)), KL(q(z), p(z)) + 1, positivity, relation="<", hypotheses=(nothing,)
    ),
    "a name with a lie": lambda: Attack(D(sp.Symbol(Text("impostor_a", "b"), real=True), a), 0, differentiation),
    "a name with a blank": lambda: Attack(D(scalar("impostor_a "), a), 0, differentiation),
    "a name with a letter nobody sees": lambda: Attack(D(scalar("impostor_a\u200b"), a), 0, differentiation),
    "a name in another alphabet": lambda: Attack(D(scalar("impostor_\u0430"), a), 0, differentiation),
    "two symbols, one look": lambda: Attack(D(scalar("impostor_b", "{impostor_a}"), a), 0, differentiation),
    "two families, one look": lambda: Attack(D(one(1), other(1)), 0, differentiation),
    "an abbreviation that looks like a family": lambda: Attack(complement(t), 1 - abar(t), domain=schedule()),
    "a power of e": lambda: Attack(sp.Pow(sp.E, a, evaluate=False), sp.exp(a)),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "two families, two looks": lambda: Attack(D(one(1), third(1)), 0, differentiation),
    "an abbreviation with a look of its own": lambda: Attack(plain(t), 1 - abar(t), domain=schedule()),
    "e and pi": lambda: Attack(sp.E + sp.pi + a, a + sp.pi + sp.E),
}


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict


class Turning(Statement):
    """A statement that could say something else each time."""


class Longer(Chain):
    """A chain that could have other lines each time."""


def claim(statement: Statement, chain: Chain) -> Claim:
    made = Claim("impostor", "", "", "identity", (statement,), "", ())
    chain(a)
    chain(a)
    made.proofs[0] = Proof((chain,), None, sp.S.One)
    return made


def test_claims_of_another_class_are_not_judged() -> None:
    assert judge(claim(Statement(a, "=", a), Chain())).verdict
    for statement, chain in ((Turning(a, "=", a), Chain()), (Statement(a, "=", a), Longer())):
        verdict = judge(claim(statement, chain)).verdict
        assert isinstance(verdict, Undecided), verdict
        assert "may change" in verdict.reason


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (lambda made: made, "text"),
        (lambda made: made.says[0], "latex"),
        (lambda made: made.domain, "words"),
        (lambda made: made.proofs[0].chains[0].lines[0], "shown"),
    ],
)
def test_a_part_that_says_more_than_its_fields_is_not_judged(part: Callable[[Any], Any], name: str) -> None:
    made = claim(Statement(a, "=", a), Chain())
    object.__setattr__(made, "hypotheses", (Hypothesis("integrable", ASSUMPTIONS["integrable"]),))
    assert judge(made).verdict
    part(made).__dict__[name] = lambda *_: "a = a + 1"
    verdict = judge(made).verdict
    assert isinstance(verdict, Undecided), verdict
    assert f"was given {name!r} of its own" in verdict.reason


def test_a_hypothesis_and_an_interval_hold_nothing_beside_their_fields() -> None:
    for part in (Hypothesis("mild", ""), POSITIVE, at_most(a, a)):
        with pytest.raises(AttributeError):
            object.__setattr__(part, "shown", "a = a + 1")


def test_a_place_put_together_elsewhere_is_none() -> None:
    assert kernel.start(place(Domain(), (), (a,)), a).lhs == a
    granted = Place(Domain(), (), (), Spaces.of((), {}), integrable=True, granted=Granted(True, True))
    with pytest.raises(StepFails, match="place that the kernel made"):
        kernel.start(granted, a)


def test_an_induction_put_together_elsewhere_is_none() -> None:
    n = sp.Symbol("n", integer=True)
    where = Domain({}, {n: (1, sp.oo)})
    made = induction(where, (), (n, "=", n), n, 1, ([n], [n]))
    base, step = (kernel.start(here, goal[0]) for here, goal in zip((made.base, made.step), made.goals, strict=True))
    assert kernel.by_induction(made, base, step).relation == "="
    forged = Induction(made.whole, made.base, made.step, made.goals, (sp.S.One, "=", sp.S.Zero))
    with pytest.raises(StepFails, match="made by the kernel"):
        kernel.by_induction(forged, base, step)


def test_a_hypothesis_about_impostors_is_refused() -> None:
    with pytest.raises(Malformed, match="class of its own"):
        place(Domain(), (Hypothesis("h", "", one(1), two()),), (a,))
