"""A rule, a theorem, a registry or a claim is put together, or changed afterwards, by somebody else."""

from __future__ import annotations

import copy
from dataclasses import FrozenInstanceError, replace
from types import SimpleNamespace
from typing import Any

import pytest
from attack import Attack, one_statement

from derivations.kernel import symbols
from derivations.kernel.claims import Chain, Claim
from derivations.kernel.hypotheses import ASSUMPTIONS
from derivations.kernel.judge import Judge
from derivations.kernel.rules import base
from derivations.kernel.rules.base import Rule
from derivations.kernel.theorem import Theorem
from derivations.rules import POSITIVE, UNIT, Domain, Hypothesis, algebra, by_claim, positivity, scalar

a, b = scalar("forged_a"), scalar("forged_b")


def proved(claim: Claim, by: Any = algebra) -> Any:
    @claim.proves()
    def _(line: Chain) -> None:
        line(claim.says[0].lhs)
        line._add(claim.says[0].rhs, claim.says[0].relation, by, "")

    return Judge({claim.id: claim}).judge(claim).verdict


def test_a_rule_has_nothing_to_replace() -> None:
    for changed in ({"decide": lambda *_: True}, {"rewrite": lambda e, _: 0}, {"tier": "decided"}):
        with pytest.raises(TypeError):
            replace(algebra, **changed)
    for write in (setattr, object.__setattr__):
        with pytest.raises((FrozenInstanceError, TypeError, AttributeError)):
            write(algebra, "decide", lambda *_: True)
    assert not hasattr(algebra, "__dict__")


class Liar(Rule):
    """Says yes to everything."""

    def decide(self, *_: Any) -> bool:
        return True

    def rewrite(self, *_: Any) -> Any:
        return a


class AlwaysEqual(str):
    """A name that is whatever one looks for."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


@pytest.mark.parametrize(
    "rule", [Liar("algebra"), Rule("anything goes"), Rule(AlwaysEqual("algebra")), Rule("in order", (Liar("algebra"),))]
)
def test_a_rule_of_ones_own_proves_nothing(rule: Rule) -> None:
    assert not proved(one_statement(1, "=", 0, Domain(), (), "forged"), rule)


def test_the_table_of_rules_is_closed() -> None:
    with pytest.raises(TypeError, match="complete"):
        base.rewriting("anything goes", "decided", "none")(lambda e, _: 0)
    with pytest.raises(TypeError, match="complete"):
        base.deciding("algebra", "decided", "none")(lambda *_: True)


def test_nothing_but_a_rule_is_a_reason() -> None:
    chain = Chain()
    chain(a)
    for reason, remedy in (("algebra", "without quotes"), (SimpleNamespace(name="algebra"), "import it")):
        with pytest.raises(TypeError, match=remedy):
            chain(a, by=reason)
    with pytest.raises(TypeError, match="needs its reason"):
        chain.le(a)


def test_a_theorem_is_not_made_by_hand() -> None:
    with pytest.raises(TypeError):
        Theorem()
    empty = object.__new__(Theorem)
    with pytest.raises(ValueError, match="not made by the kernel"):
        empty.lhs  # noqa: B018
    claim = one_statement(a, "=", a, Domain(), (), "true")
    proved(claim)
    (part,) = Judge({claim.id: claim}).judge(claim).parts
    assert part.theorem is not None and part.theorem.rhs == a
    with pytest.raises(AttributeError):
        part.theorem.rhs = b
    with pytest.raises(TypeError, match="and by nothing else"):
        copy.copy(part.theorem)


def test_a_lemma_is_a_theorem_and_no_claim_that_says_so() -> None:
    false = one_statement(a, "=", b, Domain(), (), "false")
    user = one_statement(2 * a, "=", 2 * b, Domain(), (), "user")

    @user.proves()
    def _(line: Chain) -> None:
        line(2 * a)
        line(2 * b, by=by_claim("false"))

    judge = Judge({"false": false, "user": user})
    assert not judge.judge(user).verdict
    forged = replace(judge.judge(false), verdict=SimpleNamespace(kind="proved"))
    judge._lemma = lambda _: {0: forged}  # type: ignore[method-assign, assignment, dict-item]
    assert not judge.judge(user).verdict


def test_what_a_domain_says_cannot_be_written_over() -> None:
    intervals = {"forged_a": POSITIVE}
    domain = Domain(intervals)
    intervals["forged_a"] = UNIT
    assert domain.intervals["forged_a"] is POSITIVE
    with pytest.raises(TypeError):
        domain.intervals["forged_a"] = UNIT  # type: ignore[index]


def test_a_claim_that_was_changed_is_judged_again() -> None:
    claim = one_statement(a, ">", 0, Domain({"forged_a": POSITIVE}), (), "changing")

    @claim.proves()
    def _(line: Chain) -> None:
        line(a)
        line.gt(0, by=positivity)

    judge = Judge({claim.id: claim})
    assert judge.judge(claim).verdict
    object.__setattr__(claim, "domain", Domain())
    assert not judge.judge(claim).verdict
    object.__setattr__(claim, "domain", Domain({"forged_a": POSITIVE}))
    assert judge.judge(claim).verdict
    claim.proofs[0].chains[0].lines.pop()
    assert not judge.judge(claim).verdict


class Anywhere(Domain):
    """Grants whatever is asked."""

    def at_least_zero(self, e: Any) -> bool:
        return True

    def interval(self, atom: Any) -> Any:
        return POSITIVE


class Whatever(Hypothesis):
    """Says whatever is needed."""

    @property
    def content(self) -> Any:
        return ()


def test_a_subclass_grants_nothing() -> None:
    assert not Attack(a, 0, positivity, Anywhere(), relation=">").verdict()
    assert not Attack(a, b, algebra, hypotheses=(Whatever("h", "", a, b),)).verdict()


def test_registries_are_views() -> None:
    for registry, key in ((symbols.HEADS, "alpha"), (ASSUMPTIONS, "integrable")):
        with pytest.raises(TypeError):
            registry[key] = "anything"  # type: ignore[index]
    assert not hasattr(symbols.VECTORS, "add")
