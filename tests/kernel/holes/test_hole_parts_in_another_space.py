"""An integration by parts in a space that nothing says the variable lives in: its divergence may be any number."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from attack import Attack, assert_refused

from derivations.kernel.claims import Claim, Statement
from derivations.kernel.hypotheses import ASSUMPTIONS
from derivations.kernel.judge import Judge
from derivations.kernel.rules import gradients
from derivations.kernel.terms import DIM
from derivations.notation import k, q, standard_normal, z
from derivations.rules import (
    Chain,
    Div,
    Domain,
    Expect,
    FullNormal,
    Grad,
    Hypothesis,
    Inner,
    LogDensity,
    Normal,
    by_claim,
    by_parts,
    covariance,
    integrate_by_parts,
    linearity,
    log_p,
    moments,
    ordered_by,
    stein,
    tower,
    vector,
    vector_calculus,
)

u, w, A = vector("parts_u"), vector("parts_w"), covariance("Parts_A")
SUPPOSED = tuple(Hypothesis(name, ASSUMPTIONS[name]) for name in ("integrable", "smooth", "decay", "interchange"))


def own(law):  # type: ignore[no-untyped-def]
    """E <z, grad log p>, which is minus the dimension."""
    return Expect(law, Inner(law.args[0], Grad(LogDensity(law), law.args[0])))


def unknown(variable=z):  # type: ignore[no-untyped-def]
    return Expect(q(variable), Inner(variable, Grad(log_p("q", variable), variable)))


def by_itself(dim, *rule):  # type: ignore[no-untyped-def]
    return Attack(unknown(), -dim, [*rule, tower, linearity], hypotheses=SUPPOSED)


FALSE: dict[str, Callable[[], Attack]] = {
    "R^2, as if it were R^d": lambda: Attack(own(Normal(z, 0, 1, 2)), -DIM, [stein, moments]),
    "a full covariance on R^k": lambda: Attack(own(FullNormal(z, u, A, k)), -DIM, [stein, moments]),
    "coordinates of R^k": lambda: Attack(own(standard_normal(z, k)), -DIM, [stein, moments]),
    "R^2, as if it were R^5": lambda: Attack(
        own(Normal(z, 0, 1, 2)), -5, [integrate_by_parts(5), moments], hypotheses=SUPPOSED
    ),
    "R^d, as if it were R^k": lambda: Attack(
        own(Normal(z, 0, 1)), -k, [integrate_by_parts(k), moments], hypotheses=SUPPOSED
    ),
    "half a dimension": lambda: by_itself(sp.Rational(1, 2), integrate_by_parts(sp.Rational(1, 2))),
    "less than none": lambda: by_itself(sp.S(-1), integrate_by_parts(-1)),
    "three, of which nobody knows": lambda: by_itself(sp.S(3), integrate_by_parts(3)),
}
TRUE: dict[str, Callable[[], Attack]] = {
    "R^2": lambda: Attack(own(Normal(z, 0, 1, 2)), -2, [stein, moments]),
    "R^k": lambda: Attack(own(FullNormal(z, u, A, k)), -k, [stein, moments]),
    "R^d": lambda: Attack(own(Normal(z, 0, 1)), -DIM, [stein, moments]),
    "named as it is": lambda: Attack(
        own(Normal(z, 0, 1, 2)), -2, [integrate_by_parts(2), moments], hypotheses=SUPPOSED
    ),
    "R^d, where nothing tells": lambda: by_itself(DIM, by_parts),
    "by a divergence on the way": lambda: in_space(DIM, z),
}


def parts(dim, variable):  # type: ignore[no-untyped-def]
    def chain(line: Chain) -> None:
        line(unknown(variable))
        line(-Expect(q(variable), Div(variable, variable, dim)), by=[by_parts, vector_calculus, tower, linearity])
        line(-dim, by=[vector_calculus, tower, linearity])

    return chain


def in_space(dim, variable):  # type: ignore[no-untyped-def]
    return Attack(unknown(variable), -dim, hypotheses=SUPPOSED, chain=parts(dim, variable))


@pytest.mark.parametrize("name", FALSE)
def test_it_is_not_proved(name: str) -> None:
    assert_refused(FALSE[name])


@pytest.mark.parametrize("name", TRUE)
def test_its_true_neighbour_is(name: str) -> None:
    verdict = TRUE[name]().verdict()
    assert verdict, verdict


def by_lemma(size, at=None, relation="="):  # type: ignore[no-untyped-def]
    """E <z, grad log q> = -d, by a claim about R^d, beside a law that says where z lives here."""
    says = (Statement(unknown(), relation, -DIM),)
    lemma = Claim("parts.lemma", "", "", "identity", says, "", (), Domain(), SUPPOSED)
    lemma.proves()(parts(DIM, z))
    variable = (at or {}).get(z, z)
    beside = Expect(Normal(variable, 0, 1, size), LogDensity(q(variable))) if size is not None else sp.S.Zero
    says = (Statement(unknown(variable) + beside, relation, beside - DIM),)
    claim = Claim("parts.claim", "", "", "identity", says, "", (), Domain(), SUPPOSED)
    rule = (by_claim if relation == "=" else ordered_by)("parts.lemma", at=at)

    @claim.proves()
    def _(line: Chain) -> None:
        line(unknown(variable) + beside)
        line._add(beside - DIM, relation, rule, "")

    return Judge({c.id: c for c in (lemma, claim)}).judge(claim).verdict


@pytest.mark.parametrize("relation", ["=", "<="])
def test_a_lemma_keeps_the_space_of_its_vectors(relation: str) -> None:
    assert by_lemma(DIM, None, relation)
    assert by_lemma(DIM, {z: w}, relation)
    assert by_lemma(None, None, relation)
    assert "in R^k" in by_lemma(k, None, relation).reason
    assert "in R^2" in by_lemma(2, {z: w}, relation).reason


def test_the_table_of_derivatives_is_closed() -> None:
    with pytest.raises(TypeError):
        gradients.MADE[Grad] = lambda *_: sp.S.Zero  # type: ignore[index]
