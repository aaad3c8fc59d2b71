"""What the attacks on the kernel share: a false statement, the lemmas it leans on, and what must become of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from derivations.kernel.claims import Chain, Claim, Statement
from derivations.kernel.domain import Domain
from derivations.kernel.formation import admit
from derivations.kernel.judge import Judge
from derivations.kernel.places import place
from derivations.kernel.rules.base import Hypothesis, Rule, algebra
from derivations.kernel.terms import Malformed
from derivations.kernel.verdict import Undecided


def one_statement(
    lhs: Any, relation: Any, rhs: Any, domain: Domain, hypotheses: Sequence[Hypothesis], name: str
) -> Claim:
    says = (Statement(lhs, relation, rhs),)
    return Claim(name, "", "", "identity", says, "", (), domain, tuple(hypotheses))


def proved_lemma(
    name: str, lhs: Any, rhs: Any, by: Rule = algebra, domain: Domain | None = None, *known: Hypothesis
) -> Claim:
    claim = one_statement(lhs, "=", rhs, domain or Domain(), known, name)

    @claim.proves()
    def _(line: Chain) -> None:
        line(lhs)
        line(rhs, by=by)

    assert Judge({name: claim}).judge(claim).verdict, f"the lemma {name} is meant to be proved"
    return claim


@dataclass
class Attack:
    """lhs relation rhs, in one step by a rule, or by a chain of its own."""

    lhs: Any
    rhs: Any
    by: Any = algebra
    domain: Domain = field(default_factory=Domain)
    hypotheses: tuple[Hypothesis, ...] = ()
    relation: str = "="
    lemmas: tuple[Claim, ...] = ()
    chain: Callable[..., None] | None = None
    induction_on: Any = None

    def verdict(self) -> Any:
        claim = one_statement(self.lhs, self.relation, self.rhs, self.domain, self.hypotheses, "attack")

        def one_step(line: Chain) -> None:
            line(self.lhs)
            line._add(self.rhs, self.relation, self.by, "")

        claim.proves(induction_on=self.induction_on)(self.chain or one_step)
        return Judge({c.id: c for c in (*self.lemmas, claim)}).judge(claim).verdict


def admitted(domain: Domain, *expressions: Any) -> list[Any]:
    """The core terms of lines that stand together; Malformed when one of them means nothing there."""
    here = place(domain, (), expressions)
    return [admit(e, here.domain, here.spaces) for e in expressions]


def assert_refused(make: Callable[[], Attack]) -> None:
    """It cannot even be written, or it is undecided for a reason that somebody thought of."""
    try:
        verdict = make().verdict()
    except Malformed:
        return
    assert isinstance(verdict, Undecided), verdict
    assert "Error" not in verdict.reason, verdict.reason
